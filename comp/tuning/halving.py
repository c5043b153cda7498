"""Successive halving at steps of one's own choice, such as the ends of folds."""

from __future__ import annotations

import math

from optuna.pruners import BasePruner
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial


class HalvingAt(BasePruner):  # type: ignore[misc]
    """Stops a trial at a rung if it is not among the better trials that have come so far.

    It is asynchronous successive halving (Li et al., A System for Massively Parallel Hyperparameter
    Tuning, MLSys 2020) with rungs that need not be powers: `optuna.pruners.SuccessiveHalvingPruner`
    has only those.

    Args:
        every: a rung is each multiple of this step.
        factor: a trial continues if it is among the best 1/factor of those with this rung, at least
            one.
    """

    def __init__(self, every: int, factor: float = 2.0) -> None:
        self.every, self.factor = every, factor

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether the trial stops after its last step."""
        step = trial.last_step
        if step is None or step % self.every:
            return False
        value = trial.intermediate_values[step]
        if math.isnan(value):
            return True
        others = (t.intermediate_values.get(step) for t in study.get_trials(deepcopy=False))
        scores = [score for score in others if score is not None and not math.isnan(score)]
        better = study.direction == StudyDirection.MINIMIZE
        scores.sort(reverse=not better)
        last = scores[max(1, math.ceil(len(scores) / self.factor)) - 1] if scores else value
        return bool(value > last if better else value < last)
