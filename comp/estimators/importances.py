"""Permutation importances: how much worse the predictions of held-out rows get without a column."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from comp.data.columns.cells import Row

if TYPE_CHECKING:
    import numpy as np

MOST_ROWS = 5000
"""Held-out rows that are shuffled, a random part if there are more."""


@dataclass(frozen=True)
class Importance:
    """How much worse the score gets when the cells of a column are shuffled over the rows.

    `mean` and `std` are over `repeats` shuffles, in the unit of the score; about 0 or below: the
    model does not need the column.
    """

    column: str
    mean: float
    std: float
    repeats: int


class ShuffledRows(Sequence[Row]):
    """Rows in which each row `i` has the cell of row `order[i]` in one column.

    A row is made when it is used, so that a model that has read the cells before can shuffle what
    it has read.
    """

    def __init__(self, rows: Sequence[Row], column: str, order: np.ndarray) -> None:
        self.column, self.order = column, order
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> Any:
        """A row; a list of rows for a slice."""
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        cell = self._rows[self.order[index]][self.column]
        return {**self._rows[index], self.column: cell}


def permutation_importances(
    columns: Sequence[str],
    rows: Sequence[Row],
    predict: Callable[[Sequence[Row]], np.ndarray],
    worsening: Callable[[np.ndarray, np.ndarray], float],
    seed: int,
    *,
    repeats: int = 3,
    seconds: float = 30.0,
) -> list[Importance]:
    """The importances of columns in held-out rows, the largest first.

    Columns that carry the same information share it: each alone may look useless.

    Args:
        rows: held-out rows, which the model has not seen.
        predict: rows, shuffled ones as `ShuffledRows` -> predictions (N, K).
        worsening: (predictions (N, K), indices (N,) of their rows) -> how bad they are, larger is
            worse: the score with the sign changed if a larger one is better.
        repeats: shuffles of each column.
        seconds: after which no further shuffle starts; columns without one are left out.
    """
    import numpy as np

    start = time.monotonic()
    generator = np.random.default_rng(seed)
    chosen = np.arange(len(rows))
    if len(rows) > MOST_ROWS:
        chosen = np.sort(generator.permutation(len(rows))[:MOST_ROWS])
    used = [rows[int(i)] for i in chosen]
    before = worsening(predict(used), chosen)
    losses: dict[str, list[float]] = {column: [] for column in columns}
    for _ in range(repeats):
        for column in columns:
            order = generator.permutation(len(used))
            if time.monotonic() - start > seconds:
                break
            shuffled = ShuffledRows(used, column, order)
            losses[column].append(worsening(predict(shuffled), chosen) - before)
    found = [
        Importance(column, float(np.mean(values)), float(np.std(values)), len(values))
        for column, values in losses.items()
        if values
    ]
    return sorted(found, key=lambda importance: (-importance.mean, importance.column))


def mean_importances(folds: Sequence[Sequence[Importance]]) -> list[Importance]:
    """The importances over folds, the largest first; `std` is that of the folds' means."""
    import numpy as np

    by_column: dict[str, list[Importance]] = {}
    for fold in folds:
        for importance in fold:
            by_column.setdefault(importance.column, []).append(importance)
    found = []
    for column, entries in by_column.items():
        means = [entry.mean for entry in entries]
        repeats = sum(entry.repeats for entry in entries)
        found.append(Importance(column, float(np.mean(means)), float(np.std(means)), repeats))
    return sorted(found, key=lambda importance: (-importance.mean, importance.column))
