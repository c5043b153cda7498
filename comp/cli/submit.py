"""`comp submit` and `comp submissions`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from comp.cli.completion import complete_competition, complete_run
from comp.cli.options import Json, Runs, print_json
from comp.cli.timeouts import seconds
from comp.workspace import Workspace

CompetitionName = Annotated[
    str | None,
    typer.Option(
        "--competition",
        metavar="NAME",
        help="Competition, if runs of several exist.",
        autocompletion=complete_competition,
    ),
]
RunOrFile = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN_ID|FILE",
        help="Run, the start of its id, or a file.",
        show_default="the best run that is not sent yet",
        autocompletion=complete_run,
    ),
]
Timeout = Annotated[str, typer.Option(help="Time limit: 90s, 30m, 1h30m.")]


def submit(
    what: RunOrFile = None,
    competition: CompetitionName = None,
    message: Annotated[str, typer.Option("--message", "-m", help="Description on Kaggle.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Send without asking.")] = False,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait for the score.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Send a file that was already sent.")
    ] = False,
    retry_unknown: Annotated[
        bool,
        typer.Option(
            "--retry-unknown", help="Send again if the result of an earlier attempt is unknown."
        ),
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(help="Folder or zip file with the data.", show_default="the run's"),
    ] = None,
    timeout: Timeout = "30m",
    runs: Runs = None,
    json: Json = False,
) -> None:
    """Check a submission, send it, and wait for its score."""
    from comp.kaggle.client.deadline import Deadline
    from comp.kaggle.submit import SubmitOptions
    from comp.kaggle.submit_and_rank import submit_and_rank
    from comp.report.submit import DeliveryReporter

    deadline = Deadline(seconds(timeout))
    options = SubmitOptions(
        message=message, force=force, retry_unknown=retry_unknown, wait=not no_wait
    )
    with DeliveryReporter(yes, to_stderr=json) as reporter:
        result = submit_and_rank(
            what,
            Workspace.at(Path.cwd(), runs),
            reporter,
            deadline,
            options,
            competition=competition,
            data=data,
        )
    if json:
        print_json(asdict(result))


def submissions(
    competition: CompetitionName = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Fetch new scores from Kaggle.")
    ] = False,
    timeout: Timeout = "2m",
    runs: Runs = None,
    json: Json = False,
) -> None:
    """List runs and submissions with their scores."""
    from comp.contract import registry
    from comp.kaggle.history import history_rows, score_contradiction
    from comp.report.history import show_history
    from comp.submission.ledger import Ledger

    workspace = Workspace.at(Path.cwd(), runs)
    ledger = Ledger(workspace.ledger)
    if refresh:
        _refresh(ledger, competition, timeout, quiet=json)
    found = history_rows(workspace, ledger, competition)
    if competition and not found:
        registry.get(competition)  # raises if the name is unknown
    names = list(dict.fromkeys(line.competition for line in found))
    warnings = {
        name: score_contradiction([x for x in found if x.competition == name]) for name in names
    }
    if json:
        print_json({"submissions": [asdict(x) for x in found], "warnings": warnings})
        return
    show_history(found, warnings)


def _refresh(ledger: Any, competition: str | None, timeout: str, quiet: bool) -> None:
    """Fetch the state and the score of every submission from Kaggle."""
    from comp.kaggle.client.deadline import Deadline
    from comp.kaggle.history import refresh
    from comp.report.submit import DeliveryReporter

    with DeliveryReporter(yes=False, to_stderr=quiet) as reporter:
        refresh(ledger, competition, Deadline(seconds(timeout)), reporter)
