"""A run that is no better than one prediction for all samples, and one that is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from review_runs import ReviewRun, chances
from toys import values

from comp.contract.metrics import AUC, LOG_LOSS, MEAN_AUC, QWK, RMSE
from comp.review.alerts.baseline import BASELINE
from comp.review.evidence.baseline import baseline
from comp.tasks.multilabel import multilabel
from comp.tasks.ordinal import ordinal

TRUTH = np.arange(120) % 2
RNG = np.random.default_rng(0)


def test_random_predictions_are_no_better(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ReviewRun(tmp_path, monkeypatch, TRUTH, RNG.random(120), metric=AUC)
    notice = BASELINE.notice(run.facts())
    assert notice
    assert notice.tone == "warning"
    assert "not surely better than the 0.50000" in str(notice.text)


def test_sure_errors_are_worse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ReviewRun(tmp_path, monkeypatch, TRUTH, chances(1 - TRUTH), metric=LOG_LOSS)
    notice = BASELINE.notice(run.facts())
    assert notice
    assert notice.tone == "bad"
    assert "0.69315" in str(notice.text)


@pytest.mark.parametrize("metric", [AUC, LOG_LOSS])
def test_a_good_run_raises_nothing(
    metric: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ReviewRun(tmp_path, monkeypatch, TRUTH, chances(TRUTH), metric=metric)
    assert BASELINE.notice(run.facts()) is None


def test_too_few_groups_prove_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    groups = [f"g{row // 40}" for row in range(120)]
    run = ReviewRun(tmp_path, monkeypatch, TRUTH, RNG.random(120), groups=groups, metric=AUC)
    assert BASELINE.notice(run.facts()) is None


def test_numbers_are_compared_with_their_mean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = RNG.normal(10, 2, 90)
    run = ReviewRun(
        tmp_path, monkeypatch, truth.tolist(), 20 - truth, task=values(), classes=(), metric=RMSE
    )
    found = baseline(run.facts())
    assert found
    assert str(found.what) == "the mean of the targets"
    assert found.score == pytest.approx(truth.std(), rel=1e-5)
    assert found.is_better


def test_labels_are_compared_with_their_shares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = (RNG.random((90, 3)) < 0.4).astype(float)
    task = multilabel(("x", "y", "z"))
    run = ReviewRun(
        tmp_path, monkeypatch, list(truth), 0.1 + 0.8 * truth, task=task, metric=MEAN_AUC
    )
    found = baseline(run.facts())
    assert found
    assert found.score == 0.5
    assert not found.is_equal


def test_grades_are_compared_with_one_grade(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grades = RNG.integers(0, 5, 90)
    run = ReviewRun(
        tmp_path, monkeypatch, grades.tolist(), RNG.random(90) * 4, task=ordinal(5), metric=QWK
    )
    found = baseline(run.facts())
    assert found
    assert found.score == 0
    assert found.is_equal
