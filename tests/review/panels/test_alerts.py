"""The panel of alerts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from reported import texts
from review_runs import ReviewRun, chances

from comp.page.blocks import Notice, Page
from comp.page.document import render
from comp.page.words import translate
from comp.review.alerts.all_alerts import ALERTS
from comp.review.panels.alerts import panel

TRUTH = np.arange(60) % 2


def test_alerts_are_shown_with_their_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ReviewRun(tmp_path, monkeypatch, TRUTH, chances(1 - TRUTH))
    found = panel(run.record(skipped={"<b>x</b>": "is empty"}).facts())
    assert [block.code for block in found.blocks if isinstance(block, Notice)] == [
        "not-better-than-a-baseline",
        "images-left-out",
    ]
    html = render(Page(title="x", panels=[found]))
    assert "comp check toy" in html
    assert "<b>x</b>" not in html


def test_no_alert_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = panel(ReviewRun(tmp_path, monkeypatch, TRUTH, chances(TRUTH)).facts())
    assert f"None of {len(ALERTS)} checks found a fault." in texts(found)
    korean = translate("ko")
    assert korean(found.title) != str(found.title)
