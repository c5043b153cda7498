"""Data from files to batches: archives, images, folds, augmentation, datasets."""
