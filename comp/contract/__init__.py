"""The contract that a plugin fills in, the metrics, and the registry of plugins."""
