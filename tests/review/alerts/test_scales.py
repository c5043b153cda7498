"""Folds whose predictions are on different scales."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from review_runs import ReviewRun, chances

from comp.contract.metric import Metric
from comp.contract.metrics import ACCURACY, AUC
from comp.review.alerts.scales import SCALES

TRUTH = np.arange(300) % 2
FOLDS = [row // 2 % 3 for row in range(300)]


def squashed() -> np.ndarray:
    """Good rankings; fold 1 has learned little, so its probabilities are all about 0.97."""
    found = chances(TRUTH, 3.0)
    return np.where(np.array(FOLDS) == 1, 0.95 + 0.04 * found, found)


def test_all_predictions_together_rank_worse_than_each_fold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ReviewRun(tmp_path, monkeypatch, TRUTH, squashed(), folds=FOLDS, metric=AUC)
    notice = SCALES.notice(run.facts())
    assert notice
    assert "worse than the worst fold alone" in str(notice.text)
    assert "1: 0.969" in str(notice.text)


@pytest.mark.parametrize("metric", [AUC, ACCURACY])
def test_folds_on_one_scale_are_not_accused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, metric: Metric
) -> None:
    found = chances(TRUTH, 2.0)
    run = ReviewRun(tmp_path, monkeypatch, TRUTH, found, folds=FOLDS, metric=metric)
    assert SCALES.notice(run.facts()) is None


def test_a_mean_over_samples_has_no_scale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ReviewRun(tmp_path, monkeypatch, TRUTH, squashed(), folds=FOLDS, metric=ACCURACY)
    assert SCALES.notice(run.facts()) is None
