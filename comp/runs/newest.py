"""The newest run that can resume, for a command without the id of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from comp.errors import RunError
from comp.runs.catalog import covers_all_folds
from comp.runs.folder import NEEDED_TO_RESUME, RunFolder
from comp.runs.lineage import member_ids
from comp.workspace import Workspace


def newest_unfinished(workspace: Workspace, competition: str | None = None) -> RunFolder:
    """Return the newest run that can resume: not finished, not damaged, without a process.

    Raises:
        RunError: there is no such run.
    """
    for folder, record in _resumable(workspace, competition):
        if record.get("state") != "finished":
            return folder
    of_competition = f" of {competition}" if competition else ""
    raise RunError(
        f"no unfinished run{of_competition} in {workspace.out / 'runs'}: nothing to resume"
    )


def newest_partial(workspace: Workspace) -> RunFolder:
    """Return the newest run, finished or not, that has left out folds or the full model: not
    damaged, without a process.

    Raises:
        RunError: there is no such run.
    """
    for folder, record in _resumable(workspace):
        whole = not record["config"].get("full") or (folder.path / "full" / "meta.json").is_file()
        if not (covers_all_folds(record) and whole):
            return folder
    raise RunError(
        f"no run in {workspace.out / 'runs'} has left out folds: leave out --folds to resume the "
        "newest unfinished run"
    )


def _resumable(
    workspace: Workspace, competition: str | None = None
) -> Iterator[tuple[RunFolder, Mapping[str, Any]]]:
    """The runs that have models and no process, and their run.json; the newest first."""
    paths = workspace.out.glob(f"runs/{competition or '*'}/*/run.json")
    for path in sorted(paths, key=lambda path: (path.parent.name, path), reverse=True):
        folder = RunFolder(path.parent)
        try:
            record = folder.record(*NEEDED_TO_RESUME)
        except RunError:
            continue
        if not member_ids(record) and not folder.alive():
            yield folder, record
