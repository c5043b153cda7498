"""Bundles with comp itself and the wheels that Kaggle's image lacks: `comp bundle --wheels`."""
