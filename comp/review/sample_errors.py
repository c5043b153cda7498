"""How wrong a run is about each sample, out of fold: by its task, one number a sample."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from comp.contract.metric import Pair
from comp.contract.task import decide
from comp.errors import CompError
from comp.page.words import Text, say

if TYPE_CHECKING:
    from comp.review.facts import NumberOof, RunFacts

MOST_IMAGES = 1000
"""Images with a target image that are measured, chosen at random."""
LEAST_IMAGES = 30
LIMIT_S = 1.2
"""Seconds after which no further image with a target image is measured, if there are thirty."""


@dataclass(frozen=True, kw_only=True)
class SampleErrors:
    """One number for each sample whose prediction is finite."""

    ids: Sequence[str]
    values: np.ndarray
    """float64 (N,)."""
    name: Text
    short: Text
    """The name for a card."""
    greater_is_better: bool
    sure_wrong: np.ndarray | None = None
    """float64 (N,): how sure the run is of a wrong decision, NaN of a right one. None if being sure
    means nothing, or the order is that of `values`."""
    of: int
    """Samples with a prediction, measured or not."""
    not_finite: int = 0
    """Samples that are left out because a prediction is not finite, or its value is not defined."""

    @property
    def order(self) -> np.ndarray:
        """The indices of the samples, the worst first."""
        signs = 1.0 if self.greater_is_better else -1.0
        return np.argsort(signs * self.values, kind="stable")


def sample_errors(facts: RunFacts) -> SampleErrors | None:
    """The error of each sample; None without predictions."""
    if facts.oof is None:
        return None
    numbers = facts.numbers
    if numbers is None:
        return _of_images(facts)
    finite = np.isfinite(numbers.predictions).all(axis=1) & np.isfinite(numbers.targets).all(axis=1)
    ids = [name for name, good in zip(numbers.ids, finite, strict=True) if good]
    values, (name, short), better, sure = _of_numbers(facts, numbers, finite)
    return SampleErrors(
        ids=ids,
        values=values,
        name=name,
        short=short,
        greater_is_better=better,
        sure_wrong=sure,
        of=len(numbers.ids),
        not_finite=int((~finite).sum()),
    )


def _of_numbers(
    facts: RunFacts, numbers: NumberOof, finite: np.ndarray
) -> tuple[np.ndarray, tuple[Text, Text], bool, np.ndarray | None]:
    """The values of the finite samples, their two names, whether greater is better, and how sure
    the wrong decisions are."""
    task = facts.task
    targets, predictions = numbers.targets[finite], numbers.predictions[finite]
    if task.exclusive is not None:
        chances = task.exclusive.probabilities(predictions)
        true = chances[np.arange(len(targets)), targets[:, 0].astype(np.int64)]
        sure = None if chances.shape[1] == 2 else sure_of_wrong_class(chances, targets[:, 0])
        names = (say("probability of the true class"), say("p(true)"))
        return true, names, True, sure
    if task.suspects == "labels":
        given = np.where(targets == 1, predictions, 1 - predictions)
        lowest = given.min(axis=1)
        sure = np.where(lowest < 0.5, 1 - lowest, np.nan)
        names = (say("mean probability of what is true"), say("mean p(true)"))
        return given.mean(axis=1), names, True, sure
    errors = np.abs(predictions - targets)
    if errors.shape[1] == 1:
        return errors[:, 0], (say("absolute error"), say("error")), False, None
    words = say("largest error, in multiples of the median error of its column")
    return relative_errors(errors), (words, say("error")), False, None


def sure_of_wrong_class(chances: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The probability of the most probable class where it is not the true one, else NaN, (N,)."""
    top = chances.argmax(axis=1)
    return np.where(top != truth, chances.max(axis=1), np.nan)


def relative_errors(errors: np.ndarray) -> np.ndarray:
    """The largest error of each row, in multiples of the median error of its column, (N,)."""
    if not len(errors):
        return np.zeros(0)
    typical = np.median(errors, axis=0)
    typical = np.where(typical > 0, typical, errors.mean(axis=0))
    largest: np.ndarray = (errors / np.where(typical > 0, typical, 1.0)).max(axis=1)
    return largest


def chosen_ids(ids: Sequence[str], most: int, seed: int) -> list[str]:
    """At most `most` ids in a random order."""
    order = np.random.default_rng(seed).permutation(len(ids))[:most]
    return [ids[index] for index in order]


def image_score(facts: RunFacts, name: str) -> float | None:
    """The metric of one image alone, by the prediction, or by the decision with the parameters of
    its fold; NaN if the prediction is not finite. None if the target cannot be read."""
    oof, fitted, metric = facts.oof, facts.decisions, facts.metric
    assert oof is not None
    try:
        pair = next(iter(oof.pairs([name])))
    except (CompError, OSError, KeyError):
        return None
    target, prediction = pair
    if not np.isfinite(prediction).all():
        return math.nan
    if metric.takes == "decisions" and facts.task.decision is not None and fitted is not None:
        prediction = decide(facts.task.decision, prediction, fitted.by_fold[oof.fold_of[name]])
    return float(metric.score([Pair(target, prediction, name, pair.group)]))


def _of_images(facts: RunFacts) -> SampleErrors:
    """The metric of each image alone, of images in a random order until the time is up."""
    assert facts.oof is not None
    chosen = chosen_ids(facts.oof.ids, MOST_IMAGES, 0)
    found: list[tuple[str, float]] = []
    assert facts.oof.reader is not None  # made before the time starts
    end = time.monotonic() + LIMIT_S
    for name in chosen:
        value = image_score(facts, name)
        if value is not None:
            found.append((name, value))
        if len(found) >= LEAST_IMAGES and time.monotonic() > end:
            break
    place = {name: index for index, name in enumerate(facts.oof.ids)}
    found.sort(key=lambda entry: place[entry[0]])
    good = [(name, value) for name, value in found if np.isfinite(value)]
    return SampleErrors(
        ids=[name for name, _ in good],
        values=np.array([value for _, value in good], dtype=np.float64),
        name=say("{metric} of the image", metric=facts.metric.name),
        short=facts.metric.name,
        greater_is_better=facts.metric.direction == "max",
        of=len(facts.oof.ids),
        not_finite=len(found) - len(good),
    )
