"""The verdict on a run, and what it is compared with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from reported import two_classes

from comp.review.verdict import before, interval, sent, verdict


def test_the_verdict_has_the_score_with_its_interval(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    facts = runs.add("r", predictions, folds)
    found = interval(facts)
    assert found is not None
    low, high = found
    score = facts.scores["cv_score"]
    assert low <= score <= high
    assert low < high
    assert f"AUC is {score:.5f}" in str(verdict(facts))
    assert f"{low:.5f} to {high:.5f}" in str(verdict(facts))


def test_an_unfinished_run_says_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    facts = runs.add("r", predictions, folds, finished=False, state="running")
    assert "not finished: 2 of 2 folds" in str(verdict(facts))


def test_the_run_before_is_the_newest_older_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch, count=200)
    rng = np.random.default_rng(1)
    noise = {name: float(rng.random()) for name in predictions}
    runs.add("a", noise, folds, started="2026-01-01T10:00:00+00:00")
    runs.add("b", noise, folds, started="2026-01-02T10:00:00+00:00")
    newest = runs.add("c", predictions, folds, started="2026-01-03T10:00:00+00:00")
    found = before(newest)
    assert found is not None
    assert found.run_id == "b"
    assert found.difference is not None
    assert found.difference.real
    assert found.difference.value > 0.2


def test_the_first_run_has_none_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    facts = runs.add("r", predictions, folds, started="2026-01-01T10:00:00+00:00")
    assert before(facts) is None
    assert sent(facts) is None
