"""What a metric is: a function of pairs of target and prediction, and which scores are better."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar

if TYPE_CHECKING:
    import numpy as np

Direction = Literal["min", "max"]
Takes = Literal["predictions", "decisions"]


class Pair(tuple):  # type: ignore[type-arg]
    """(target, prediction) of one sample, with the `id` and the `group` of the sample.

    Code that needs neither id nor group unpacks it into two values.
    """

    id: str
    group: str | None

    def __new__(
        cls, target: np.ndarray, prediction: np.ndarray, id: str = "", group: str | None = None
    ) -> Pair:
        """A pair; `group` is None for a sample without a group."""
        pair = super().__new__(cls, (target, prediction))
        pair.id, pair.group = id, group
        return pair

    def __getnewargs__(self) -> tuple[Any, ...]:
        """The arguments of a copy, for pickle and copy."""
        return (*self, self.id, self.group)


Pairs = Iterable[tuple[Any, Any]]
"""Pairs of target and prediction, one per sample; in a run they are `Pair` objects. Both are float
arrays. An image and its target are (H, W, C). Otherwise the target is (T,): the class index, the
number, one 0 or 1 per label; the prediction is (K,), or a decision of the shape of the target."""


Arrays = TypeVar("Arrays", bound=tuple[Any, ...])
"""Some arrays, and what is known of them."""


def own_arrays(item: Arrays) -> Arrays:
    """A pair, or another tuple, with copies of its arrays, for code that may change them."""
    parts = [part.copy() if hasattr(part, "dtype") else part for part in item]
    if isinstance(item, Pair):
        return type(item)(parts[0], parts[1], item.id, item.group)
    return type(item)(parts)


@dataclass(frozen=True, kw_only=True)
class Metric:
    """The metric of a competition.

    `score` takes `Pairs` and returns a float; NaN if it is not defined. `takes` says what it
    compares with the targets: "predictions" (probabilities, numbers, images), or the "decisions"
    that the task makes of them (classes, grades, masks). Each prediction of a classification is
    (1,), the probability of class 1 of two, or (K,). `direction` is "min" if smaller scores are
    better. `medals` maps the names of leaderboard lines to scores. `source` is where the formula
    comes from. `top` is the number of labels of a sample, the most probable first, that a ranking
    metric compares and a submission has; None for other metrics.
    """

    name: str
    score: Callable[[Pairs], float]
    direction: Direction
    takes: Takes = "predictions"
    medals: Mapping[str, float] = field(default_factory=dict)
    source: str = ""
    top: int | None = None

    def better(self, new: float, old: float | None) -> bool:
        """Whether `new` beats `old`. Any number beats None; NaN never beats a score."""
        if new != new:
            return False
        if old is None:
            return True
        return new < old if self.direction == "min" else new > old

    def nearest_medals(self, score: float) -> str:
        """The hardest medal line that `score` beats and the next one, "" without medals."""
        lines = sorted(self.medals.items(), key=lambda line: line[1])
        beaten = [line for line in lines if self.better(score, line[1])]
        missed = [line for line in lines if not self.better(score, line[1])]
        best = self._extreme(beaten, hardest=True)
        goal = self._extreme(missed, hardest=False)
        words = [f"beats {best[0]} ({best[1]:.5f})"] if best else []
        words += [f"next is {goal[0]} ({goal[1]:.5f})"] if goal else []
        return ", ".join(words)

    def _extreme(
        self, lines: list[tuple[str, float]], *, hardest: bool
    ) -> tuple[str, float] | None:
        """The hardest or the easiest of some lines, which are sorted by rising score."""
        if not lines:
            return None
        return lines[0] if (self.direction == "min") == hardest else lines[-1]


def array_metric(
    name: str,
    function: Callable[..., float],
    direction: Direction,
    *,
    takes: Takes = "predictions",
    source: str = "",
    with_ids: bool = False,
) -> Metric:
    """A metric from a function of two arrays: targets (N, T) and predictions (N, K), float64.

    The score is NaN if there are no pairs, or a prediction is not finite.

    Args:
        function: (targets, predictions) -> score, picklable. A column of one value stays (N, 1).
        with_ids: the function also gets the keywords `ids` and `groups`, each N values; a sample
            without a group is a group by itself.
    """
    score = partial(_score_arrays, function, with_ids)
    return Metric(name=name, score=score, direction=direction, takes=takes, source=source)


def _score_arrays(function: Callable[..., float], with_ids: bool, pairs: Pairs) -> float:
    listed = list(pairs)
    if not listed:
        return float("nan")
    targets, predictions = stack(listed)
    import numpy as np

    if not np.isfinite(predictions).all():
        return float("nan")
    if not with_ids:
        return float(function(targets, predictions))
    ids = [getattr(pair, "id", "") for pair in listed]
    groups = [getattr(pair, "group", None) for pair in listed]
    units = [f"sample {i}" if g is None else f"group {g}" for i, g in zip(ids, groups, strict=True)]
    return float(function(targets, predictions, ids=ids, groups=units))


def stack(pairs: Pairs) -> tuple[np.ndarray, np.ndarray]:
    """Targets (N, T) and predictions (N, K) of pairs of vectors, float64."""
    import numpy as np

    listed = list(pairs)
    targets = [np.asarray(target, dtype=np.float64).ravel() for target, _ in listed]
    predictions = [np.asarray(values, dtype=np.float64).ravel() for _, values in listed]
    return np.array(targets), np.array(predictions)
