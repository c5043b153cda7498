"""What follows a finished run: its report, its alerts, and the coach's notes."""

from __future__ import annotations

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
"""Seconds of the budget that must be left for explanations of samples."""


class Notes(Protocol):
    """Prints notes, such as the reporter of a run."""

    def note(self, text: str) -> None:
        """Print a line."""


def report_on(run_dir: Path, reporter: Notes, spent_s: float = 0.0) -> Path | None:
    """Write report.html of a finished run, and tell its alerts and the coach's notes.

    The run is complete, so nothing here makes it fail: what goes wrong is told in one line.

    Args:
        spent_s: seconds that the command has worked; samples are explained only if the budget has
            time for it.

    Returns:
        The report; None if there is none.
    """
    folder = RunFolder(run_dir)
    try:
        return _report(folder, reporter, spent_s)
    except Stopped:
        reporter.note(
            f"stopped before the report was complete; 'comp report {folder.run_id}' writes it"
        )
    except Exception as error:  # our bug, or the user's: the scores of the run are not lost for it
        words = str(error) if isinstance(error, CompError) else repr(error)
        reporter.note(f"no report, because {words}; 'comp report {folder.run_id}' tries again")
    return None


def _report(folder: RunFolder, reporter: Notes, spent_s: float) -> Path | None:
    settings = folder.record().get("config", {}).get("report", {})
    write, notes = settings.get("write", True), settings.get("notes", True)
    if not write and not notes:
        return None
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
    return path


def _within(facts: RunFacts, spent_s: float) -> RunFacts:
    """The facts; without explanations if the budget has no time for them."""
    budget = facts.config.get("budget")
    short = budget is not None and float(budget) - spent_s < EXPLAINING_S
    return replace(facts, explain=0) if short else facts


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
        reporter.note(f"{alert.code}: {plain(alert.title)}")
    for text in coach_notes(facts):
        reporter.note(f"coach: {plain(text)}")
