"""A run in Python: its progress, its result, its report, and what a signal leaves."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from comp.calls.after import report_on
from comp.pipeline.run_view import Run
from comp.signals import Stopped, first_stopped, handle_signals

if TYPE_CHECKING:
    from comp.contract.competition import Competition
    from comp.runs.progress import Reporter
    from comp.runs.results import RunSummary


def run_and_show(
    competition: Competition, job: Callable[[Reporter], RunSummary], quiet: bool
) -> Run:
    """Do the job of a run and show it; signals stop it with its state saved.

    Raises:
        Stopped: with the call that resumes the run.
    """
    from comp.report.terminal import TerminalReporter
    from comp.runs.progress import Silent

    try:
        with handle_signals():
            if quiet:
                return _reported(job(Silent()), Silent())
            with TerminalReporter(competition.metric) as reporter:
                summary = job(reporter)
                reporter.summary(summary)
                return _reported(summary, reporter)
    except Stopped as stopped:
        number, first = stopped.number, first_stopped(stopped)
        folder, how = first.run, first.how
    # a new one: the traceback of the first keeps the model alive
    raise _stopped(number, folder, how)


def _reported(summary: RunSummary, reporter: Reporter) -> Run:
    report_on(summary.run_dir, reporter, summary.seconds)
    return Run(summary.run_dir)


def _stopped(number: int, folder: Path | None, how: str) -> Stopped:
    stopped = Stopped(number)
    stopped.run, stopped.how = folder, how
    how = how or "nothing was saved; start again with the same call"
    if folder:
        out = folder.parents[2]
        where = "" if out == Path.cwd() else f", runs={str(out)!r}"
        how = f"the run is saved; continue it with comp.resume({folder.name!r}{where})"
    stopped.args = (f"stopped by {signal.Signals(number).name}: {how}",)
    return stopped
