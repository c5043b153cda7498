"""Calls that make a run, for the command line and for Python: do it, show it, report on it."""
