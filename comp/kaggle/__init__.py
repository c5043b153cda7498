"""Kaggle both ways: download data, submit, follow scores."""
