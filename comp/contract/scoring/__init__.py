"""The formulas of the metrics in `comp.contract.metrics`, by what they compare."""
