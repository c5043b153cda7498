"""The panel of coach's notes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from reported import texts
from review_runs import ReviewRun, chances

from comp.review.panels.coach import panel

TRUTH = np.arange(60) % 2


def test_notes_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ReviewRun(tmp_path, monkeypatch, TRUTH, chances(TRUTH), record={"synthetic": True})
    found = panel(run.facts())
    assert found
    assert "Try next: comp download toy" in texts(found)


def test_nothing_sure_is_no_panel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert panel(ReviewRun(tmp_path, monkeypatch, TRUTH, chances(TRUTH)).facts()) is None
