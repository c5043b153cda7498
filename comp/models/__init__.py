"""Networks that competitions share."""
