"""What every prediction has: the samples, the folder that it writes to, and the result."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.listing import SUFFIXES, contains, samples_in_folder
from comp.data.location import SeveralRootsError, open_data, open_folder
from comp.errors import DataError
from comp.workspace import Workspace

RECORD = "prediction.json"
TABLE_COLUMNS = "table_columns"
"""The key of run.json with how the columns of the training table are read, as
`Competition.table_columns` says."""


@dataclass(frozen=True, kw_only=True)
class PredictResult:
    """What `comp predict` wrote: predictions, a submission if the data is the competition's, and
    images or a table. `prediction.json` in `out` contains these fields."""

    run_id: str
    competition: str
    data: Path
    """The root of the competition's data, or the folder or image that was predicted."""
    folds: Sequence[int]
    full: bool = False
    """Whether the full model predicted too."""
    samples: int
    out: Path
    submission: Path | None
    n_rows: int
    table: Path | None
    """A CSV of the predictions and decisions, if they are numbers."""
    images: Path | None
    notes: Sequence[str]
    """What the user should know, such as a plugin that changed since the run."""
    skipped: Mapping[str, str]
    """Images that were left out because they cannot be decoded, with the reason."""
    adaptation: Mapping[str, Any] = field(default_factory=dict)
    """What was adapted to the images, if `predict.adapt` says so."""
    classes: Mapping[str, Any] = field(default_factory=dict)
    """The classes that are decided before and after `predict.adapt` and `predict.shares`, if
    classes exclude each other; `comp.pipeline.class_report` describes it."""


def output_folder(out: Path | None, workspace: Workspace, run_id: str) -> Path:
    """Return the folder to write to. The default folder is deleted first; `out` must be new or
    empty.

    Raises:
        DataError: `out` is not empty.
    """
    if out is None:
        folder = workspace.out / "predictions" / run_id
        shutil.rmtree(folder, ignore_errors=True)
        return folder
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out} is not empty: give a new folder for the predictions")
    return out


def samples_to_predict(
    competition: Competition,
    data: Path,
    workspace: Workspace,
    record: Mapping[str, Any],
    notes: list[str],
) -> tuple[Path | None, Sequence[Sample], Sequence[Sample]]:
    """Return (data folder or None, samples to predict, other samples of the same data).

    A folder without the competition's layout is a folder of images; an image is one sample. If the
    folder has a part of the layout, a note is added to `notes`. A competition of a table takes a
    table of other rows instead.

    Args:
        record: run.json of the run that predicts.

    Raises:
        DataError: the data is missing or damaged, or its columns are not read as those of the run.
    """
    if data.is_file() and competition.read_table and data.suffix.lower() not in (".zip", ""):
        columns = _columns_of_run(competition, workspace, record, notes)
        rows = competition.read_table(data, columns) if columns else competition.read_table(data)
        return None, rows, []
    if data.is_file() and data.suffix.lower() in SUFFIXES:
        return None, [Sample(id=data.stem, image=data)], []
    folder = open_folder(data, workspace)
    try:
        root = open_data(competition, data, workspace)
    except SeveralRootsError:
        raise
    except DataError as error:
        if competition.read_table:
            raise
        samples = samples_in_folder(folder)
        if any(contains(folder, name) for name in competition.layout):
            notes.append(
                f"{folder} has only a part of the layout of {competition.name} ({error}): all "
                f"{len(samples)} images in it are predicted, without a submission"
            )
        return None, samples, []
    _check_columns(competition, root, record)
    return root, competition.samples(root, "test"), competition.samples(root, "train")


def _columns_of_run(
    competition: Competition, workspace: Workspace, record: Mapping[str, Any], notes: list[str]
) -> Mapping[str, str] | None:
    """How the run has read the columns of its training table; None if the rows of each table say it
    themselves. A run of an earlier version does not know it: its data does, if it is there."""
    if competition.table_columns is None:
        return None
    recorded = record.get(TABLE_COLUMNS)
    if isinstance(recorded, Mapping):
        return recorded
    words = f"run {record.get('run_id')} has no record of which columns are numbers"
    try:
        root = open_data(competition, Path(record["data"]), workspace)
        found = competition.table_columns(root)
    except DataError as error:
        notes.append(
            f"{words}, and its data cannot be read ({error}): the new rows decide it, perhaps "
            "otherwise than the training rows did"
        )
        return None
    notes.append(f"{words}: the training table in {root} decides it")
    return found


def _check_columns(competition: Competition, root: Path, record: Mapping[str, Any]) -> None:
    """Check that the columns of a data folder are read as the run has read those of its data.

    Raises:
        DataError: one is not.
    """
    recorded = record.get(TABLE_COLUMNS)
    if competition.table_columns is None or not isinstance(recorded, Mapping):
        return
    for name, kind in competition.table_columns(root).items():
        before = recorded.get(name, kind)
        if before != kind:
            raise DataError(
                f"the training table in {root} makes '{name}' a column of {kind}s, and in run "
                f"{record.get('run_id')} it was one of {before}s: correct its cells, or give the "
                "table of the test rows alone with --data FILE"
            )
