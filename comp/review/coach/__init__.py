"""Coach's notes: what limits a run, for a student, and the one command to try next."""
