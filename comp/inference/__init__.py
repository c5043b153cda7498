"""From checkpoints to predictions: test-time augmentation, tiles, out-of-fold, ensemble."""
