"""How suspect each label of a run is: by probabilities of classes or labels, or by its error."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from comp.contract.metric import Pair, stack
from comp.contract.task import decide
from comp.errors import CompetitionError
from comp.inference.confident import confident_labels
from comp.inference.decisions import FittedDecisions
from comp.pipeline.run_oof import RunOof


@dataclass(frozen=True, kw_only=True, slots=True)
class RankedLabel:
    """One label, with what the predictions say about it."""

    id: str
    given: str
    suggested: str
    score: float
    order: float
    """Smaller is more suspect."""
    label: str = ""
    p_given: float | None = None
    p_suggested: float | None = None
    wrong: bool = False


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """All labels of a run, in the order of its samples."""

    labels: Sequence[RankedLabel]
    noun: str
    """What is ranked: "labels", "targets"."""
    score_meaning: str
    estimates: bool
    """Whether `RankedLabel.wrong` is an estimate; else there is only the order."""
    not_finite: int
    """Samples whose prediction is not finite, which are left out."""


_MARGIN = (
    "normalised margin, 0..1: half of 1 + p_given - the largest other probability; small is suspect"
)


def _finite(run: RunOof) -> tuple[list[Pair], int]:
    """The pairs of numbers with finite predictions, and how many others there are."""
    listed = list(run.pairs())
    finite = [pair for pair in listed if np.isfinite(pair[1]).all()]
    return finite, len(listed) - len(finite)


def _by_classes(run: RunOof, _fitted: FittedDecisions | None) -> Ranking:
    task = run.competition.task
    if task.exclusive is None:
        raise CompetitionError(
            f"the task of {run.competition.name} says suspects = classes without the probabilities "
            "of its classes: give it `exclusive`, or suspects = errors"
        )
    pairs, not_finite = _finite(run)
    labels: list[RankedLabel] = []
    if pairs:
        targets, predictions = stack(pairs)
        given = targets[:, 0].astype(np.int64)
        labels = _ranked(pairs, task.exclusive.probabilities(predictions), given, task.labels)
    return Ranking(
        labels=labels,
        noun="labels",
        score_meaning=_MARGIN,
        estimates=True,
        not_finite=not_finite,
    )


def _by_labels(run: RunOof, _fitted: FittedDecisions | None) -> Ranking:
    """Each label alone: it and its absence are two classes, as in cleanlab's
    `multilabel_classification`."""
    pairs, not_finite = _finite(run)
    labels: list[RankedLabel] = []
    if pairs:
        targets, predictions = stack(pairs)
        for column, name in enumerate(run.competition.task.labels):
            yes = predictions[:, column]
            both = np.stack([1 - yes, yes], axis=1)
            given = targets[:, column].astype(np.int64)
            labels += _ranked(pairs, both, given, ("no", "yes"), label=name)
    return Ranking(
        labels=labels,
        noun="labels",
        score_meaning=_MARGIN,
        estimates=True,
        not_finite=not_finite,
    )


def _ranked(
    pairs: Sequence[Pair],
    probabilities: np.ndarray,
    given: np.ndarray,
    names: Sequence[str],
    label: str = "",
) -> list[RankedLabel]:
    found = confident_labels(probabilities, given)
    return [
        RankedLabel(
            id=pair.id,
            label=label,
            given=names[old],
            suggested=names[new],
            p_given=float(probabilities[row, old]),
            p_suggested=float(probabilities[row, new]),
            score=margin,
            order=margin,
            wrong=wrong,
        )
        for row, (pair, old, new, margin, wrong) in enumerate(
            zip(
                pairs,
                given.tolist(),
                found.suggested.tolist(),
                found.margin.tolist(),
                found.wrong.tolist(),
                strict=True,
            )
        )
    ]


def _by_errors(run: RunOof, fitted: FittedDecisions | None) -> Ranking:
    images = run.competition.task.output == "image"
    labels, not_finite = _image_errors(run) if images else _number_errors(run, fitted)
    meaning = "mean absolute error of the pixels; large is suspect"
    if not images:
        meaning = "absolute error, in multiples of the median error of the column; large is suspect"
    return Ranking(
        labels=labels,
        noun="targets",
        score_meaning=meaning,
        estimates=False,
        not_finite=not_finite,
    )


def _number_errors(run: RunOof, fitted: FittedDecisions | None) -> tuple[list[RankedLabel], int]:
    """The largest error of each sample; columns are made comparable by their median error."""
    pairs, not_finite = _finite(run)
    if not pairs:
        return [], not_finite
    targets, predictions = stack(pairs)
    errors = np.abs(predictions - targets)
    typical = np.median(errors, axis=0)
    typical = np.where(typical > 0, typical, errors.mean(axis=0))
    relative = errors / np.where(typical > 0, typical, 1.0)
    worst = relative.argmax(axis=1)
    columns = run.competition.task.labels if targets.shape[1] > 1 else ()
    labels = []
    for row, (pair, column) in enumerate(zip(pairs, worst.tolist(), strict=True)):
        suggested = _decided(run, pair, fitted)
        score = float(relative[row, column])
        labels.append(
            RankedLabel(
                id=pair.id,
                label=columns[column] if columns else "",
                given=_text(run, float(targets[row, column])),
                suggested=_text(run, float(suggested[column])),
                score=score,
                order=-score,
            )
        )
    return labels, not_finite


def _decided(run: RunOof, pair: Pair, fitted: FittedDecisions | None) -> np.ndarray:
    """What the fold that held the sample out decides, such as a grade; else its prediction."""
    decision, prediction = run.competition.task.decision, np.ravel(pair[1])
    if decision is None or fitted is None:
        return prediction
    return np.ravel(decide(decision, pair[1], fitted.by_fold[run.fold_of[pair.id]]))


def _text(run: RunOof, value: float) -> str:
    """The name of a grade, or a number with six digits."""
    names = run.competition.task.label_names(value)
    return names[0] if len(names) == 1 else f"{value:.6g}"


def _image_errors(run: RunOof) -> tuple[list[RankedLabel], int]:
    """The error of each image, one in memory at a time."""
    labels, count = [], 0
    for pair in run.pairs():
        count += 1
        target, prediction = (np.asarray(array, dtype=np.float32) for array in pair)
        if not np.isfinite(prediction).all():
            continue
        score = float(np.abs(prediction - target).mean(dtype=np.float64))
        labels.append(
            RankedLabel(
                id=pair.id,
                given=f"mean {target.mean():.4f}",
                suggested=f"mean {prediction.mean():.4f}",
                score=score,
                order=-score,
            )
        )
    return labels, count - len(labels)


RANKINGS: Mapping[str, Callable[[RunOof, FittedDecisions | None], Ranking]] = {
    "classes": _by_classes,
    "labels": _by_labels,
    "errors": _by_errors,
}
"""The ranking of each value of `Task.suspects`."""
