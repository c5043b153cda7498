"""Cut points between grades."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, cohen_kappa_score

from comp.contract.metric import Metric
from comp.contract.metrics import ACCURACY, QWK
from comp.inference.grade_cuts import best_cuts, decide_grades, default_cuts

GRADES = 5


def drawn(count: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Skewed grades, and predictions that are drawn to the middle as those of a regression."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(GRADES, count, p=[0.5, 0.1, 0.25, 0.05, 0.1])
    values = 0.4 + 0.55 * truth + rng.normal(0, 0.35, count)
    return truth, values.clip(0, GRADES - 1), [str(i) for i in range(count)]


def kappa(truth: np.ndarray, decided: np.ndarray) -> float:
    return float(cohen_kappa_score(truth, decided, labels=range(GRADES), weights="quadratic"))


def test_the_decision_counts_the_cuts_that_are_reached() -> None:
    values = np.array([-1, 0.49, 0.5, 1.5, 3.49, 9])
    assert decide_grades(values, default_cuts(GRADES)).tolist() == [0, 0, 1, 2, 3, 4]


def test_cuts_raise_the_metric_here_and_on_new_data() -> None:
    truth, values, groups = drawn()
    cuts = best_cuts(truth, values, groups, GRADES, QWK, 0)
    rounded = default_cuts(GRADES)
    gain = kappa(truth, decide_grades(values, cuts)) - kappa(truth, decide_grades(values, rounded))
    assert gain > 0.05
    fresh, others, _ = drawn(5000, seed=1)
    assert kappa(fresh, decide_grades(others, cuts)) > kappa(fresh, decide_grades(others, rounded))


def test_cuts_rise_strictly() -> None:
    for seed in range(5):
        truth, values, groups = drawn(60, seed)
        truth[truth == 3] = 2  # a grade that does not occur
        cuts = best_cuts(truth, values, groups, GRADES, ACCURACY, seed)
        assert len(cuts) == GRADES - 1
        assert (np.diff(cuts) > 0).all()


def test_cuts_follow_the_metric() -> None:
    truth, values, groups = drawn()
    by_accuracy = best_cuts(truth, values, groups, GRADES, ACCURACY, 0)
    by_kappa = best_cuts(truth, values, groups, GRADES, QWK, 0)
    one, two = (decide_grades(values, cuts) for cuts in (by_accuracy, by_kappa))
    assert accuracy_score(truth, one) > accuracy_score(truth, two)
    assert kappa(truth, two) > kappa(truth, one)


def test_a_metric_to_minimise_is_minimised() -> None:
    def error(pairs) -> float:  # type: ignore[no-untyped-def]
        return float(np.mean([abs(t[0] - d[0]) for t, d in pairs]))

    metric = Metric(name="error", score=error, direction="min", takes="decisions")
    truth, values, groups = drawn()
    cuts = best_cuts(truth, values, groups, GRADES, metric, 0)
    rounded = default_cuts(GRADES)
    assert np.abs(truth - decide_grades(values, cuts)).mean() < (
        np.abs(truth - decide_grades(values, rounded)).mean() - 0.05
    )


def test_cuts_follow_the_seed_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("comp.inference.grade_cuts.ROWS", 150)  # of more samples, so many are drawn
    arrays = drawn(400)
    one, two = (best_cuts(*arrays, GRADES, QWK, 7) for _ in range(2))
    assert one == two
    assert one != default_cuts(GRADES)


def test_correct_predictions_and_noise_keep_the_default() -> None:
    truth, _, groups = drawn(200)
    assert best_cuts(truth, truth.astype(float), groups, GRADES, QWK, 0) == default_cuts(GRADES)
    one = np.full(200, 2.2)
    assert best_cuts(truth, one, groups, GRADES, QWK, 0) == default_cuts(GRADES)
    assert best_cuts(np.full(9, 1), np.arange(9.0), groups[:9], GRADES, QWK, 0) == default_cuts(5)
