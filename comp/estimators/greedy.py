"""Greedy selection of members with replacement.

Caruana, Niculescu-Mizil, Crew and Ksikes, Ensemble Selection from Libraries of Models, 2004,
sections 2 and 2.1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

ROUNDS = 40
"""Most members that are selected, so that weights are multiples of at least 1/40."""
PATIENCE = 8
"""Rounds without a smaller error before the selection ends."""


def greedy_weights(
    count: int, error: Callable[[np.ndarray], float], rounds: int = ROUNDS
) -> tuple[float, ...]:
    """The weights of the selection with the least error.

    It starts with the best member. Each round adds the member, one that was selected before or
    not, whose addition to the equal mean of the selected ones has the least error, also if that is
    larger than before. A member has the weight of the number of times that it was selected. Of
    equal errors, the first member and the smaller selection count.

    Args:
        count: of the members M.
        error: (weights (M,) of sum 1) -> what should be small; not finite counts as infinite.
    """
    import numpy as np

    selected, units = np.zeros(count), np.eye(count)
    best, best_error, idle = np.full(count, 1 / count), math.inf, 0
    for size in range(1, rounds + 1):
        errors = [_finite(error((selected + unit) / size)) for unit in units]
        number = int(np.argmin(errors))
        selected[number] += 1
        idle += 1
        if errors[number] < best_error:
            best, best_error, idle = selected / size, errors[number], 0
        if idle >= PATIENCE:
            break
    return tuple(float(weight) for weight in best)


def _finite(error: float) -> float:
    return error if math.isfinite(error) else math.inf
