"""What a competition is: the contract that a plugin fills, metrics, and the registry of plugins."""
