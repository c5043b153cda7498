"""What `benchmarks/peers.py` is made of: the split, the programs that it compares, the scores."""
