"""Whether a fold that trains uses batches of half the size, in a file of its folder.

Several folds may train at the same time, and any of them may run out of GPU memory. So each fold
keeps what it started with: it resumes in the same way, whatever the other folds found meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from comp.files import read_json, write_json
from comp.runs.folder import RunFolder

BATCHES = "batches.json"
"""The file, which exists while the fold trains."""


def starts_halved(fold_folder: Path, run: RunFolder) -> bool:
    """Whether a fold trains on halved batches: as it did when it was stopped, or as the run does
    now. The answer is recorded.

    Raises:
        DiskError: the file cannot be written.
    """
    halved = _recorded(fold_folder / BATCHES)
    if halved is None:
        halved = run.halved
        record_halved(fold_folder, halved)
    return halved


def record_halved(fold_folder: Path, halved: bool) -> None:
    """Record how a fold trains.

    Raises:
        DiskError: the file cannot be written.
    """
    write_json(fold_folder / BATCHES, {"halved": halved})


@contextmanager
def halved_recorded(run: RunFolder) -> Iterator[None]:
    """Record in run.json, at the end of the block, whether one of its folds has found that it must
    halve its batches, so that later folds start so."""
    try:
        yield
    finally:
        if any(_recorded(path) for path in run.path.glob(f"*/**/{BATCHES}")):
            record_of_run(run)


def record_of_run(run: RunFolder) -> None:
    """Record in run.json that later folds start with halved batches."""
    if not run.halved:
        run.update_record(halved=True)


def _recorded(path: Path) -> bool | None:
    """What the file of a fold says; None if it is missing or damaged."""
    try:
        return bool(read_json(path)["halved"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
