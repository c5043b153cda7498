"""Search for hyperparameters: studies of trials, on the same folds with the same length."""
