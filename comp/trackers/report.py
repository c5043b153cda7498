"""Keeps the report of a finished run in its trackers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from comp.config.schema import RunConfig
from comp.config.track import TrackConfig
from comp.files import read_json
from comp.runs.folder import RunFolder
from comp.streams import print_to_stderr
from comp.trackers.installed import is_installed
from comp.trackers.link import Link
from comp.trackers.tracked import end, send_pictures, start_of
from comp.trackers.tracker import FOLDER


def log_report(
    folder: RunFolder, path: Path, note: Callable[[str], None] = print_to_stderr
) -> None:
    """Keep the report of a run, which is finished, in its trackers, with new pictures.

    Trackers that failed during the run are left out: that was told.

    Args:
        note: tells the user something.
    """
    record = folder.record("config")
    track = TrackConfig.model_validate(record["config"].get("track", {}))
    known = [name for name in track.to if _has_run(folder, name) and is_installed(name)]
    config = RunConfig.model_construct(**{**record["config"], "track": track})
    links = [Link(start_of(config, folder, name), note, quiet=True) for name in known]
    try:
        send_pictures(folder, links)
        for link in links:
            link.send("file", name="report", path=str(path.absolute()))
    finally:
        end(links, "finished", track.limit)


def _has_run(folder: RunFolder, tracker: str) -> bool:
    try:
        return "failed" not in read_json(folder.path / FOLDER / f"{tracker}.json")
    except (OSError, ValueError):
        return False
