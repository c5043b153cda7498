"""The time for explanations of samples, which a budget limits."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from pathlib import Path

import planted
import pytest

from comp.explanations.corner import find_corner
from comp.explanations.explain import explain_samples
from comp.page.document import plain
from comp.review.alerts.corner import CORNER
from comp.review.explaining import in_time
from comp.review.facts import read_facts
from comp.review.panels.explanations import panel
from comp.workspace import Workspace


def test_a_report_without_time_says_what_it_leaves_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = planted.train_square(tmp_path, monkeypatch, planted.planted())
    facts = read_facts(run.run_id, Workspace.at(tmp_path))
    assert facts.explain_until == math.inf
    short = replace(facts, explain_until=time.monotonic() - 1)
    assert CORNER.notice(short) is None
    shown = panel(short)
    assert shown
    (block,) = shown.blocks
    text = plain(block.text)  # type: ignore[union-attr]
    assert text.startswith("Not shown: the budget had no time to explain samples: 'comp report")
    assert facts.oof
    assert find_corner(facts.oof) is not None
    assert find_corner(facts.oof, on_stage=in_time(short)) is None  # the time ends meanwhile
    found = explain_samples(facts.oof, facts.oof.ids[:1], on_stage=in_time(short))
    assert "had no time to explain" in found.reason
