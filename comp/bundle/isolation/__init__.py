"""What Python imports when a rehearsal starts it: `sitecustomize.py`, and nothing of comp."""
