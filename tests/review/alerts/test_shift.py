"""A test that differs from train, by its looks or by the classes that are decided."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from review_runs import ReviewRun, chances

from comp.data.drift.drift import Drift
from comp.data.drift.separation import Feature
from comp.review.alerts.shift import SHARES, SHIFT, drift_of

TRUTH = np.arange(30) % 2


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ReviewRun:
    return ReviewRun(tmp_path, monkeypatch, TRUTH, chances(TRUTH))


def drift(low: float) -> dict[str, Any]:
    feature = Feature(name="brightness", auc=0.9, train=100.0, test=60.0)
    counts = {"train": 300, "test": 300, "train_groups": 300, "test_groups": 300}
    return Drift(
        by="image statistics", auc=low + 0.1, low=low, high=low + 0.2, halves=0.5,
        features=[feature], **counts,
    ).record()  # fmt: skip


def test_a_test_that_looks_different(run: ReviewRun) -> None:
    notice = SHIFT.notice(run.record(drift=drift(0.7)).facts())
    assert notice
    assert "AUC 0.80 (95 % interval 0.70 to 0.90" in str(notice.text)
    assert "most in brightness: median 100 in train, 60 in test" in str(notice.text)


def test_a_test_that_looks_alike(run: ReviewRun) -> None:
    assert SHIFT.notice(run.record(drift=drift(0.4)).facts()) is None


@pytest.mark.parametrize(
    "record", [None, {"found": None, "reason": "too few"}, {"found": True, "auc": 1}]
)
def test_no_comparison_or_a_damaged_one(run: ReviewRun, record: Any) -> None:
    assert drift_of(run.record(drift=record).facts()) is None


def classes(p_value: float, *more: str) -> dict[str, Any]:
    steps = [{"what": w, "shares": [0.2, 0.8], "changed": 0} for w in ("as trained", *more)]
    return {"classes": ["a", "b"], "steps": steps, "out_of_fold": [0.5, 0.5], "p_value": p_value}


def test_a_test_with_other_classes(run: ReviewRun) -> None:
    notice = SHARES.notice(run.record(test_classes=classes(0.001)).facts())
    assert notice
    assert str(notice.text).startswith("b is decided for 80.0% of the test and 50.0%")
    assert "comp predict" in notice.command


@pytest.mark.parametrize("record", [classes(0.2), classes(0.001, "adapted"), None])
def test_shares_of_chance_or_adapted_ones(run: ReviewRun, record: Any) -> None:
    assert SHARES.notice(run.record(test_classes=record).facts()) is None
