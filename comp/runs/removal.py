"""Which runs may be removed, and their removal."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from comp.errors import RunError
from comp.runs.catalog import RunInfo
from comp.runs.folder import RunFolder
from comp.runs.verdicts import rank_key
from comp.workspace import Workspace

REMOVED = ".removed"
"""Folder next to the runs. A run that is being removed is moved there first."""


def reason_to_keep(run: RunInfo) -> str:
    """Return why a run must not be removed, to be read after its id; "" if it may be removed."""
    if run.submitted:
        return "was submitted and is in the ledger"
    if run.state == "running" or RunFolder(run.path).alive():
        return "is running"
    if run.blends:
        return f"is a member of the blend {run.blends[0]}"
    return f"is a link to {run.path.resolve()}" if run.path.is_symlink() else ""


def runs_to_prune(
    runs: Sequence[RunInfo], keep_best: int, synthetic: bool = False, unfinished: bool = False
) -> list[RunInfo]:
    """Return the runs to remove if only the best runs of each competition are kept.

    Finished runs are ranked by their OOF score among the runs of the same competition and metric
    that cover the same folds; of equal scores the newer run is better. A finished run without a
    score, a damaged folder and a run with a `reason_to_keep` are never removed.

    Args:
        keep_best: finished runs to keep in each competition.
        synthetic: rank the runs on synthetic data too, among themselves.
        unfinished: remove all interrupted and failed runs too.
    """
    groups: dict[tuple[object, ...], list[RunInfo]] = {}
    for run in runs:
        if (
            run.state == "finished"
            and run.cv_score is not None
            and (synthetic or not run.synthetic)
        ):
            key = (run.competition, run.synthetic, run.metric, run.direction, run.part)
            groups.setdefault(key, []).append(run)
    removable = [run for run in runs if unfinished and run.state in ("interrupted", "failed")]
    for group in groups.values():
        removable += sorted(group, key=rank_key)[keep_best:]
    return [run for run in removable if not reason_to_keep(run)]


def check_removable(runs: Sequence[RunInfo]) -> None:
    """Check that all runs may be removed. The members of a blend may be removed with it.

    Raises:
        RunError: a run must be kept; the message says why.
    """
    removed = {run.run_id for run in runs}
    for run in runs:
        if run.blends and removed >= set(run.blends):
            run = replace(run, blends=())
        if reason := reason_to_keep(run):
            raise RunError(
                f"run {run.run_id} {reason}, nothing was removed: repeat the command without it"
            )


def remove(runs: Sequence[RunInfo], workspace: Workspace) -> None:
    """Remove the folders, submissions and predictions of runs, and finish interrupted removals.

    Each folder is first moved out of the list of runs. So a removal that is interrupted never
    leaves part of a run in the list.

    Raises:
        RunError: a run must be kept, and nothing was removed; or a file cannot be removed.
    """
    check_removable(runs)
    try:
        for run in runs:
            moved = run.path.parent / REMOVED / run.run_id
            _delete(moved)
            moved.parent.mkdir(exist_ok=True)
            run.path.rename(moved)
        for path in sorted(workspace.out.glob(f"runs/*/{REMOVED}/*")):
            _delete_run(path, workspace)
    except OSError as error:
        raise RunError(
            f"cannot remove {error.filename}: {error.strerror}; correct that and repeat the "
            "command, which finishes the removal"
        ) from None


def _delete_run(path: Path, workspace: Workspace) -> None:
    """Delete the submission and the predictions of a removed run, then its folder `path`."""
    removed_folder, run_id = path.parent, path.name
    competition = removed_folder.parent.name
    if not (workspace.runs(competition) / run_id).exists():  # else the user restored the run
        _delete(workspace.submission(competition, run_id))
        _delete(workspace.out / "predictions" / run_id)
    _delete(path)
    if not any(removed_folder.iterdir()):
        removed_folder.rmdir()


def _delete(path: Path) -> None:
    """Delete a file, a link or a folder, if it exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
