"""comp in Python, for notebooks and scripts."""
