"""The report of a finished run in its trackers."""

from __future__ import annotations

from pathlib import Path

from tracked_run import Notes, tracked_run

from comp.files import read_json, write_json
from comp.trackers.report import log_report
from comp.trackers.tracked import tracked


def test_the_report_and_new_pictures_go_to_the_run(tmp_path: Path) -> None:
    config, folder = tracked_run(tmp_path, "tensorboard")
    (folder.path / "example.png").rename(folder.path / "later.png")
    with tracked(config, folder, Notes()):
        pass
    (folder.path / "later.png").rename(folder.path / "suspects.png")
    said: list[str] = []
    log_report(folder, folder.path / "report.html", said.append)
    record = read_json(folder.path / "trackers" / "tensorboard.json")
    assert set(record["files"]) == {"suspects", "report"}
    assert record["status"] == "finished"
    assert said == []


def test_a_tracker_that_failed_is_left_out(tmp_path: Path) -> None:
    _, folder = tracked_run(tmp_path, "tensorboard", "wandb")
    write_json(folder.path / "trackers" / "tensorboard.json", {"id": "x", "failed": "no room"})
    said: list[str] = []
    log_report(folder, folder.path / "report.html", said.append)
    assert said == []
    assert not (folder.path / "tensorboard").exists()


def test_a_run_of_an_earlier_version_has_no_trackers(tmp_path: Path) -> None:
    _, folder = tracked_run(tmp_path)
    keys = folder.record()["config"]
    folder.update_record(config={key: value for key, value in keys.items() if key != "track"})
    log_report(folder, folder.path / "report.html")
