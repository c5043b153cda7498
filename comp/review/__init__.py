"""The report of a run: what its files say, as panels of a page, with alerts and coach's notes."""
