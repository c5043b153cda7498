"""The networks of a run in formats of other programs: `comp export`."""
