"""Thresholds of several labels."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from comp.contract.metrics import F1_MACRO, F1_MICRO, F1_SAMPLES
from comp.inference.label_thresholds import best_label_thresholds


def drawn(count: int = 500, seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Calibrated probabilities of a common, a rare and an easy label, with what they draw."""
    rng = np.random.default_rng(seed)
    chances = np.stack(
        [rng.beta(1, 1, count), rng.beta(0.5, 4, count), rng.beta(0.1, 0.2, count)], axis=1
    )
    truth = (rng.random(chances.shape) < chances).astype(np.float64)
    return truth, chances, [str(i) for i in range(count)]


def macro(truth: np.ndarray, decided: np.ndarray) -> float:
    return float(f1_score(truth, decided, average="macro"))


def test_thresholds_raise_the_metric_here_and_on_new_data() -> None:
    truth, chances, groups = drawn()
    thresholds = np.array(best_label_thresholds(truth, chances, groups, F1_MACRO, 0))
    assert macro(truth, chances >= thresholds) > macro(truth, chances >= 0.5) + 0.03
    fresh, others, _ = drawn(5000, seed=1)
    assert macro(fresh, others >= thresholds) > macro(fresh, others >= 0.5) + 0.02


def test_a_label_has_its_own_threshold_only_for_a_real_gain() -> None:
    truth, chances, groups = drawn()
    chances[:, 1] /= 8
    common, rare, _ = best_label_thresholds(truth, chances, groups, F1_MACRO, 0)
    assert rare < 0.1 < common


def test_thresholds_follow_the_seed_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("comp.inference.label_thresholds.ROWS", 150)
    truth, chances, groups = drawn(400)
    one, two = (best_label_thresholds(truth, chances, groups, F1_MICRO, 5) for _ in range(2))
    assert one == two


@pytest.mark.parametrize("metric", [F1_MACRO, F1_SAMPLES])
def test_perfect_predictions_keep_the_default(metric) -> None:  # type: ignore[no-untyped-def]
    truth, _, groups = drawn(100)
    assert best_label_thresholds(truth, truth * 0.8 + 0.1, groups, metric, 0) == (0.5,) * 3


def test_nothing_to_fit_keeps_the_default() -> None:
    blank = np.zeros((0, 2))
    assert best_label_thresholds(blank, blank, [], F1_MACRO, 0) == (0.5, 0.5)
    truth = np.array([[0, 1], [1, 0], [1, 1]])
    constant = np.full((3, 2), 0.3)
    assert best_label_thresholds(truth, constant, list("abc"), F1_MACRO, 0) == (0.5, 0.5)
