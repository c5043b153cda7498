"""The steps of a run, from the configuration to a checked submission."""
