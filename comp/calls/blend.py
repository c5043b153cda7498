"""Blends with progress and a printed table, for the command line and for Python."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from comp.calls.after import report_on
from comp.pipeline.ranked_call import in_rank_0
from comp.pipeline.run_view import Run
from comp.report.libraries import quiet_libraries
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.runs.blend_results import BlendSummary


def blend_and_report(
    run_ids: Sequence[str], workspace: Workspace, method: str | None, to_stderr: bool
) -> BlendSummary:
    """Blend runs as `comp.pipeline.blend.blend` does, and print the result.

    Args:
        method: None for the default.
        to_stderr: print on stderr instead of stdout.
    """
    from comp.pipeline.blend import blend as blend_runs
    from comp.pipeline.blend_fit import METHODS
    from comp.report.blend import BlendReporter

    with BlendReporter(to_stderr) as reporter:
        summary = blend_runs(run_ids, workspace, reporter, method or METHODS[0])
        reporter.summary(summary)
        report_on(summary.run_dir, reporter)
    return summary


@in_rank_0
def blend(
    blended: Sequence[Run | str],
    *,
    method: str | None = None,
    runs: str | os.PathLike[str] | None = None,
    quiet: bool = False,
) -> Run:
    """Blend finished runs over the same folds, as `comp blend` does; the blend is a run.

    Its score is nested: the weights of a fold come from the other folds.

    Args:
        blended: runs, their ids, or unique beginnings of ids; at least two.
        method: "weights" (the default), "mean", "greedy", "rank", "stack", "ridge", "logistic" or
            "gbdt".
        runs: the `out` of the runs; the current folder if None.
        quiet: print nothing.

    Raises:
        ConfigError: fewer than two runs, or a method that does not fit the task or the metric.
        RunError: a run is missing, not finished, or over other folds, data or test samples.
        DataError: the data is missing or has changed.
    """
    quiet_libraries()
    from comp.pipeline.blend import blend as blend_runs
    from comp.pipeline.blend_fit import METHODS
    from comp.pipeline.blend_job import SilentReporter
    from comp.runs.progress import Silent

    out = Path(runs).expanduser().absolute() if runs else None
    workspace = Workspace.at(Path.cwd(), out)
    names = [run.run_id if isinstance(run, Run) else run for run in blended]
    if quiet:
        summary = blend_runs(names, workspace, SilentReporter(), method or METHODS[0])
        report_on(summary.run_dir, Silent())
    else:
        summary = blend_and_report(names, workspace, method, to_stderr=False)
    return Run(summary.run_dir)
