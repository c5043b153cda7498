"""Trackio, whose database is read back."""

from __future__ import annotations

import json
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tracked_run import Notes, step, tracked_run

from comp.trackers.report import log_report
from comp.trackers.tracked import tracked


def test_a_run_goes_on_and_keeps_its_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    monkeypatch.delenv("TRACKIO_SPACE_ID", raising=False)
    monkeypatch.delenv("TRACKIO_SERVER_URL", raising=False)
    config, folder = tracked_run(tmp_path, "trackio", project="pets")
    notes = Notes()
    with suppress(KeyboardInterrupt), tracked(config, folder, notes) as reporter:
        reporter.step(step(0, 5))
        reporter.note("a note")
        raise KeyboardInterrupt
    with tracked(config, folder, notes) as reporter:
        reporter.step(step(0, 5))  # done before
        reporter.step(step(0, 20))
    log_report(folder, folder.path / "report.html", notes.note)

    database = sqlite3.connect(tmp_path / "trackio" / "pets.db")
    rows = database.execute("select run_name, run_id, step, metrics from metrics").fetchall()
    assert {row[0] for row in rows} == {folder.run_id}
    assert len({row[1] for row in rows}) == 1
    logged: list[tuple[int, dict[str, Any]]] = [(row[2], json.loads(row[3])) for row in rows]
    assert [number for number, values in logged if "loss/fold-0" in values] == [5, 20]
    assert [v["result/auc_low"] for _, v in logged if "result/auc_low" in v] == [0.7]
    assert len([values for _, values in logged if "example" in values]) == 1
    ((known,),) = database.execute("select config from configs").fetchall()
    assert json.loads(known)["track.project"] == "pets"
    artifacts = database.execute("select name from artifacts").fetchall()
    assert artifacts == [(f"report-{folder.run_id}",)]
    assert notes.notes[0] == "a note"
    assert [note for note in notes.notes if "without it" in note] == []
