"""Runs on disk: the folder of one run, the list of all, and the records that stages pass on."""
