"""Code competitions: a bundle as data set and kernel on Kaggle: `comp submit --code`."""
