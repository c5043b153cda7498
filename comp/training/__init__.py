"""Training: the device, the optimizer, the visible loop, the budget, checkpoints."""
