"""A simple baseline with the metric of the competition: one prediction for all samples, or for
images the input unchanged or an empty mask.

It is the best of some constants: the class shares or the most frequent classes, the mean, the
median, the geometric mean. They are computed from the scored targets themselves; a constant of a
few numbers gains nothing by that which the noise would not hide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from comp.contract.metric import Metric, Pair, own_arrays
from comp.inference.paired import paired_difference
from comp.inference.weighted_score import weighted_score
from comp.page.words import Say, say
from comp.review.facts import NumberOof, RunFacts
from comp.review.verdict import scored_pairs
from comp.runs.comparison import PairedDifference

MOST_CLASSES = 10
"""Classes that are tried as a constant decision, the most frequent first."""
SHARES = (0.05, 0.1, 0.2, 0.3, 0.5)
"""A constant decision of several labels has those with at least this share."""
MOST_IMAGES, LEAST_IMAGES, PIXELS = 60, 10, 20_000_000
"""Images that are compared, chosen at random: as many as have so many pixels."""
LIMIT_S = 0.5
"""Seconds for the draws of the comparison."""


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """The baseline, and the score of the run minus its score."""

    what: Say
    score: float
    run_score: float
    difference: PairedDifference
    samples: int
    sign: float

    @property
    def is_better(self) -> bool:
        """Whether the baseline is better than the run, beyond noise."""
        low, high = self.difference.low, self.difference.high
        if low is None or high is None:
            return False
        return (high if self.sign > 0 else -low) < 0

    @property
    def is_equal(self) -> bool:
        """Whether the interval of the difference includes 0."""
        low, high = self.difference.low, self.difference.high
        return low is not None and high is not None and low <= 0 <= high


def baseline(facts: RunFacts) -> Baseline | None:
    """The baseline of a run; None if there is none, or the score is not defined."""
    return facts.once("baseline", lambda: _baseline(facts))


def _baseline(facts: RunFacts) -> Baseline | None:
    if facts.oof is None:
        return None
    if facts.task.output == "image":
        return _of_images(facts)
    numbers = facts.numbers
    if numbers is None or not np.isfinite(numbers.targets).all():
        return None
    found = best_constant(facts, numbers)
    if found is None:
        return None
    what, values = found
    ids = list(numbers.ids)
    pairs = _pairs(numbers, values)
    return _compared(facts, ids, list(scored_pairs(facts, ids)), pairs, what)


def best_constant(facts: RunFacts, numbers: NumberOof) -> tuple[Say, np.ndarray] | None:
    """The constant with the best score, and its value; None if no score is defined."""
    best: tuple[Say, np.ndarray] | None = None
    score: float | None = None
    for what, value in constants(facts, numbers):
        found = _score(facts.metric, _pairs(numbers, value))
        if facts.metric.better(found, score):
            best, score = (what, value), found
    return best


def _score(metric: Metric, pairs: list[Pair]) -> float:
    try:
        with np.errstate(all="ignore"):
            return float(metric.score([own_arrays(pair) for pair in pairs]))
    except (ValueError, ArithmeticError):  # a metric may refuse a value
        return float("nan")


def constants(facts: RunFacts, numbers: NumberOof) -> list[tuple[Say, np.ndarray]]:
    """Constant predictions, or decisions if the metric takes them."""
    task, targets = facts.task, numbers.targets
    if facts.metric.takes == "decisions" and task.decision:
        return _constant_decisions(task.labels, targets)
    if task.exclusive:
        counts = np.bincount(targets[:, 0].astype(np.int64), minlength=len(task.labels))
        shares = counts[None] / counts.sum()
        return [(say("the shares of the classes"), task.exclusive.predictions(shares)[0])]
    found = [
        (say("the mean of the targets"), targets.mean(axis=0)),
        (say("the median of the targets"), np.median(targets, axis=0)),
    ]
    if (targets > -1).all():
        geometric = np.expm1(np.log1p(targets).mean(axis=0))
        found.append((say("the geometric mean of the targets"), geometric))
    return found if targets.shape[1] == numbers.predictions.shape[1] else []


def _constant_decisions(labels: Sequence[str], targets: np.ndarray) -> list[tuple[Say, np.ndarray]]:
    if targets.shape[1] > 1:
        shares = targets.mean(axis=0)
        found = [(say("all labels"), np.ones(len(shares)))]
        for least in SHARES:
            what = say("the labels that at least {share:.0%} of the samples have", share=least)
            found.append((what, (shares >= least).astype(np.float64)))
        return found
    counts = Counter(targets[:, 0].tolist()).most_common(MOST_CLASSES)
    names = dict(enumerate(labels))
    return [
        (say("always {label}", label=names.get(int(value), f"{value:g}")), np.array([value]))
        for value, _ in counts
    ]


def _pairs(numbers: NumberOof, value: np.ndarray) -> list[Pair]:
    rows = zip(numbers.ids, numbers.groups, numbers.targets, strict=True)
    return [Pair(target, value, name, group) for name, group, target in rows]


def _of_images(facts: RunFacts) -> Baseline | None:
    assert facts.oof
    ids = _chosen(facts)
    predicted = list(scored_pairs(facts, ids))
    pairs, unchanged = [], facts.task.decision is None
    for pair in predicted:
        value = _unchanged(facts, pair) if unchanged else np.zeros_like(pair[0])
        if value is None:
            return None
        pairs.append(Pair(pair[0], value, pair.id, pair.group))
    what = say("the input unchanged") if unchanged else say("an empty mask")
    return _compared(facts, ids, predicted, pairs, what)


def _chosen(facts: RunFacts) -> list[str]:
    assert facts.oof
    ids = list(facts.oof.ids)
    pixels = max(1, np.asarray(facts.oof.predictions[ids[0]]).size)
    count = min(MOST_IMAGES, max(LEAST_IMAGES, PIXELS // pixels))
    if len(ids) <= count:
        return ids
    rows = np.sort(np.random.default_rng(0).choice(len(ids), count, replace=False))
    return [ids[row] for row in rows]


def _unchanged(facts: RunFacts, pair: Pair) -> np.ndarray | None:
    """The input of a pair in 0..1, in the shape of the target; None if it has another one."""
    image = facts.image(pair.id)
    if image is None:
        return None
    value: np.ndarray = image.astype(np.float32) / 255
    shape: Any = pair[0].shape
    if value.shape[:2] != shape[:2]:
        return None
    if value.shape[2] != shape[2]:
        value = np.repeat(value[..., :1], shape[2], axis=2)
    return value


def _compared(
    facts: RunFacts, ids: list[str], run: list[Pair], constant: list[Pair], what: Say
) -> Baseline | None:
    assert facts.oof
    if not np.isfinite(_score(facts.metric, run)):
        return None
    first, _ = weighted_score(facts.metric, run)
    second, _ = weighted_score(facts.metric, constant)
    differs = np.array([not np.array_equal(a[1], b[1]) for a, b in zip(run, constant, strict=True)])
    groups = [facts.oof.groups[name] for name in ids]
    found = paired_difference(first, second, groups, differs, draws=300, limit_s=LIMIT_S)
    if not np.isfinite(found.value):
        return None
    return Baseline(
        what=what,
        score=found.second,
        run_score=found.first,
        difference=found,
        samples=len(ids),
        sign=1.0 if facts.metric.direction == "max" else -1.0,
    )
