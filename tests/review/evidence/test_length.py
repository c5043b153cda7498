"""Trainings that were too short."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from review_runs import ReviewRun, chances

from comp.review.evidence.length import needs_time, short

TRUTH = np.arange(30) % 2
RISING = [[0.1, 0.2, 0.3, 0.4, 0.5, 0.6]] * 3


def test_only_a_run_of_few_epochs_is_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ReviewRun(tmp_path, monkeypatch, TRUTH, chances(TRUTH))
    assert not short(run.facts())  # no curves: not a network
    assert not short(run.curves([[0.5]], [[0.7]]).facts())
    path = run.folder / "fold-0" / "history.jsonl"
    path.write_text(path.read_text().replace('"epoch": 10.0', '"epoch": 2.9'))
    assert short(run.facts())
    assert needs_time(run.facts())


def test_a_score_that_still_rises_needs_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ReviewRun(tmp_path, monkeypatch, TRUTH, chances(TRUTH))
    assert not needs_time(run.facts())
    assert needs_time(run.curves(RISING, RISING).facts())
