"""What the files of a run prove, in numbers with honest noise; alerts and notes share it."""
