"""Runs on disk: the folder of one run, the list of all runs, and the records of a run."""
