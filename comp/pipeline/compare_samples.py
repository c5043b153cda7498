"""What two runs predict of each sample: which decisions are right, and where they differ most."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from comp.contract.metric import Pair
from comp.contract.metrics import METRICS
from comp.contract.task import Params
from comp.inference.oof import decided_once
from comp.inference.predictions import Repeatable
from comp.pipeline.run_oof import RunOof, fitted_decisions
from comp.runs.comparison import ChangedSides, PartScore, SampleChange

LARGEST = 10
"""Samples that are listed because the runs differ most."""
MOST_OUTPUTS = 100
"""Columns, labels or planes that are compared one by one, at most."""
RIGHT = "right decisions"
_KNOWN_SCORES = frozenset(metric.score for metric in METRICS.values())


@dataclass(frozen=True, kw_only=True)
class ScoredRun:
    """A run with the pairs of some of its samples, always in the same order."""

    run: RunOof
    scored: Iterable[Pair]
    """What the metric takes: predictions, or the decisions of each fold with its own parameters."""
    decided: Iterable[Pair] | None
    """Decisions: those that are scored or, if the metric takes predictions, those that the run
    submits. None if the task makes none, or they are images."""


def scored_run(run: RunOof, ids: Sequence[str]) -> ScoredRun:
    """The pairs of a run in the order of `ids`. The parameters of its decisions are the run's own;
    those that a fold is scored with were fitted on the other folds."""
    task, metric = run.competition.task, run.competition.metric
    predicted = Repeatable(lambda: run.pairs(ids))
    fitted = fitted_decisions(run)
    if task.decision is None or fitted is None:
        return ScoredRun(run=run, scored=predicted, decided=None)
    takes_decisions, of_images = metric.takes == "decisions", task.output == "image"
    if of_images and not takes_decisions:
        return ScoredRun(run=run, scored=predicted, decided=None)

    def params_of(pair: Pair) -> Params:
        return fitted.by_fold[run.fold_of[pair.id]] if takes_decisions else fitted.params

    source = run.pairs(ids)
    decided = decided_once(task.decision, source, params_of)
    return ScoredRun(
        run=run,
        scored=decided if takes_decisions else predicted,
        decided=None if of_images else decided,
    )


def differing(first: ScoredRun, second: ScoredRun) -> np.ndarray:
    """Whether the runs differ in what is scored, bool (N,)."""
    return np.array(
        [
            not np.array_equal(one[1], other[1])
            for one, other in zip(first.scored, second.scored, strict=True)
        ]
    )


def right_decisions(first: ScoredRun, second: ScoredRun) -> np.ndarray | None:
    """Whether each run decides each sample right, bool (2, N); None without decisions."""
    if first.decided is None or second.decided is None:
        return None
    return np.array([[_is_right(pair) for pair in side.decided or ()] for side in (first, second)])


def _is_right(pair: Pair) -> bool:
    target, decision = map(np.ravel, pair)
    return np.array_equal(target, decision)


def changed_sides(right: np.ndarray, ids: Sequence[str]) -> ChangedSides:
    """The samples that only one of the runs decides right.

    Args:
        right: as `right_decisions` returns it.
    """
    first, second = right
    return ChangedSides(
        both=int((first & second).sum()),
        neither=int((~first & ~second).sum()),
        only_first=[ids[row] for row in np.flatnonzero(first & ~second).tolist()],
        only_second=[ids[row] for row in np.flatnonzero(second & ~first).tolist()],
    )


def largest_changes(first: ScoredRun, second: ScoredRun) -> tuple[str, list[SampleChange]]:
    """What is compared, and the samples in which it differs most.

    It is the metric of each image alone, and for numbers the mean absolute error of the sample.
    """
    competition = first.run.competition
    of_images = competition.task.output == "image"
    name = f"{competition.metric.name} of the image" if of_images else "absolute error"
    measure = _score_alone(competition.metric.score) if of_images else _absolute_error
    changes = []
    for one, other in zip(first.scored, second.scored, strict=True):
        values = measure(one), measure(other)
        if np.isfinite(values).all() and values[0] != values[1]:
            changes.append(_change(one.id, *values))
    changes.sort(key=lambda change: -abs(change.difference))
    return name, changes[:LARGEST]


def _change(name: str, first: float, second: float) -> SampleChange:
    return SampleChange(id=name, first=first, second=second, difference=first - second)


def _score_alone(score: Callable[[Iterable[Pair]], float]) -> Callable[[Pair], float]:
    return lambda pair: float(score([pair]))


def _absolute_error(pair: Pair) -> float:
    target, prediction = pair
    return float(np.abs(np.asarray(prediction, dtype=np.float64) - target).mean())


def output_scores(
    first: ScoredRun, second: ScoredRun, ids: Sequence[str], right: np.ndarray | None
) -> tuple[str, list[PartScore]]:
    """What is compared for each class, label, column or plane, and its scores; empty if there is
    one output only.

    For exclusive classes it is the share of right decisions among the samples of each class, for
    labels whose decisions are scored the share of right decisions about each label, and else the
    metric of each output.
    """
    competition = first.run.competition
    metric, labels = competition.metric, competition.task.labels
    if right is not None:
        samples = first.run.samples
        classes = [competition.task.label_names(samples[name].target) for name in ids]
        if all(len(names) == 1 for names in classes):
            return RIGHT, _of_classes([names[0] for names in classes], right, labels)
    shapes = [np.shape(array)[-1:] for array in next(iter(first.scored))]
    if shapes != [(len(labels),)] * 2 or not 1 < len(labels) <= MOST_OUTPUTS:
        return "", []
    if right is not None and metric.takes == "decisions":
        return RIGHT, _of_labels(first, second, labels)
    if metric.score not in _KNOWN_SCORES:  # it may need all outputs together
        return "", []
    parts = []
    for index, label in enumerate(labels):
        scores = [float(metric.score(_Output(s.scored, index))) for s in (first, second)]
        parts.append(part_score(label, len(ids), *scores))
    return metric.name, parts


class _Output(Iterable[Pair]):
    """Pairs with one of the outputs."""

    def __init__(self, pairs: Iterable[Pair], index: int) -> None:
        self._pairs, self._last = pairs, slice(index, index + 1)

    def __iter__(self) -> Iterator[Pair]:
        for pair in self._pairs:
            target, prediction = (array[..., self._last] for array in pair)
            yield Pair(target, prediction, pair.id, pair.group)


def _of_classes(
    classes: Sequence[str], right: np.ndarray, labels: Sequence[str]
) -> list[PartScore]:
    rows: Mapping[str, list[int]] = {name: [] for name in labels}
    for row, name in enumerate(classes):
        rows[name].append(row)
    return [
        part_score(name, len(chosen), *right[:, chosen].mean(axis=1).tolist())
        for name, chosen in rows.items()
        if chosen
    ]


def _of_labels(first: ScoredRun, second: ScoredRun, labels: Sequence[str]) -> list[PartScore]:
    shares, count = [], 0
    for side in (first, second):
        right = np.array([np.ravel(target) == np.ravel(made) for target, made in side.scored])
        shares.append(right.mean(axis=0))
        count = len(right)
    return [part_score(name, count, *pair) for name, *pair in zip(labels, *shares, strict=True)]


def part_score(name: str, n: int, first: float, second: float) -> PartScore:
    """The scores of a part with their difference; None for those that are not finite."""
    values = (
        float(value) if np.isfinite(value) else None for value in (first, second, first - second)
    )
    one, other, difference = values
    return PartScore(name=name, n=n, first=one, second=other, difference=difference)
