"""Everything odd in the data of a competition, found before anyone trains on it."""
