"""The submission of a run."""

from __future__ import annotations

from pathlib import Path

import pytest
from reported import texts, two_classes

from comp.page.blocks import Table
from comp.review.panels.submission import panel


def test_the_file_is_shown_with_its_first_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    facts = runs.add("r", predictions, folds)
    assert "There is no submission file." in texts(panel(facts))
    path = runs.workspace.submission("toy", "r")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("id,label\na,1\n")
    found = texts(panel(facts))
    assert "id,label" in found
    assert "has no attempt to submit this run" in found


def test_rows_are_counted_and_not_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    path = runs.workspace.submission("toy", "r")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('id,label\r\n"a\nb",1\r\nc,0\r\n')
    found = panel(runs.add("r", predictions, folds))
    table = next(block for block in found.blocks if isinstance(block, Table))
    assert table.rows[0][1] == 2
