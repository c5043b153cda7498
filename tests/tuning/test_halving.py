"""Successive halving at the ends of folds."""

from __future__ import annotations

import math

import pytest

optuna = pytest.importorskip("optuna")


def test_the_better_half_goes_on_after_each_fold() -> None:
    from comp.tuning.halving import HalvingAt

    study = optuna.create_study(direction="maximize", pruner=HalvingAt(every=2))
    stopped = []
    for scores in (
        [0.5, 0.5, 0.6, 0.6],
        [0.1, 0.9],
        [0.9, 0.4],
        [0.9, 0.7, 0.7, 0.5],
        [math.nan] * 2,
    ):
        trial = study.ask()
        for step, score in enumerate(scores, 1):
            trial.report(score, step)
            if trial.should_prune():
                stopped.append((trial.number, step))
                break
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    assert stopped == [(2, 2), (3, 4), (4, 2)]


def test_lower_is_better_if_the_study_says_so() -> None:
    from comp.tuning.halving import HalvingAt

    study = optuna.create_study(direction="minimize", pruner=HalvingAt(every=1, factor=3))
    pruned = []
    for score in (0.5, 0.6, 0.4, 0.45, 0.1, 0.2):
        trial = study.ask()
        trial.report(score, 1)
        pruned.append(trial.should_prune())
    assert pruned == [False, True, False, False, False, False]
