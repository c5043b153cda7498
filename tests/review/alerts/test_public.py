"""The public score of a submission that is not that of the folds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from review_runs import RUN, ReviewRun, chances

from comp.review.alerts.public import PUBLIC_SCORE
from comp.submission.ledger import Ledger

TRUTH = np.arange(300) % 2


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ReviewRun:
    """Its accuracy is 0.84, with a standard error of 0.02; one on 60 public samples has 0.05."""
    return ReviewRun(tmp_path, monkeypatch, TRUTH, chances(TRUTH, 1.0), test=200)


def submit(run: ReviewRun, public: str, run_id: str = RUN) -> None:
    ledger = Ledger(run.workspace.ledger)
    ledger.append("intent", f"comp:{run_id}", "toy", run_id=run_id, sha256="1", file="f.csv")
    ledger.append("scored", f"comp:{run_id}", "toy", public=public, private="")


def test_a_much_worse_public_score(run: ReviewRun) -> None:
    submit(run, "0.55")
    notice = PUBLIC_SCORE.notice(run.facts())
    assert notice
    assert notice.tone == "warning"
    assert "60 public samples" in str(notice.text)


def test_a_much_better_public_score_is_only_noted(run: ReviewRun) -> None:
    submit(run, "1.0")
    notice = PUBLIC_SCORE.notice(run.facts())
    assert notice
    assert notice.tone == "plain"


@pytest.mark.parametrize("public", ["0.80", "0.89"])
def test_a_difference_that_chance_explains(run: ReviewRun, public: str) -> None:
    submit(run, public)
    assert PUBLIC_SCORE.notice(run.facts()) is None


def test_the_score_of_another_run_or_none(run: ReviewRun) -> None:
    assert PUBLIC_SCORE.notice(run.facts()) is None
    submit(run, "0.10", run_id="another")
    assert PUBLIC_SCORE.notice(run.facts()) is None
