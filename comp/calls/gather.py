"""Gathers runs with progress and a printed table, for the command line and for Python."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from comp.calls.run import run_and_show
from comp.pipeline.run_view import Run
from comp.report.libraries import quiet_libraries
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.contract.competition import Competition

PathLike = str | os.PathLike[str]


def competition_of(names: Sequence[str], workspace: Workspace) -> Competition:
    """The competition of the first of some runs.

    Raises:
        RunError: there is no such run.
    """
    from comp.contract import registry
    from comp.pipeline.gather_runs import find_runs

    return registry.get(find_runs(names[:1], workspace)[0].record("competition")["competition"])


def gather(
    gathered: Sequence[Run | PathLike],
    *,
    data: PathLike | None = None,
    out: PathLike | None = None,
    quiet: bool = False,
) -> Run:
    """Join the folds of runs into a new run, as `comp gather` does.

    Args:
        gathered: runs, the paths of their folders (also copies from other machines), folders that
            `comp run --out` wrote to, or ids.
        data: folder or zip file with the data; if None, where one of the runs found it.
        out: folder to write to, in which ids are searched; the current folder if None.
        quiet: print nothing.

    Raises:
        CompError: the runs do not belong together, a fold is missing or finished twice, or the data
            is missing; nothing is written.
    """
    quiet_libraries()
    from comp.pipeline.gather import gather as gather_runs

    workspace = Workspace.at(Path.cwd(), Path(out).expanduser().absolute() if out else None)
    names = [str(run.folder) if isinstance(run, Run) else os.fspath(run) for run in gathered]
    where = Path(data).expanduser() if data else None
    return run_and_show(
        competition_of(names, workspace),
        lambda reporter: gather_runs(names, workspace, reporter, data=where),
        quiet,
    )
