"""`comp submit` and `comp submissions`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from comp.cli.completion import complete_competition, complete_run
from comp.cli.options import Json, Runs, print_json
from comp.cli.timeouts import seconds
from comp.errors import ConfigError
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.kaggle.client.deadline import Deadline
    from comp.kaggle.submit_and_rank import SubmitResult
    from comp.report.submit import DeliveryReporter

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
        help="Run, the start of its id, or a file; with --code also a bundle.",
        show_default="the best run that is not sent yet",
        autocompletion=complete_run,
    ),
]
_TIME_LIMIT = "Time limit: 90s, 30m, 1h30m."
Timeout = Annotated[str, typer.Option(help=_TIME_LIMIT)]
Code = Annotated[
    bool, typer.Option("--code", help="Submit with a notebook, as code competitions ask.")
]
GpuChoice = Annotated[
    str | None,
    typer.Option(
        metavar="none|p100|t4x2", help="Machine of the notebook (--code).", show_default="t4x2"
    ),
]
Model = Annotated[
    bool, typer.Option("--model", help="Bring the weights as a model, not a data set (--code).")
]
Session = Annotated[
    str | None,
    typer.Option(help="Time limit of the notebook on Kaggle (--code).", show_default="9h"),
]
NoRun = Annotated[bool, typer.Option("--no-run", help="Save the notebook, do not run it (--code).")]
_LONGEST_SESSION_S = 12 * 3600


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
    code: Code = False,
    gpu: GpuChoice = None,
    model: Model = False,
    session: Session = None,
    no_run: NoRun = False,
    timeout: Annotated[
        str | None, typer.Option(help=_TIME_LIMIT, show_default="30m, 10h with --code")
    ] = None,
    runs: Runs = None,
    json: Json = False,
) -> None:
    """Check a submission, send it, and wait for its score."""
    from comp.kaggle.client.deadline import Deadline
    from comp.report.submit import DeliveryReporter

    notebook = _notebook_keys(code, gpu, model, session, no_run)
    deadline = Deadline(seconds(timeout or ("10h" if code else "30m")))
    shared = {"message": message, "force": force, "retry_unknown": retry_unknown}
    shared |= {"wait": not no_wait}
    workspace = Workspace.at(Path.cwd(), runs)
    with DeliveryReporter(yes, to_stderr=json) as reporter:
        send = _send_notebook if code else _send_file
        result = send(what, workspace, reporter, deadline, shared | notebook, competition, data)
    if json:
        print_json(asdict(result))


def _send_file(
    what: str | None,
    workspace: Workspace,
    reporter: DeliveryReporter,
    deadline: Deadline,
    options: Mapping[str, Any],
    competition: str | None,
    data: Path | None,
) -> SubmitResult:
    from comp.kaggle.submit import SubmitOptions
    from comp.kaggle.submit_and_rank import submit_and_rank

    return submit_and_rank(
        what,
        workspace,
        reporter,
        deadline,
        SubmitOptions(**options),
        competition=competition,
        data=data,
    )


def _send_notebook(
    what: str | None,
    workspace: Workspace,
    reporter: DeliveryReporter,
    deadline: Deadline,
    options: Mapping[str, Any],
    competition: str | None,
    data: Path | None,
) -> SubmitResult:
    from comp.notebook.job import NotebookOptions
    from comp.notebook.submit_run import submit_run

    chosen = NotebookOptions(**options, data=data)
    return submit_run(what, workspace, reporter, deadline, chosen, competition=competition)


def _notebook_keys(
    code: bool, gpu: str | None, model: bool, session: str | None, no_run: bool
) -> dict[str, Any]:
    """The options of a notebook that are set.

    Raises:
        ConfigError: one is set without --code, or has a value that does not exist.
    """
    given = {"--gpu": gpu, "--model": model, "--session": session, "--no-run": no_run}
    alone = [name for name, value in given.items() if value]
    if alone and not code:
        raise ConfigError(f"{', '.join(alone)} without --code: these are options of a notebook")
    if gpu not in (None, "none", "p100", "t4x2"):
        raise ConfigError(f"--gpu {gpu} does not exist: give none, p100 or t4x2")
    keys: dict[str, Any] = {"gpu": gpu} if gpu else {}
    if session:
        limit = seconds(session, "--session")
        if not 60 <= limit <= _LONGEST_SESSION_S:
            raise ConfigError(f"--session {session} is not between 1m and 12h, Kaggle's limit")
        keys["session_s"] = int(limit)
    if code:
        keys |= {"model": model, "run": not no_run}
    return keys


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
