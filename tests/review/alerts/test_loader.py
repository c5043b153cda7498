"""A training that waits for its batches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from review_runs import ReviewRun, chances

from comp.review.alerts.loader import LOADER

TRUTH = np.arange(30) % 2


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ReviewRun:
    return ReviewRun(tmp_path, monkeypatch, TRUTH, chances(TRUTH))


@pytest.mark.parametrize("device", ["cpu (2 threads)", "cuda (H100)"])
def test_a_long_training_that_waits(run: ReviewRun, device: str) -> None:
    for fold in range(3):
        run.fold(fold, fit_s=220.0, validate_s=20.0, wait_share=0.5)
    notice = LOADER.notice(run.record(device=device).facts())
    assert notice
    assert "50% of its time, 300 of 600 seconds" in str(notice.text)
    assert notice.tone == ("plain" if device.startswith("cpu") else "warning")


@pytest.mark.parametrize(("seconds", "share"), [(20.0, 0.9), (2000.0, 0.1)])
def test_a_short_wait_or_a_small_share_is_silent(
    run: ReviewRun, seconds: float, share: float
) -> None:
    for fold in range(3):
        run.fold(fold, fit_s=seconds, wait_share=share)
    assert LOADER.notice(run.facts()) is None


def test_a_run_without_folds_is_silent(run: ReviewRun) -> None:
    assert LOADER.notice(run.facts()) is None
