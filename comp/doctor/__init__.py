"""Checks of the machine: each finds a problem and its remedy."""
