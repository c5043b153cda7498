"""The race of backbones: which one, with which size and rate, is worth the hours of a run."""
