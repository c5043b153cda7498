"""`comp submit` and `comp submissions`."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from comp.cli.options import Json, Runs, print_json
from comp.cli.timeouts import seconds
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.kaggle.candidate import Candidate
    from comp.submission.ledger import Attempt

Contest = Annotated[
    str | None, typer.Option("--competition", metavar="NAME", help="Where several are in play.")
]
Timeout = Annotated[str, typer.Option(help="Give up after this long: 90s, 30m, 1h30m.")]


BOARD_S = 20.0
"""Seconds that the leaderboard may take, when the score is there already."""


def submit(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN_ID|FILE",
            help="Run, the start of its id, or a file.",
            show_default="the best run not sent yet",
        ),
    ] = None,
    competition: Contest = None,
    message: Annotated[str, typer.Option("--message", "-m", help="Words for Kaggle's list.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Send without asking.")] = False,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait for the score.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Send it even if it was sent.")] = False,
    retry_unknown: Annotated[
        bool,
        typer.Option(
            "--retry-unknown", help="Send again where an earlier answer was lost and is not found."
        ),
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(help="Data to check against.", show_default="the run's"),
    ] = None,
    timeout: Timeout = "30m",
    runs: Runs = None,
    json: Json = False,
) -> None:
    """Check a submission, send it to Kaggle, and wait for its score."""
    from comp.kaggle.candidate import check
    from comp.kaggle.client.deadline import Deadline
    from comp.kaggle.client.session import connect
    from comp.kaggle.submit import SubmitOptions, submit_file
    from comp.report.submit import DeliveryReporter
    from comp.submission.ledger import Ledger

    deadline = Deadline(seconds(timeout))
    workspace = Workspace.at(Path.cwd(), runs)
    ledger = Ledger(workspace.ledger)
    with DeliveryReporter(yes, to_stderr=json) as reporter:
        candidate = _candidate(what, competition, workspace, ledger, reporter)
        slug = _slug(candidate)
        checked = check(candidate, workspace, data)
        reporter.step(f"checked     {checked.rows:,} rows against {checked.template}")
        options = SubmitOptions(
            message=message, force=force, retry_unknown=retry_unknown, wait=not no_wait
        )
        with connect(deadline, slug) as kaggle:
            attempt = submit_file(candidate, checked, kaggle, ledger, options, reporter)
            place = _standing(kaggle, candidate, attempt, workspace)
        reporter.table(candidate.competition, candidate.scores.get("cv_score"), attempt, place)
    if json:
        print_json(_facts(candidate, attempt) | {"standing": place and asdict(place)})


def _candidate(
    what: str | None, competition: str | None, workspace: Workspace, ledger: Any, reporter: Any
) -> Candidate:
    """The submission that is meant, shown before anything is sent."""
    from comp.kaggle.candidate import find
    from comp.kaggle.history import best_unsent, in_play

    if what is None:
        what = best_unsent(workspace, ledger, in_play(workspace, competition))
    candidate = find(what, workspace, competition)
    score = candidate.scores.get("cv_score")
    words = f", OOF {candidate.scores['metric']} {score:.5f}" if score is not None else ""
    reporter.step(f"submission  {candidate.run_id or candidate.path}{words}")
    return candidate


def _slug(candidate: Candidate) -> str:
    """The name of the competition at Kaggle.

    Raises:
        SubmissionError: for a data set, which has no leaderboard.
    """
    from comp.errors import SubmissionError

    kind, _, slug = candidate.competition.kaggle.partition("/")
    if kind != "competitions":
        raise SubmissionError(
            f"{candidate.competition.name} is a data set without a leaderboard, nothing can be "
            f"submitted: 'comp grade {candidate.run_id or 'RUN_ID'}' scores it on its test labels"
        )
    return slug


def _standing(kaggle: Any, candidate: Candidate, attempt: Attempt, workspace: Workspace) -> Any:
    """Where the public score stands on the leaderboard, None where that cannot be had."""
    from comp.errors import CompError
    from comp.kaggle.client.board import fetch, keep, standing
    from comp.kaggle.client.deadline import Deadline
    from comp.submission.ledger import number

    score = number(attempt.public)
    if score is None:
        return None
    quick = replace(kaggle, deadline=Deadline(min(BOARD_S, kaggle.deadline.left)))
    try:
        board = fetch(quick, quick.slug)
        keep(workspace.cache, board)
        return standing(board, score, candidate.competition.metric.direction)
    except CompError:
        return None


def _facts(candidate: Candidate, attempt: Attempt) -> dict[str, Any]:
    """What --json prints."""
    return {
        "competition": candidate.competition.name,
        "run_id": candidate.run_id,
        "file": candidate.path,
        "cv_score": candidate.scores.get("cv_score"),
        "tag": attempt.tag,
        "state": attempt.state,
        "ref": attempt.ref,
        "public": attempt.public,
        "private": attempt.private,
    }


def submissions(
    competition: Contest = None,
    refresh: Annotated[bool, typer.Option("--refresh", help="Ask Kaggle for new scores.")] = False,
    timeout: Timeout = "2m",
    runs: Runs = None,
    json: Json = False,
) -> None:
    """List runs and submissions side by side."""
    from comp.contract import registry
    from comp.kaggle.history import contradiction, lines
    from comp.report.history import show
    from comp.submission.ledger import Ledger

    workspace = Workspace.at(Path.cwd(), runs)
    ledger = Ledger(workspace.ledger)
    if refresh:
        _refresh(ledger, competition, timeout, quiet=json)
    found = lines(workspace, ledger, competition)
    if competition and not found:
        registry.get(competition)  # a name that nobody knows
    names = list(dict.fromkeys(line.competition for line in found))
    warnings = {name: contradiction([x for x in found if x.competition == name]) for name in names}
    if json:
        print_json({"submissions": [asdict(x) for x in found], "warnings": warnings})
        return
    show(found, warnings)


def _refresh(ledger: Any, competition: str | None, timeout: str, quiet: bool) -> None:
    """Ask for every submission that Kaggle has, and settle those that it may have."""
    from comp.kaggle.client.deadline import Deadline
    from comp.kaggle.history import refresh
    from comp.report.submit import DeliveryReporter

    with DeliveryReporter(yes=False, to_stderr=quiet) as reporter:
        refresh(ledger, competition, Deadline(seconds(timeout)), reporter)
