"""The levels that all evidence uses."""

from __future__ import annotations

LEVEL = 0.01
"""Of runs without a fault, the share in which a single test finds one, at most. A report makes
about ten tests, so about one report in ten has a false one; with 0.05 it would be four."""
SURE = 2.576
"""Standard errors of a two-sided test at this level."""
LEAST_GROUPS = 5
"""Fewer groups prove nothing. If 5 groups are expected and none is found, chance explains it in
0.7 % of the cases (Poisson)."""
