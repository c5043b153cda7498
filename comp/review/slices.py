"""Scores of parts of the samples with intervals: where is a run weaker than on the whole?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from comp.contract.metric import Direction
from comp.inference.measures import group_draws
from comp.page.words import Text

LEAST = 10
"""Samples of a part, and groups of it, from which it is scored and judged."""
DRAWS = 200
"""Draws of the bootstrap of a part, at most."""
LEAST_DRAWS = 60
"""Fewer draws are no interval."""
LIMIT_S = 0.8
"""Seconds for all draws, estimated from the work of a draw."""
LEVEL = 0.05


@dataclass(frozen=True, kw_only=True)
class Measure:
    """What parts are scored by."""

    name: Text
    direction: Direction
    score: Callable[[np.ndarray], float]
    """Weights (N,) of the samples -> score; NaN if it is not defined."""
    work: float
    """Seconds of one call, estimated."""


@dataclass(frozen=True, kw_only=True)
class Slicing:
    """A property by which samples are divided into parts."""

    key: str
    """Of the property: "brightness", or "column " and a name."""
    title: Text
    labels: Sequence[Text]
    """Names of the parts, in their order."""
    part_of: np.ndarray
    """int (N,): the part of each sample, -1 for none."""
    by_sample: bool = False
    """Draws take single samples: each part is one group."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """The score of a part, with its 95 % interval if it has one."""

    slicing: Slicing
    label: Text
    samples: int
    groups: int
    value: float
    worse: float
    """By how much it is worse than the score of the whole; below 0 if it is better."""
    low: float | None = None
    high: float | None = None
    error: float | None = None
    """The standard error of the score."""

    @property
    def judged(self) -> bool:
        """Whether it has an interval."""
        return self.error is not None


def mean_measure(name: Text, direction: Direction, values: np.ndarray) -> Measure:
    """The mean of one number for each sample."""

    def score(weights: np.ndarray) -> float:
        total = float(weights.sum())
        return float(weights @ values) / total if total else float("nan")

    return Measure(name=name, direction=direction, score=score, work=5e-5 + 2e-9 * len(values))


def quarters(
    values: np.ndarray, least: int = LEAST
) -> tuple[list[tuple[float, float]], np.ndarray]:
    """Parts of equal size by a number: their ends, and the part of each sample, -1 for NaN. There
    are four, or fewer if there are few samples or values; equal values are in one part."""
    finite = np.isfinite(values)
    known = values[finite]
    parts = np.full(len(values), -1)
    count = min(4, len(known) // least)
    if count < 2 or np.ptp(known) == 0:
        return [], parts
    edges = np.unique(np.quantile(known, np.arange(1, count) / count))
    index = np.searchsorted(edges, known, side="left")
    used, index = np.unique(index, return_inverse=True)
    if len(used) < 2:
        return [], parts
    parts[finite] = index
    ends = [
        (float(known[index == k].min()), float(known[index == k].max())) for k in range(len(used))
    ]
    return ends, parts


def most_frequent(texts: Sequence[str], most: int = 7) -> tuple[list[str], np.ndarray]:
    """Parts by a text: the most frequent ones, and the part of each sample, -1 for "" and all
    others."""
    names, counts = np.unique([text for text in texts if text], return_counts=True)
    chosen = [str(names[row]) for row in np.argsort(-counts, kind="stable")[:most]]
    place = {name: index for index, name in enumerate(chosen)}
    return chosen, np.array([place.get(text, -1) for text in texts], dtype=np.int64)


def score_parts(
    measure: Measure, slicings: Sequence[Slicing], groups: Sequence[str], seed: int = 0
) -> list[Part]:
    """The parts of at least ten samples, each with its interval, if the draws take little time:
    percentiles of a bootstrap that draws whole groups.

    Args:
        groups: the key of the group of each sample, (N,).
    """
    names = np.asarray(groups, dtype=np.str_)
    chosen = [
        (slicing, index, np.flatnonzero(slicing.part_of == index))
        for slicing in slicings
        for index in range(len(slicing.labels))
    ]
    chosen = [entry for entry in chosen if len(entry[2]) >= LEAST]
    draws = int(min(DRAWS, LIMIT_S / (measure.work * max(1, len(chosen)))))
    whole = measure.score(np.ones(len(names)))
    found = []
    for slicing, index, rows in chosen:
        drawn = np.array([str(row) for row in rows]) if slicing.by_sample else names[rows]
        part = Part(
            slicing=slicing,
            label=slicing.labels[index],
            samples=len(rows),
            groups=len(set(drawn.tolist())),
            value=measure.score(_weights(len(names), rows, np.ones(len(rows)))),
            worse=float("nan"),
        )
        sign = 1.0 if measure.direction == "max" else -1.0
        part = replace(part, worse=sign * (whole - part.value))
        if np.isfinite(part.value):
            found.append(_with_interval(part, measure, rows, drawn, draws, seed))
    return found


def weak_parts(parts: Sequence[Part]) -> list[Part]:
    """The parts that are worse than the whole beyond chance, the clearest first.

    It is a Student's t test whose standard error is that of the draws, with the groups of the part
    less one as degrees of freedom, corrected for the number of judged parts (Bonferroni). The score
    of the whole counts as known: it contains the part, so that errs on the side of silence.
    """
    from scipy.special import stdtrit

    judged = [part for part in parts if part.judged]
    found = []
    for part in judged:
        assert part.error is not None
        reach = float(stdtrit(part.groups - 1, 1 - LEVEL / 2 / len(judged))) * part.error
        if part.worse > max(reach, 1e-9):
            found.append((part.worse / (part.error or 1e-9), part))
    return [part for _, part in sorted(found, key=lambda entry: -entry[0])]


def _with_interval(
    part: Part,
    measure: Measure,
    rows: np.ndarray,
    groups: np.ndarray,
    draws: int,
    seed: int,
) -> Part:
    """The part with its interval and standard error; without, if there are too few groups or
    draws."""
    if draws < LEAST_DRAWS or part.groups < LEAST:
        return part
    size = len(part.slicing.part_of)
    scores = np.array(
        [
            measure.score(_weights(size, rows, weights))
            for weights in group_draws(groups.tolist(), draws, seed)
        ]
    )
    finite = scores[np.isfinite(scores)]
    if len(finite) < LEAST_DRAWS:
        return part
    low, high = (float(end) for end in np.percentile(finite, [2.5, 97.5]))
    return replace(
        part,
        low=min(low, part.value),
        high=max(high, part.value),
        error=float(finite.std(ddof=1)),
    )


def _weights(size: int, rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    spread = np.zeros(size)
    spread[rows] = weights
    return spread
