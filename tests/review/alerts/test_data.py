"""Synthetic data, and images that were left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from review_runs import ReviewRun, chances

from comp.review.alerts.data import SKIPPED, SYNTHETIC

TRUTH = np.arange(30) % 2


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ReviewRun:
    return ReviewRun(tmp_path, monkeypatch, TRUTH, chances(TRUTH))


def test_synthetic_data(run: ReviewRun) -> None:
    assert SYNTHETIC.notice(run.facts()) is None
    notice = SYNTHETIC.notice(run.record(synthetic=True).facts())
    assert notice
    assert notice.command == "comp download toy"


def test_images_left_out(run: ReviewRun) -> None:
    assert SKIPPED.notice(run.record(skipped={}).facts()) is None
    notice = SKIPPED.notice(run.record(skipped={"s1": "is cut short", "s2": "is empty"}).facts())
    assert notice
    assert "2 images could not be read" in str(notice.text)
    assert "s1: is cut short" in str(notice.text)
