"""Two runs side by side: what `comp compare` finds, with pictures and curves."""
