"""What boosted trees need of a library, so that all libraries are used alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from comp.config.estimators import GbdtConfig

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """What one model learns."""

    objective: Literal["number", "binary", "classes"]
    classes: int
    """Classes of `classes`, 2 of `binary`, 0 of `number`."""
    categorical: np.ndarray
    """bool (F,): columns that are codes of categories."""
    settings: GbdtConfig
    threads: int
    seed: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """Rows with targets."""

    values: np.ndarray
    """float64 (N, F), NaN for gaps."""
    target: np.ndarray
    """Class indices int64 (N,), or numbers float64 (N,)."""
    weights: np.ndarray | None
    """float64 (N,)."""

    def rows(self, indices: np.ndarray) -> Part:
        """The rows with these indices."""
        weights = None if self.weights is None else self.weights[indices]
        return Part(values=self.values[indices], target=self.target[indices], weights=weights)


class Search(NamedTuple):
    """The number of trees with the best loss on held-out rows, 1 or more; seconds per tree; and
    whether the deadline ended the search."""

    trees: int
    seconds: float
    late: bool


class Library(Protocol):
    """A library of boosted trees. Its models are objects of the library."""

    def search(
        self, problem: Problem, train: Part, held_out: Part, deadline: float | None
    ) -> Search:
        """Choose the number of trees on held-out rows.

        Args:
            deadline: `time.monotonic()` at which the search ends with the best so far.
        """
        ...

    def fit(self, problem: Problem, part: Part, iterations: int) -> Any:
        """A model of a fixed number of trees."""
        ...

    def predict(self, problem: Problem, model: Any, values: np.ndarray) -> np.ndarray:
        """Numbers (N, 1), or the shares of the classes (N, classes), float64."""
        ...

    def dump(self, model: Any) -> bytes:
        """A model as bytes."""
        ...

    def load(self, data: bytes) -> Any:
        """The model of these bytes.

        Raises:
            ValueError: they are not those of a model.
        """
        ...
