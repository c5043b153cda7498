"""Audit the data of a competition before training: find errors, leaks and copies."""
