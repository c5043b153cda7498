"""`comp.compare`, the call in Python."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from comp.pipeline.run_view import Run
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.runs.comparison import Comparison

PathLike = str | os.PathLike[str]


def compare(
    first: Run | str, second: Run | str, *, seed: int = 0, runs: PathLike | None = None
) -> Comparison:
    """Compare two runs out of fold, as `comp compare` does: is the difference real, or noise?

    The result has `difference` (`value`, `low`, `high`: the first run minus the second, with its
    95 % interval), `real`, `better` (the id of a run, or None), `words` (one sentence), and the
    same for folds, classes and samples.

    Args:
        first: a run, its id, or the beginning of its id; `second` likewise.
        seed: of the bootstrap.
        runs: the `out` of the runs; the current folder if None.

    Raises:
        RunError: no such run, no finished fold, or runs without common samples.
        DataError: data that is missing or has changed.
    """
    from comp.pipeline.compare import compare as compute

    workspace = Workspace.at(Path.cwd(), Path(runs).expanduser().absolute() if runs else None)
    names = [run.run_id if isinstance(run, Run) else run for run in (first, second)]
    if isinstance(first, Run):
        workspace = first.workspace
    return compute(names[0], names[1], workspace, seed=seed)
