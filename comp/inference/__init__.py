"""Prediction with a trained model, prediction files, and out-of-fold scores."""
