"""W&B offline, whose files are read back as W&B would send them."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

import pytest
from tracked_run import Notes, fold_result, step, tracked_run, wandb_records

from comp.files import read_json
from comp.trackers.report import log_report
from comp.trackers.tracked import tracked


@pytest.fixture(autouse=True)
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without an API key, who never used W&B."""
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NETRC", str(tmp_path / "home" / ".netrc"))
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path / "home" / "config"))
    monkeypatch.setenv("WANDB_CACHE_DIR", str(tmp_path / "home" / "cache"))


def test_a_run_without_a_key_is_offline_and_goes_on_under_its_id(tmp_path: Path) -> None:
    config, folder = tracked_run(tmp_path, "wandb", tags=["first"], project="pets")
    notes = Notes()
    with suppress(KeyboardInterrupt), tracked(config, folder, notes) as reporter:
        reporter.step(step(0, 5))
        reporter.note("a note")
        raise KeyboardInterrupt
    with tracked(config, folder, notes) as reporter:
        reporter.step(step(0, 5))  # done before
        reporter.step(step(0, 20))
        reporter.validated(0, 20, 0.5)
        reporter.fold_done(fold_result(0, 0.5), tmp_path / "x.csv")

    records = list(wandb_records(folder))
    runs = [record.run for record in records if record.HasField("run")]
    assert {(run.run_id, run.project, tuple(run.tags)) for run in runs} == {
        (folder.run_id, "pets", ("first",))
    }
    rows = [
        {(item.key or item.nested_key[0]): json.loads(item.value_json) for item in r.history.item}
        for r in records
        if r.HasField("history")
    ]
    steps = [(row["_step"], row["step/fold-0"]) for row in rows if "loss/fold-0" in row]
    assert steps == [(0, 5), (1, 20)]
    assert [row["score/fold-0"] for row in rows if "score/fold-0" in row] == [0.5]
    summary = [item for r in records if r.HasField("summary") for item in r.summary.update]
    assert {"result/score", "result/fold-0"} <= {item.key or item.nested_key[0] for item in summary}
    assert any("example" in row for row in rows)
    assert any(run.notes == "- a note" for run in runs)
    told = [note for note in notes.notes if note.startswith("tracked in")]
    assert "offline, because there is no API key: send it with 'wandb sync" in told[0]
    assert [note for note in notes.notes if "without it" in note] == []


def test_the_report_is_an_artifact_of_the_run(tmp_path: Path) -> None:
    config, folder = tracked_run(tmp_path, "wandb", wandb_mode="offline")
    with tracked(config, folder, Notes()):
        pass
    said: list[str] = []
    log_report(folder, folder.path / "report.html", said.append)
    artifacts = [
        r.request.log_artifact.artifact
        for r in wandb_records(folder)
        if r.HasField("request") and r.request.HasField("log_artifact")
    ] + [r.artifact for r in wandb_records(folder) if r.HasField("artifact")]
    assert [(a.name, a.type, a.run_id) for a in artifacts] == [
        (f"report-{folder.run_id}", "report", folder.run_id)
    ]
    assert said == []
    assert set(read_json(folder.path / "trackers" / "wandb.json")["files"]) == {"example", "report"}
