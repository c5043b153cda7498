"""Nested out-of-fold predictions of a blend, and the decisions on them.

The predictions of a fold come from what was fitted on the other folds. The decisions of a fold are
fitted on predictions of the other folds, each of which comes from what was fitted without this fold
and without itself. So no score of a fold depends on its targets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from comp.contract.sample import Sample
from comp.contract.task import Decision, Params
from comp.errors import ConfigError
from comp.inference.decisions import FittedDecisions, fits_decisions, honest_score
from comp.inference.oof import OofPairs, score
from comp.inference.predictions import Repeatable
from comp.pipeline.blend_fit import Combine, Fit, Table
from comp.pipeline.blend_runs import BlendRuns

Predicted = Iterator[tuple[Sample, np.ndarray]]
NONE: frozenset[int] = frozenset()
SAME = 1e-9
"""Relative difference below which two scores are equal."""


@dataclass(frozen=True, kw_only=True)
class NestedBlend:
    """A blend of runs that is fitted on some folds, and combines the predictions of others."""

    runs: BlendRuns
    table: Table | None
    """None if predictions are images."""
    fit: Fit

    def combine(self, excluded: frozenset[int] = NONE) -> Combine:
        """What is fitted on all folds but these."""
        return self.fit(frozenset(self.runs.folds) - excluded)

    def combine_fold(self, fold: int, excluded: frozenset[int] = NONE) -> Combine:
        """What predicts a fold: fitted without it and without `excluded`, if a fold is left."""
        others = excluded | {fold}
        return self.combine(excluded if others >= set(self.runs.folds) else others)

    def predictions(self, excluded: frozenset[int] = NONE) -> Predicted:
        """Yield the samples of all folds but the excluded ones, with their predictions, float32
        (K,) or (H, W, K)."""
        fold_of, samples = self.runs.fold_of, self.runs.first.samples
        used = [fold for fold in self.runs.folds if fold not in excluded]
        combine = {fold: self.combine_fold(fold, excluded) for fold in used}
        blended = self._rows(combine) if self.table else None
        for row, name in enumerate(self.runs.ids):
            fold = fold_of[name]
            if fold in combine:
                values = combine[fold](self.runs.members(name)) if blended is None else blended[row]
                yield samples[name], values

    def _rows(self, combine: Mapping[int, Combine]) -> np.ndarray:
        """Blended predictions float32 (N, K); NaN in the folds that are left out."""
        assert self.table is not None
        members = self.table.members
        blended = np.full(members.shape[1:], np.nan, dtype=np.float32)
        for fold, of_fold in combine.items():
            rows = self.table.rows_of(frozenset({fold}))
            blended[rows] = of_fold(members[:, rows])
        return blended

    def pairs(self, excluded: frozenset[int] = NONE) -> OofPairs:
        """The pairs of target and nested prediction; they can be iterated several times."""
        first = self.runs.first
        predictions = Repeatable(partial(self.predictions, excluded))
        return OofPairs(first.competition.task, lambda: predictions, first.reader)

    def decisions(self, pairs: OofPairs, on_fit: Callable[[], None]) -> FittedDecisions | None:
        """The parameters of the decisions: of all folds, and for each fold those of the others.
        None if the task makes no decisions.

        Args:
            pairs: those of all folds.
            on_fit: called after each fit.
        """
        competition, seed = self.runs.competition, self.runs.first.config.seed
        decision = competition.task.decision
        if decision is None:
            return None
        params = decision.default
        if decision.fit:
            params = decision.fit(pairs, competition.metric, seed)
            on_fit()
        by_fold = self._params_by_fold(decision, on_fit)
        return FittedDecisions(names=decision.names, params=params, by_fold=by_fold)

    def _params_by_fold(self, decision: Decision, on_fit: Callable[[], None]) -> dict[int, Params]:
        """For each fold the parameters that are fitted on the others; the default ones if the
        metric takes predictions."""
        competition, seed = self.runs.competition, self.runs.first.config.seed
        by_fold: dict[int, Params] = dict.fromkeys(self.runs.folds, decision.default)
        if decision.fit and fits_decisions(competition):
            for fold in self.runs.folds:
                others = self.pairs(frozenset({fold}))
                by_fold[fold] = decision.fit(others, competition.metric, seed)
                on_fit()
        return by_fold

    def score(self, on_fit: Callable[[], None]) -> float:
        """The nested score, with the decisions of the other folds."""
        pairs, fold_of = self.pairs(), self.runs.fold_of
        competition, decision = self.runs.competition, self.runs.competition.task.decision
        if decision is None:
            return score(competition, pairs)
        by_fold = self._params_by_fold(decision, on_fit)
        fitted = FittedDecisions(names=decision.names, params=decision.default, by_fold=by_fold)
        return honest_score(competition, pairs, fitted, fold_of)


def ranks(members: np.ndarray) -> np.ndarray:
    """The rank of each prediction among those of the same member and output, in 0..1; equal
    predictions have their mean rank. float64 (M, N, K)."""
    from scipy.stats import rankdata

    ranked: np.ndarray = (rankdata(members, axis=1) - 0.5) / members.shape[1]
    return ranked


def check_ranks(runs: BlendRuns, table: Table) -> None:
    """Refuse ranks, unless the metric sees only the order of predictions.

    Args:
        table: the predictions, not their ranks.

    Raises:
        ConfigError: the metric of the first run differs from that of its ranks, or takes decisions.
    """
    metric, first = runs.competition.metric, runs.first
    problem = "decides with thresholds, which depend on the shares of the test set"
    if metric.takes == "predictions":
        ranked = dict(zip(runs.ids, ranks(table.members[:1])[0], strict=True))
        order = OofPairs(
            first.competition.task,
            lambda: ((first.samples[name], ranked[name]) for name in runs.ids),
            first.reader,
        )
        try:
            known, of_ranks = metric.score(first.pairs(runs.ids)), metric.score(order)
        except ValueError:
            known, of_ranks = 0.0, float("inf")
        if abs(known - of_ranks) <= SAME * max(1.0, abs(known)):
            return
        problem = "sees more than the order of the predictions, which is all that ranks keep"
    raise ConfigError(f"method rank does not fit {metric.name}, which {problem}: use weights")
