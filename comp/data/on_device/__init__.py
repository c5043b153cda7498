"""Augmentation of whole batches in plain torch, on the device of the training."""
