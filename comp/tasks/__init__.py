"""Usual forms of a competition, with most of the contract filled in."""
