"""A first look at data before any training: `comp explore`."""
