"""The folder of a gathered run: the files of its folds, of its reader, and run.json."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import mul
from pathlib import Path
from typing import Any

from comp.data.images.prepared import PreparedImages, absolute_keys
from comp.data.location import DataSource
from comp.files import make_folder, nearest_existing, read_json, write_json
from comp.pipeline.full_model import RECORD as FULL
from comp.pipeline.full_model import full_folder, is_finished
from comp.pipeline.gather_runs import FoldRun
from comp.pipeline.left_out import RECORD as EXTENDED
from comp.pipeline.pseudo_labels import POINTER as PSEUDO_POINTER
from comp.pipeline.pseudo_open import RECORD as PSEUDO
from comp.runs import folder as runfolder
from comp.runs.folder import RunFolder
from comp.training.state import RESUME
from comp.workspace import Workspace

KEY = "gathered"
"""The key of run.json that names the runs whose folds were joined."""
OF_ONE_RUN = (
    *("state", "reason", "seconds", "resumed", "left_out", "adaptation", "test_classes", "drift"),
    *(EXTENDED, FULL, "fold_time", "fold_cost", "replanned"),
)
"""Keys of run.json that are not those of the gathered run."""
LINKED = {".safetensors", ".zip"}
"""Suffixes of files that are never changed in place, so that a hard link is as good as a copy."""
CACHES = {"features.json", "images.json"}
"""Files of the reader that name caches of a machine."""


@dataclass(frozen=True, kw_only=True)
class FullChoice:
    """The full model that a gathered run takes, with a note for the user; None without one."""

    run: FoldRun | None
    note: str = ""


def create_gathered_folder(
    chosen: Mapping[int, FoldRun],
    runs: Sequence[FoldRun],
    source: DataSource,
    workspace: Workspace,
) -> tuple[RunFolder, list[str]]:
    """Make the folder of a gathered run, with the files of its folds; returns it with notes.

    Args:
        chosen: the run of each fold.
        runs: all runs; the record is that of the first.

    Raises:
        DiskError: the files do not fit on the disk, or cannot be written.
    """
    first, now = runs[0], datetime.now().astimezone()
    workspace.check_writable(first.competition.name)
    copied = [run for run in runs if not _same_disk(run.folder.path, workspace.out)]
    workspace.check_room(sum(_size(run.folder.path) for run in copied))
    folder = runfolder.create(workspace.runs(first.competition.name), first.config, now)
    full = _choose_full(chosen, runs)
    try:
        shutil.copyfile(first.folder.folds_csv, folder.folds_csv)
        for fold, run in chosen.items():
            _copy(run.folder.fold(fold), folder.fold(fold))
        if full.run:
            _copy(full_folder(full.run.folder), full_folder(folder))
        _copy_reader(chosen, runs, folder, source)
        folder.update_record(**_record(chosen, runs, full, folder, source, now))
    except BaseException:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise
    return folder, [full.note] if full.note else []


def _record(
    chosen: Mapping[int, FoldRun],
    runs: Sequence[FoldRun],
    full: FullChoice,
    folder: RunFolder,
    source: DataSource,
    now: datetime,
) -> dict[str, Any]:
    """The contents of run.json: those of the first run, but for what is of all."""
    first = runs[0].record
    kept = {key: value for key, value in first.items() if key not in OF_ONE_RUN}
    halved = any(run.record.get("halved") for run in runs)
    record = {
        "run_id": folder.run_id,
        "state": "running",
        "started": now.isoformat(timespec="seconds"),
        "folds": list(chosen),
        "plan": {fold: run.finished[fold].planned_first for fold, run in chosen.items()},
        "data": str(source.root),
        **({"halved": True} if halved else {}),
        **({PSEUDO: _pseudo_record(chosen, runs)} if first.get(PSEUDO) else {}),
        KEY: [_origin(run, chosen) for run in runs],
    }
    if full.run:
        weight = float(runs[0].config.full)
        of_run = full.run.record.get(FULL) or {}
        record[FULL] = of_run | {"weight": weight, "share": weight / (len(chosen) + weight)}
    return kept | record


def _origin(run: FoldRun, chosen: Mapping[int, FoldRun]) -> dict[str, Any]:
    """What run.json says of a run whose folds were joined."""
    keys = ("started", "seconds", "data", "device", "precision", "environment", "resumed", KEY)
    return {
        "run_id": run.run_id,
        "path": str(run.folder.path),
        "folds": [fold for fold, of in chosen.items() if of is run],
        **{key: run.record[key] for key in keys if key in run.record},
    }


def _pseudo_record(chosen: Mapping[int, FoldRun], runs: Sequence[FoldRun]) -> dict[str, Any]:
    folds = {str(fold): run.record[PSEUDO]["folds"].get(str(fold)) for fold, run in chosen.items()}
    return {**runs[0].record[PSEUDO], "folds": folds}


def _choose_full(chosen: Mapping[int, FoldRun], runs: Sequence[FoldRun]) -> FullChoice:
    """The full model with the steps that are nearest to those of one run over all folds; of several
    the first. Such a run takes the mean over its folds, and each of these took that of its own."""
    config = runs[0].config
    if not config.full:
        return FullChoice(run=None)
    trained = [run for run in runs if is_finished(run.folder, config)]
    if not trained:
        note = "no run has a finished full model: 'comp resume' with --folds rest trains it"
        return FullChoice(run=None, note=note)
    steps = [(run.record.get(FULL) or {}).get("steps") or 0 for run in trained]  # 0: no network
    folds = [sum(of is run for of in chosen.values()) for run in trained]
    mean = sum(map(mul, steps, folds)) / sum(folds)
    best = min(range(len(trained)), key=lambda index: abs(steps[index] - mean))
    if len(set(steps)) == 1:
        return FullChoice(run=trained[best])
    return FullChoice(
        run=trained[best],
        note=(
            f"full model: that of {trained[best].folder.path}, with {steps[best]:.0f} steps, which "
            f"are nearest to those of one run over the folds ({mean:.0f}); each run trained its own"
        ),
    )


def _copy_reader(
    chosen: Mapping[int, FoldRun],
    runs: Sequence[FoldRun],
    folder: RunFolder,
    source: DataSource,
) -> None:
    """Copy what the reader of each run has written, and join the pseudo-labels of the folds."""
    make_folder(folder.reader_folder)
    for run in runs:
        if run.folder.reader_folder.is_dir():
            _copy(run.folder.reader_folder, folder.reader_folder, CACHES)
    found = PreparedImages.read_pointer(runs[0].folder.reader_folder, source.root)
    skipped = absolute_keys(found.skipped, source.root, runs[0].record["data"])
    images = PreparedImages(skipped=skipped, value_range=found.value_range, root=source.root)
    images.write_pointer(folder.reader_folder)
    if runs[0].record.get(PSEUDO):
        pointers = {
            fold: read_json(run.folder.reader_folder / PSEUDO_POINTER)
            for fold, run in chosen.items()
        }
        first = next(iter(pointers.values()))
        folds = {str(fold): pointer["folds"][str(fold)] for fold, pointer in pointers.items()}
        write_json(folder.reader_folder / PSEUDO_POINTER, {**first, "folds": folds})


def _copy(source: Path, target: Path, without: frozenset[str] | set[str] = frozenset()) -> None:
    """Copy the files of a folder that `target` does not have; large ones are linked if they are on
    the same disk."""
    for file in sorted(source.rglob("*")):
        name = file.relative_to(source)
        place = target / name
        unwanted = name.name in without or name.name == RESUME or name.suffix in (".part", ".lock")
        if not file.is_file() or unwanted or place.exists():
            continue
        make_folder(place.parent, parents=True)
        if file.suffix in LINKED:
            try:
                os.link(file, place)
                continue
            except OSError:  # another disk, or one without links
                pass
        shutil.copy2(file, place)


def _same_disk(path: Path, out: Path) -> bool:
    return path.stat().st_dev == nearest_existing(out).stat().st_dev


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
