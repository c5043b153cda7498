"""What follows a finished run: its report, its alerts, and the coach's notes."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from comp.errors import CompError
from comp.runs.folder import RunFolder
from comp.signals import Stopped
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.review.facts import RunFacts

EXPLAINING_S = 15.0
"""Seconds of the budget that must be left for explanations of samples; they get half of them."""


class Notes(Protocol):
    """Prints notes, such as the reporter of a run."""

    def note(self, text: str) -> None:
        """Print a line."""


def report_on(run_dir: Path, reporter: Notes, spent_s: float = 0.0) -> Path | None:
    """Write report.html of a finished run, and tell its alerts and the coach's notes.

    The run is complete, so nothing here makes it fail: what goes wrong is told in one line.

    Args:
        spent_s: seconds that the command has worked; samples are explained only while the budget
            has time for it.

    Returns:
        The report; None if there is none.

    Raises:
        Stopped: a signal came, which says that the run is finished.
    """
    folder = RunFolder(run_dir)
    try:
        return _report(folder, reporter, spent_s)
    except Stopped as stopped:
        stopped.how = f"run {folder.run_id} is finished, but not its report: {_again(folder)}"
        raise
    except Exception as error:  # our bug, or the user's: the scores of the run are not lost for it
        words = str(error) if isinstance(error, CompError) else repr(error)
        reporter.note(f"no report, because {words}: {_again(folder)}")
    return None


def _again(folder: RunFolder) -> str:
    """The command that writes the report, from the current folder."""
    out = folder.path.absolute().parents[2]
    runs = "" if out == Path.cwd() else f" --runs {shlex.quote(str(out))}"
    return f"'comp report {folder.run_id}{runs}' writes it"


def _report(folder: RunFolder, reporter: Notes, spent_s: float) -> Path | None:
    settings = folder.record().get("config", {}).get("report", {})
    write, notes = settings.get("write", True), settings.get("notes", True)
    if not write and not notes:
        return None
    started = time.perf_counter()
    from comp.pipeline.part_times import record_report
    from comp.review.facts import read_facts
    from comp.review.write import write_report_of

    workspace = Workspace.at(Path.cwd(), folder.path.parents[2])
    facts = _within(read_facts(folder.run_id, workspace), spent_s)
    path = write_report_of(facts, on_panel=_progress(reporter)) if write else None
    if notes:
        _tell(facts, reporter)
    if path:
        from comp.trackers.report import log_report

        log_report(folder, path, reporter.note)
        reporter.note(f"report      {path}")
    record_report(folder, time.perf_counter() - started)
    return path


def _within(facts: RunFacts, spent_s: float) -> RunFacts:
    """The facts, whose samples are explained only while the budget has time for it."""
    budget = facts.config.get("budget")
    if budget is None:
        return facts
    left = float(budget) - spent_s
    seconds = left / 2 if left >= EXPLAINING_S else 0.0
    return replace(facts, explain_until=time.monotonic() + seconds)


def _progress(reporter: Notes) -> Callable[[int, int], None] | None:
    """Shows the panels that are made, if the reporter has a bar."""
    from comp.report.console import Live

    if not isinstance(reporter, Live):
        return None
    live = reporter

    def show(done: int, total: int) -> None:
        live.show_progress("report", done, total, f"{done}/{total} panels")
        if done == total:
            live.remove_bar()

    return show


def _tell(facts: RunFacts, reporter: Notes) -> None:
    """Print the titles of the alerts, and the coach's notes."""
    from comp.page.document import plain
    from comp.review.alerts.all_alerts import alerts_of
    from comp.review.coach.notes import coach_notes

    for alert in alerts_of(facts):
        reporter.note(f"{plain(alert.title)}: {plain(alert.remedy)} (docs/{alert.page})")
    for text in coach_notes(facts):
        reporter.note(f"coach: {plain(text)}")
