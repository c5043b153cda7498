"""Parameters of decisions, fitted on out-of-fold predictions.

The decisions of a fold use parameters that were fitted on the other folds, so its score is one of
predictions that the parameters have not seen. The test set uses parameters of all folds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from comp.contract.competition import Competition
from comp.contract.metric import Metric, Pair
from comp.contract.pair_arrays import PairArrays, arrays_of
from comp.contract.task import DecidedPairs, Params
from comp.inference.measures import group_draws
from comp.inference.weighted_score import weighted_score

CANDIDATES = 99
"""Largest number of thresholds that are tried."""
ROWS = 3000
"""Samples on which a threshold is fitted; of more, this number is drawn."""
ERRORS = 2
"""Standard errors that a gain must exceed."""
DRAWS = 100
"""Draws of the bootstrap that tells a gain from chance."""


@dataclass(frozen=True, kw_only=True)
class FittedDecisions:
    """Parameters of the decisions: of all folds, and for each fold those of the other folds."""

    names: tuple[str, ...]
    params: Params
    by_fold: Mapping[int, Params]


class PairsOfFolds(Iterable[Pair]):
    """The pairs of some folds; each iteration starts again.

    Args:
        fold_of: the fold of each pair, by the id of its sample.
        wanted: whether the pairs of a fold belong to it.
    """

    def __init__(
        self, pairs: Iterable[Pair], fold_of: Mapping[str, int], wanted: Callable[[int], bool]
    ) -> None:
        self.pairs, self.fold_of, self.wanted = pairs, fold_of, wanted

    def __iter__(self) -> Iterator[Pair]:
        return (pair for pair in self.pairs if self.wanted(self.fold_of[pair.id]))

    def arrays(self) -> PairArrays | None:
        """The pairs as arrays, if all pairs are."""
        known = arrays_of(self.pairs)
        if known is None:
            return None
        return known.some(np.flatnonzero([self.wanted(self.fold_of[name]) for name in known.ids]))


def fits_decisions(competition: Competition) -> bool:
    """Whether the score of a fold changes when the other folds are finished, because the parameters
    of its decisions are fitted on them."""
    decision, takes = competition.task.decision, competition.metric.takes
    return decision is not None and decision.fit is not None and takes == "decisions"


def fit_decisions(
    competition: Competition, pairs: Iterable[Pair], fold_of: Mapping[str, int], seed: int
) -> FittedDecisions | None:
    """Fit the parameters on all out-of-fold predictions, and on all but those of each fold.

    With one fold there are no others, so its own decisions use the default. None if the task makes
    no decisions.

    Args:
        pairs: can be iterated several times.
        fold_of: the fold of each pair, by the id of its sample.
    """
    decision, metric = competition.task.decision, competition.metric
    if decision is None:
        return None
    folds = sorted(set(fold_of.values()))
    by_fold = dict.fromkeys(folds, decision.default)
    if decision.fit is None:
        return FittedDecisions(names=decision.names, params=decision.default, by_fold=by_fold)
    params = decision.fit(pairs, metric, seed)
    if metric.takes == "decisions" and len(folds) > 1:
        for fold in folds:
            others = PairsOfFolds(pairs, fold_of, fold.__ne__)
            by_fold[fold] = decision.fit(others, metric, seed)
    return FittedDecisions(names=decision.names, params=params, by_fold=by_fold)


def honest_score(
    competition: Competition,
    pairs: Iterable[Pair],
    fitted: FittedDecisions | None,
    fold_of: Mapping[str, int],
) -> float:
    """The competition's metric; decisions use the parameters of the other folds."""
    decision, metric = competition.task.decision, competition.metric
    if decision is None or fitted is None or metric.takes == "predictions":
        return metric.score(pairs)
    by_fold = fitted.by_fold
    return metric.score(DecidedPairs(decision, pairs, lambda pair: by_fold[fold_of[pair.id]]))


def best_threshold(
    targets: np.ndarray,
    probabilities: np.ndarray,
    groups: Sequence[str],
    metric: Metric,
    seed: int,
    default: float = 0.5,
    ids: Sequence[str] = (),
) -> float:
    """The threshold with the best metric of the decisions `probability >= threshold`.

    The candidates are `default` and up to 99 values between neighbouring probabilities. The score
    of a candidate is the mean over it and its two neighbours, which a single lucky sample moves
    less. The result is `default` unless its gain is larger than two standard errors
    (`gain_is_real`).

    Args:
        targets: class indices (N,).
        probabilities: float (N,).
        groups: N names; the samples of one group are similar.
        ids: N ids of the samples, for metrics that need them.
    """
    rows = drawn_rows(len(targets), ROWS, seed)
    targets, probabilities = targets[rows], probabilities[rows]
    groups = [groups[row] for row in rows.tolist()]
    names = [ids[row] for row in rows.tolist()] if ids else groups
    levels = np.unique(probabilities)
    if len(levels) < 2 or len(np.unique(targets)) < 2:
        return default
    between = (levels[:-1] + levels[1:]) / 2
    if len(between) > CANDIDATES:
        between = between[np.linspace(0, len(between) - 1, CANDIDATES).round().astype(int)]
    sign = 1 if metric.direction == "max" else -1
    truth = targets.astype(np.float64)[:, None]

    def decided_at(threshold: float, rows: np.ndarray | slice = slice(None)) -> list[Pair]:
        decided = (probabilities[rows, None] >= threshold).astype(np.float64)
        return paired(truth, decided, names, groups, rows)

    def score_at(threshold: float, rows: np.ndarray | slice = slice(None)) -> float:
        return sign * metric.score(decided_at(threshold, rows))

    scores = np.array([score_at(threshold) for threshold in between])
    padded = np.pad(scores, 1, mode="edge")
    smooth = (padded[:-2] + padded[1:-1] + padded[2:]) / 3
    if not np.isfinite(smooth).any():
        return default
    ties = np.flatnonzero(smooth >= np.nanmax(smooth) - 1e-12)
    best = float(between[ties[np.abs(between[ties] - default).argmin()]])

    first, second = (weighted_score(metric, decided_at(t)) for t in (best, default))

    def of_draw(rows: np.ndarray) -> tuple[float, float]:
        if not (first[1] and second[1]):
            return score_at(best, rows), score_at(default, rows)
        weights = np.bincount(rows, minlength=len(truth))  # the same score, without each pair
        return sign * first[0](weights), sign * second[0](weights)

    real = gain_is_real(of_draw, groups, seed)
    return _rounded(best, levels) if real else default


def drawn_rows(count: int, most: int, seed: int) -> np.ndarray:
    """The indices of all `count` samples or, if they are more than `most`, of this number of them,
    drawn without replacement; int64, rising."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, most, replace=False))


def paired(
    targets: np.ndarray,
    decided: np.ndarray,
    ids: Sequence[str],
    groups: Sequence[str],
    rows: np.ndarray | slice,
) -> list[Pair]:
    """Pairs for a metric: `decided` (M, T) are the decisions of the `rows` of the N targets."""
    chosen = np.arange(len(targets))[rows]
    own = targets[chosen]  # copies: a metric may change what it gets
    return [
        Pair(target, decision, ids[row], groups[row])
        for row, target, decision in zip(chosen.tolist(), own, decided, strict=True)
    ]


def gain_is_real(
    scores: Callable[[np.ndarray], tuple[float, float]],
    groups: Sequence[str],
    seed: int,
    draws: int = DRAWS,
) -> bool:
    """Whether fitted parameters score better than the default by more than two standard errors.

    The error is that of the difference, by a bootstrap that draws whole groups. The rule is similar
    to the one-standard-error rule of Breiman et al., Classification and Regression Trees, 1984,
    section 3.4.3: of models that the data cannot distinguish, take the simplest. Here two errors
    are needed, because the fitted parameters are the best of many.

    Args:
        scores: (rows, int (M,), drawn with replacement) -> (score of the fitted parameters, score
            of the default); larger is better.
        groups: the group of each row.
    """
    count = len(groups)
    fitted, default = scores(np.arange(count))
    if not np.isfinite(fitted):
        return False
    if not np.isfinite(default):
        return True
    gains = []
    for weights in group_draws(groups, draws, seed):
        drawn = scores(np.repeat(np.arange(count), weights.astype(np.int64)))
        gains.append(drawn[0] - drawn[1])
    finite = np.array(gains)[np.isfinite(gains)]
    error = float(finite.std(ddof=1)) if len(finite) > 1 else 0.0
    return fitted - default > ERRORS * error


def _rounded(threshold: float, levels: np.ndarray) -> float:
    """The threshold with 5 decimals, unless that decides a sample differently."""
    rounded = round(threshold, 5)
    same = np.searchsorted(levels, rounded) == np.searchsorted(levels, threshold)
    return rounded if same else threshold
