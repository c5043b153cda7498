"""The page of a first look: one module for each kind of panel."""
