"""How far a run is, as frozen records, and progress.json, which contains them while it trains.

The process of the run writes the file, and `comp watch` reads it in another process. It is a help
for the user and nothing more: no result depends on it, and it is not flushed to the disk.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from comp.runs.progress import Step

FILE = "progress.json"
WAITS, WORKS, TRAINS, PREDICTS, DONE = "waits", "works", "trains", "predicts", "done"
"""The states of a fold. It works if it has not said more yet, such as a fold of trees."""
STOPPED = "stopped"
"""A fold that has begun, of a run that no longer works."""


@dataclass(frozen=True, kw_only=True)
class FoldProgress:
    """How far a fold is.

    `score` is its best so far, or its final one; `best_step` is the step that has it, None if that
    is not known. `scores` and `losses` are the curves of its newest training. `left_s` are the
    seconds until it is trained, None if not known, and `seconds` those since it began.
    """

    fold: int
    state: str = WAITS
    score: float | None = None
    best_step: int | None = None
    scores: tuple[float, ...] = ()
    losses: tuple[float, ...] = ()
    steps: tuple[Step, ...] = ()
    """The newest step of each of its trainings that run now."""
    predicted: tuple[int, ...] = ()
    """Samples done and in all, while it predicts."""
    left_s: float | None = None
    seconds: float | None = None
    stopped_early: bool = False


@dataclass(frozen=True, kw_only=True)
class RunProgress:
    """How far a run is. `updated` is the time of it, in seconds since 1970; `notes` are the newest
    of `note_count` messages to the user."""

    metric: str = ""
    direction: str = ""
    unit: str = "images"
    preliminary: bool = False
    folds: tuple[FoldProgress, ...] = ()
    doing: str = ""
    """What the run does between or after the folds, such as training the full model."""
    left_s: float | None = None
    notes: tuple[str, ...] = ()
    note_count: int = 0
    updated: float = 0.0


def write_progress(folder: Path, progress: RunProgress) -> None:
    """Write progress.json in the folder of a run. A reader sees the old file or the new one.

    Raises:
        OSError: it cannot be written.
    """
    temporary = folder / f".{FILE}.part"
    try:
        temporary.write_text(json.dumps(asdict(progress)), encoding="utf-8")
        temporary.replace(folder / FILE)
    except OSError:  # the disk is full
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def read_progress(folder: Path) -> RunProgress | None:
    """What progress.json contains; None if it is missing, damaged, or of another version."""
    try:
        values: Any = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return TypeAdapter(RunProgress).validate_python(values)
    except (OSError, ValueError, ValidationError):
        return None
