"""Where the steps of a training were planned again, in a file of its folder.

The file is written before the next step, so a training that resumes, and a repeat of it, make the
same steps with the same rates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from comp.files import make_folder, read_json, write_json
from comp.runs.folder import RunFolder
from comp.training.replanning import Point

FILE = "replanned.json"
"""The file: the `planned` steps, and `points`, (steps done, steps in all from then on)."""
RECORD = "replanned"
"""The key of run.json with the contents of all these files, by the folder of the training."""


def read_points(place: Path, planned: int) -> list[Point]:
    """The points of the training in `place`; none if it had another number of planned steps.

    Args:
        planned: the steps that are planned at its start.
    """
    found = _read(place / FILE)
    return [(step, steps) for step, steps in found["points"]] if found["planned"] == planned else []


def point_writer(place: Path, planned: int) -> Callable[[int, int], None]:
    """A function that adds a point to the file.

    Raises:
        DiskError: the file cannot be written.
    """

    def write(step: int, steps: int) -> None:
        points = [point for point in read_points(place, planned) if point[0] < step]
        write_json(place / FILE, {"planned": planned, "points": [*points, (step, steps)]})

    return write


def forget_points(place: Path) -> None:
    """Remove the points of the training in `place`."""
    (place / FILE).unlink(missing_ok=True)


def points_of_run(folder: RunFolder) -> dict[str, Any]:
    """The contents of all files of a run, by the folder of the training."""
    paths = sorted(folder.path.glob(f"*/**/{FILE}"))
    found = {path.parent.relative_to(folder.path).as_posix(): _read(path) for path in paths}
    return {place: content for place, content in found.items() if content["points"]}


def record_points(folder: RunFolder) -> None:
    """Record in run.json where steps were planned again, if they were."""
    points = points_of_run(folder)
    if points:
        folder.update_record(**{RECORD: points})


def give_points(folder: RunFolder, points: Mapping[str, Any]) -> None:
    """Let the trainings of a run plan again as those of the run that it repeats.

    Args:
        points: of `points_of_run`.

    Raises:
        DiskError: a file cannot be written.
    """
    for place, content in points.items():
        make_folder(folder.path / place)
        write_json(folder.path / place / FILE, content)


def _read(path: Path) -> dict[str, Any]:
    """The contents of a file; without points if it is missing or damaged."""
    try:
        found = read_json(path)
        points = [(int(step), int(steps)) for step, steps in found["points"]]
        return {"planned": int(found["planned"]), "points": points}
    except (OSError, ValueError, TypeError, KeyError):
        return {"planned": 0, "points": []}
