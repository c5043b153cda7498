"""`comp.new`, the call in Python."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comp.report.libraries import quiet_libraries
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.discovery.new import NewCompetition

PathLike = str | os.PathLike[str]


def new(
    name: str,
    *,
    data: PathLike | None = None,
    kaggle: str | None = None,
    answers: Mapping[str, Any] | None = None,
    run: bool = True,
    force: bool = False,
    quiet: bool = False,
) -> NewCompetition:
    """Look at data and write a plugin `competitions/<name>.py` for it, as `comp new` does.

    Args:
        data: folder or zip file; if None `data/<name>`, or a download.
        kaggle: the end of its address on Kaggle.
        answers: what the data cannot say, such as `{"metric": "auc"}`, and arguments of the plugin.
        run: whether to run a few steps, up to a checked submission.
        force: replace the plugin's file.
        quiet: print nothing.

    Raises:
        DataError: something is missing; nothing is written.
        CompError: the name is taken, the data cannot be read, or the check or the run failed.
    """
    quiet_libraries()
    from comp.discovery.steps import new_competition
    from comp.report.console import make_console
    from comp.signals import handle_signals

    with handle_signals():
        return new_competition(
            name,
            Workspace.at(Path.cwd()),
            data=None if data is None else Path(data).expanduser(),
            kaggle=kaggle,
            answers=dict(answers or {}),
            run=run,
            force=force,
            console=None if quiet else make_console(to_stderr=False),
        )
