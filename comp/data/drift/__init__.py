"""How much test differs from train, told before training."""
