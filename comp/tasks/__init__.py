"""Common kinds of competition, with most of the contract filled in."""
