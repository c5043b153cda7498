"""The steps of `comp new` and `comp.new`, each of which shows what it does on a console."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comp.discovery.draft import Draft, make_draft
from comp.discovery.new import NewCompetition, refuse_missing, write_and_try
from comp.discovery.plugin_file import plugin_path
from comp.discovery.sources import ask_kaggle, data_or_download, downloaded_from, reference_of
from comp.errors import CompError
from comp.kaggle.client.deadline import Deadline
from comp.kaggle.client.reference import Reference
from comp.kaggle.download import download
from comp.kaggle.download_request import DownloadRequest
from comp.kaggle.facts import CompetitionFacts
from comp.runs.progress import Silent
from comp.workspace import Workspace

if TYPE_CHECKING:
    from rich.console import Console

DOWNLOAD_TIMEOUT_S = 3600.0


def facts_of(reference: Reference, console: Console | None) -> CompetitionFacts:
    """What Kaggle says; a line says why if it says nothing."""
    facts, problem = ask_kaggle(reference)
    if problem and console:
        text = f"Kaggle says nothing about {reference}: {problem}; the data alone must do"
        console.print(text, soft_wrap=True)
    return facts


def data_of(
    name: str,
    workspace: Workspace,
    data: Path | None,
    reference: Reference | None,
    console: Console | None,
) -> Path:
    """The path of the data: what is given, else data/NAME, else a download from Kaggle.

    Raises:
        ConfigError: there is neither data nor a reference.
        CompError: the download failed.
    """
    found = data_or_download(name, workspace, data, reference)
    return found if isinstance(found, Path) else _downloaded(found, workspace, console)


def draft_of(
    name: str,
    data: Path,
    workspace: Workspace,
    facts: CompetitionFacts | None,
    answers: Mapping[str, Any],
    console: Console | None,
) -> Draft:
    """Look at the data, and show the conclusions.

    Raises:
        DataError: the data cannot be read.
        ConfigError: an answer does not fit.
    """
    from comp.report.conclusions import show_conclusions

    if console:
        console.print(f"looking at {data}", soft_wrap=True)
    draft = make_draft(name, data, workspace, facts, answers)
    if console:
        show_conclusions(draft.rows(), console)
    return draft


def make_competition(
    draft: Draft, path: Path, workspace: Workspace, data: Path, run: bool, console: Console | None
) -> NewCompetition:
    """Write the plugin of a draft, try it, and show what to do next.

    Raises:
        CompError: the check or the run failed; the plugin stays.
    """
    from comp.report.findings import show_findings
    from comp.report.trial import TrialReporter

    if console is None:
        return write_and_try(draft, path, workspace, data, Silent(), run=run)
    to_stderr = console.file is sys.stderr
    with TrialReporter(draft.competition.metric, to_stderr=to_stderr) as reporter:
        made = write_and_try(
            draft,
            path,
            workspace,
            data,
            reporter,
            run=run,
            show_audit=lambda audit: show_findings(audit.findings, console),
        )
        if made.run:
            reporter.summary(made.run)
            reporter.note(made.agreement)
    console.print("next:")
    for step in made.next_steps:
        console.print(f"  {step}", soft_wrap=True)
    return made


def new_competition(
    name: str,
    workspace: Workspace,
    *,
    data: Path | None,
    kaggle: str | None,
    answers: Mapping[str, Any],
    run: bool,
    force: bool,
    console: Console | None,
) -> NewCompetition:
    """All steps, without a question; see `comp.api.new`."""
    path = plugin_path(name, workspace.root, force)
    reference = reference_of(kaggle) if kaggle else None
    place = data_of(name, workspace, data, reference, console)
    reference = reference or downloaded_from(place)
    facts = facts_of(reference, console) if reference else None
    draft = draft_of(name, place, workspace, facts, answers, console)
    refuse_missing(draft.missing)
    return make_competition(draft, path, workspace, place, run, console)


class _NoProgress:
    """Shows nothing of a download."""

    def note(self, words: str) -> None:
        """Show nothing."""

    def progress(self, doing: str, done: int, total: int | None) -> None:
        """Show nothing."""


def _downloaded(request: DownloadRequest, workspace: Workspace, console: Console | None) -> Path:
    """Download the data; an error also names the other way to it."""
    from comp.report.download import DownloadReporter

    deadline = Deadline(DOWNLOAD_TIMEOUT_S)
    try:
        if console is None:
            return download(request, workspace.cache, deadline, _NoProgress()).place
        with DownloadReporter(console.file is sys.stderr) as reporter:
            result = download(request, workspace.cache, deadline, reporter)
            reporter.note(f"downloaded {result.files:,} files, {result.bytes / 1e6:,.1f} MB")
            return result.place
    except CompError as error:
        error.args = (f"{error}; or download the data in a browser and give --data",)
        raise
