"""A corner that decides, on runs that learned a planted square, or a disc anywhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import planted
import pytest

from comp.review.alerts.corner import CORNER
from comp.review.facts import RunFacts, read_facts
from comp.workspace import Workspace


def facts_of(folder: Path, run_id: str) -> RunFacts:
    return read_facts(run_id, Workspace.at(folder))


def test_a_planted_square_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = planted.train_square(tmp_path, monkeypatch, planted.planted())
    facts = facts_of(tmp_path, run.run_id)
    notice = CORNER.notice(facts)
    assert notice
    assert notice.tone == "bad"
    assert str(notice.text).startswith("For marked, ")
    assert "the top right corner" in str(notice.text)
    assert notice.command == f"comp explain {run.run_id} --surest"
    assert CORNER.notice(replace(facts, explain=0)) is None  # nothing is explained


def test_a_disc_anywhere_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = planted.train_disc(tmp_path, monkeypatch, planted.planted())
    assert CORNER.notice(facts_of(tmp_path, run.run_id)) is None
