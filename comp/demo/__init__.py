"""A page in the browser that predicts with a run: `comp demo`."""
