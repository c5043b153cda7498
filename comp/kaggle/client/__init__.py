"""Requests to Kaggle with its own SDK, `kagglesdk`.

`kagglesdk` is imported inside functions, and `kaggle` never: importing `kaggle` signs in, prints,
makes a folder in HOME, and may wait for the network without a timeout.
"""
