"""Pairs of vectors as arrays: a million samples are a few arrays, not a million small ones.

Pairs that know their arrays have a method `arrays`; the metrics of comp use it. For everything else
they are an iterable of `Pair`, as a plugin's metric expects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from comp.contract.metric import Pair, Pairs

if TYPE_CHECKING:
    import numpy as np

_FIRST = 1024


@dataclass(frozen=True, kw_only=True, eq=False)
class PairArrays(Iterable[Pair]):
    """The pairs of N samples. `targets` (N, T) and `predictions` (N, K) are float32."""

    targets: np.ndarray
    predictions: np.ndarray
    ids: Sequence[str]
    groups: Sequence[str | None]

    def arrays(self) -> PairArrays:
        """The pairs themselves."""
        return self

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[Pair]:
        """Each row is a copy: a metric may change what it gets."""
        rows = zip(self.targets, self.predictions, self.ids, self.groups, strict=True)
        return (Pair(t.copy(), p.copy(), name, group) for t, p, name, group in rows)

    def some(self, rows: np.ndarray) -> PairArrays:
        """The pairs of some rows, int (M,)."""
        return PairArrays(
            targets=self.targets[rows],
            predictions=self.predictions[rows],
            ids=[self.ids[row] for row in rows.tolist()],
            groups=[self.groups[row] for row in rows.tolist()],
        )


def arrays_of(pairs: Pairs) -> PairArrays | None:
    """The arrays of pairs that know them; None if they do not, or are no vectors."""
    make = getattr(pairs, "arrays", None)
    return make() if callable(make) else None


def collected(pairs: Iterable[Pair]) -> PairArrays | None:
    """The arrays of pairs, of which one is in memory besides; None if their shapes differ, or they
    are no vectors."""
    targets, predictions = Rows(), Rows()
    ids, groups = [], []
    for pair in pairs:
        if not (targets.add(pair[0]) and predictions.add(pair[1])):
            return None
        ids.append(pair.id)
        groups.append(pair.group)
    return PairArrays(targets=targets.all(), predictions=predictions.all(), ids=ids, groups=groups)


class Rows:
    """An array (N, K) of float32 that grows."""

    def __init__(self) -> None:
        self._values: np.ndarray | None = None
        self._count = 0

    def add(self, row: np.ndarray) -> bool:
        """Add a row; False if it is no vector of float32, or has another length."""
        import numpy as np

        if self._values is None:
            if np.ndim(row) != 1:
                return False
            self._values = np.empty((_FIRST, len(row)), dtype=np.float32)
        if row.shape != self._values.shape[1:] or row.dtype != np.float32:
            return False
        if self._count == len(self._values):  # in place: most systems move the pages, not the bytes
            grown = self._count + max(_FIRST, self._count // 4)
            self._values.resize((grown, self._values.shape[1]), refcheck=False)
        self._values[self._count] = row
        self._count += 1
        return True

    def all(self) -> np.ndarray:
        """All rows (N, K)."""
        import numpy as np

        if self._values is None:
            return np.empty((0, 1), dtype=np.float32)
        self._values.resize((self._count, self._values.shape[1]), refcheck=False)
        return self._values
