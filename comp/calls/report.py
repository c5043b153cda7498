"""`comp.write_report`, the call in Python."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from comp.errors import ConfigError
from comp.pipeline.ranked_call import in_rank_0
from comp.pipeline.run_view import Run
from comp.report.libraries import quiet_libraries
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.page.words import Language

PathLike = str | os.PathLike[str]


@in_rank_0
def write_report(
    *reported: Run | str,
    lang: Language = "en",
    out: PathLike | None = None,
    runs: PathLike | None = None,
) -> Path:
    """Write a report as one HTML file, as `comp report` does; returns its absolute path.

    Args:
        reported: one run; two, which are shown side by side; or none: an index page of all runs. A
            run, its id, or the beginning of its id.
        lang: "en", or "ko" for Korean.
        out: the file; None: report.html in the folder of the run, or in that of the runs.
        runs: the `out` of the runs; the current folder if None.

    Raises:
        ConfigError: more than two runs.
        RunError: no such run, runs that cannot be compared, or none at all.
        DataError: of two runs, if data is missing or has changed.
    """
    if len(reported) > 2:
        raise ConfigError(f"{len(reported)} runs are given: give one or two, or none for all")
    quiet_libraries()
    workspace = Workspace.at(Path.cwd(), Path(runs).expanduser().absolute() if runs else None)
    if reported and isinstance(reported[0], Run):
        workspace = reported[0].workspace
    path = Path(out).expanduser().absolute() if out else None
    names = [run.run_id if isinstance(run, Run) else run for run in reported]
    if not names:
        from comp.review.index import write_index

        return write_index(workspace, path=path, language=lang)
    if len(names) == 2:
        from comp.review.pair.write import write_pair

        return write_pair(names[0], names[1], workspace, path=path, language=lang)
    from comp.review.write import write_report as write

    return write(names[0], workspace, path=path, language=lang).absolute()
