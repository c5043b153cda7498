"""The pipeline: one run, one fold, resume, predict again, grade."""
