"""Image files: decode, check, resize, cache."""
