"""Models of tables that are not networks: boosted trees, linear models, neighbours, and blends."""
