"""The score of weighted samples, for a bootstrap: a weight says how often a sample is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache

import numpy as np

from comp.contract.metric import Metric, Pair, stack
from comp.contract.metrics import AUC, MEAN_AUC
from comp.contract.scoring.sums import sums_of
from comp.inference.areas import areas_of
from comp.inference.confusion_scores import score_of_matrix
from comp.inference.draws import CheapScore
from comp.inference.measures import confusion, finite_mean, weighted_auc

WeightedScore = Callable[[np.ndarray], float]
"""Weights (N,), whole numbers from 0 -> score."""
_TOLERANCE = 1e-9
_FEW = 20
"""Columns whose ranks are kept."""


def weighted_score(metric: Metric, pairs: Iterable[Pair]) -> tuple[WeightedScore, bool]:
    """The score of the metric as a function of weights, and whether a call is cheap.

    Scores of sums over samples, of a confusion matrix, and AUC, are computed from numbers that are
    collected once. Every other metric scores each resample again. A cheap score is used only if it
    agrees with the metric on all samples.

    Args:
        pairs: can be iterated several times, always in the same order. They have what the metric
            takes: predictions or decisions.
    """
    for make in (_score_of_sums, _score_of_ranks, _score_of_confusion):
        score, count = make(metric, pairs)
        if score is not None:
            whole = float(metric.score(pairs))
            if abs(score(np.ones(count)) - whole) <= _TOLERANCE * max(1.0, abs(whole)):
                return score, True
    return _score_of_rows(metric, pairs), False


def _score_of_sums(metric: Metric, pairs: Iterable[Pair]) -> tuple[WeightedScore | None, int]:
    sums = sums_of(metric.score)
    if sums is None:
        return None, 0
    summands = np.array([sums.of_sample(*pair) for pair in pairs], dtype=np.float64)
    columns = summands.shape[1] if summands.ndim > 1 else 1
    return CheapScore(one=lambda weights: sums.score(weights @ summands), columns=columns), len(
        summands
    )


def _score_of_ranks(metric: Metric, pairs: Iterable[Pair]) -> tuple[WeightedScore | None, int]:
    """AUC of two classes, of each of several against the rest, or of each of several labels."""
    if metric.score not in (AUC.score, MEAN_AUC.score):
        return None, 0
    targets, predictions = stack(pairs)
    positive = targets == 1
    if metric.score is AUC.score and predictions.shape[1] > 1:
        positive = targets == np.arange(predictions.shape[1])

    @cache
    def columns() -> list[tuple[np.ndarray, np.ndarray]]:
        ranks = [np.unique(column, return_inverse=True)[1] for column in predictions.T]
        return list(zip(positive.T, ranks, strict=True))

    def one(weights: np.ndarray) -> float:
        if predictions.shape[1] > _FEW:
            return float(many(weights[:, None])[0])
        return finite_mean(np.array([weighted_auc(p, r, weights) for p, r in columns()]))

    def many(weights: np.ndarray) -> np.ndarray:
        return np.array([finite_mean(row) for row in areas_of(positive, predictions, weights)])

    return CheapScore(one=one, columns=predictions.shape[1], many=many), len(targets)


def _score_of_confusion(metric: Metric, pairs: Iterable[Pair]) -> tuple[WeightedScore | None, int]:
    """Scores of decided classes, if a decision is one class."""
    of_matrix = score_of_matrix(metric.score)
    if of_matrix is None:
        return None, 0
    targets, decided = stack(pairs)
    if targets.shape[1] > 1 or not np.isfinite(decided).all():
        return None, 0
    truth, decision = (values[:, 0].astype(np.int64) for values in (targets, decided))
    count = max(2, int(max(truth.max(), decision.max())) + 1)
    return CheapScore(
        one=lambda weights: of_matrix(confusion(truth, decision, weights, count)),
        columns=1 + 10 * count**2 / max(1, len(truth)),
    ), len(truth)


def _score_of_rows(metric: Metric, pairs: Iterable[Pair]) -> WeightedScore:
    """The metric of the drawn pairs. A group that is drawn again is another group."""

    def score(weights: np.ndarray) -> float:
        return float(metric.score(_Drawn(pairs, weights.astype(np.int64).tolist())))

    return score


class _Drawn(Iterable[Pair]):
    """Each pair as often as it is drawn; each iteration starts again. A metric may change what it
    gets, so each pair has arrays of its own."""

    def __init__(self, pairs: Iterable[Pair], counts: Sequence[int]) -> None:
        self.pairs, self.counts = pairs, counts

    def __iter__(self) -> Iterator[Pair]:
        for pair, count in zip(self.pairs, self.counts, strict=True):
            target, prediction = pair
            for copy in range(count):
                group = pair.group
                if copy and group is not None:
                    group = f"{group} drawn {copy + 1} times"
                yield Pair(target.copy(), prediction.copy(), pair.id, group)
