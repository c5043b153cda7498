"""`comp runs`, `comp runs rm` and `comp runs prune`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from comp.cli.completion import complete_competition, complete_run
from comp.cli.group import CommandGroup
from comp.cli.options import Json, Runs, print_json
from comp.errors import ConfigError
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.runs.catalog import RunInfo

runs_app = typer.Typer(cls=CommandGroup)

CompetitionName = Annotated[
    str | None,
    typer.Option(
        "--competition",
        metavar="NAME",
        help="Only runs of this competition.",
        autocompletion=complete_competition,
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Remove without asking.")]


@runs_app.callback(invoke_without_command=True)
def runs(
    context: typer.Context,
    competition: CompetitionName = None,
    compare: Annotated[
        bool,
        typer.Option(
            "--compare",
            help="Compare the runs of each competition with the best, and mark those that cannot "
            "be told from it.",
        ),
    ] = False,
    runs: Runs = None,
    json: Json = False,
) -> None:
    """List runs, and remove those you no longer need."""
    if context.invoked_subcommand:
        if competition or compare or runs or json:
            raise ConfigError(
                f"options of 'comp runs {context.invoked_subcommand}' must follow its name: write "
                f"'comp runs {context.invoked_subcommand} OPTIONS'"
            )
        return
    from comp.report.runs import format_bytes, show_runs
    from comp.runs.verdicts import read_marks

    workspace = Workspace.at(Path.cwd(), runs)
    found = _listed(competition, workspace)
    if compare:
        _compare(found, workspace, json)
    marks = read_marks(found)
    total = sum(run.bytes for run in found)
    if json:
        records = [asdict(run) | {"mark": marks.get(run.path, "")} for run in found]
        print_json({"runs": records, "bytes": total})
    elif not found:
        typer.echo("no runs here: start one with 'comp run NAME'")
    else:
        show_runs(found, marks)
        typer.echo(f"{_count(found)}, {format_bytes(total)} in total")


@runs_app.command()
def rm(
    run_ids: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN_ID",
            help="Runs, or the starts of their ids.",
            autocompletion=complete_run,
        ),
    ],
    yes: Yes = False,
    runs: Runs = None,
) -> None:
    """Remove runs with their submissions and predictions."""
    from comp.runs.catalog import select_runs

    workspace = Workspace.at(Path.cwd(), runs)
    _remove(select_runs(_listed(None, workspace), run_ids), workspace, yes)


@runs_app.command()
def prune(
    keep_best: Annotated[
        int, typer.Option(min=0, help="Number of finished runs to keep of each competition.")
    ],
    competition: CompetitionName = None,
    sample: Annotated[
        bool,
        typer.Option(
            "--sample", "--demo", help="Also runs on synthetic data, which are ranked separately."
        ),
    ] = False,
    unfinished: Annotated[
        bool, typer.Option("--unfinished", help="Also all interrupted and failed runs.")
    ] = False,
    yes: Yes = False,
    runs: Runs = None,
) -> None:
    """Remove all but the best finished runs.

    Submitted runs are always kept.
    """
    from comp.runs.removal import remove, runs_to_prune

    workspace = Workspace.at(Path.cwd(), runs)
    found = _listed(competition, workspace)
    unwanted = runs_to_prune(found, keep_best, synthetic=sample, unfinished=unfinished)
    if unwanted:
        _remove(unwanted, workspace, yes)
    else:
        remove([], workspace)  # completes an interrupted removal
        typer.echo(f"nothing to remove: {_count(found)} here")


def _listed(competition: str | None, workspace: Workspace) -> list[RunInfo]:
    """The runs of a competition, or of all.

    Raises:
        CompetitionError: when `competition` is unknown and has no runs.
    """
    from comp.contract import registry
    from comp.runs.catalog import list_runs
    from comp.submission.ledger import submitted_runs

    found = list_runs(workspace, submitted_runs(workspace), competition)
    if competition and not found:
        registry.get(competition)
    return found


def _compare(found: Sequence[RunInfo], workspace: Workspace, to_stderr: bool) -> None:
    """Compare the runs with the best ones, with progress, and say which could not be compared."""
    from comp.pipeline.mark_runs import mark_runs
    from comp.report.console import Live

    with Live(to_stderr) as live:
        notes = mark_runs(
            found,
            workspace,
            lambda done, total: live.show_progress("comparing", done, total, f"{done}/{total}"),
        )
        live.remove_bar()
        for note in notes:
            live.note(note)


def _remove(unwanted: Sequence[RunInfo], workspace: Workspace, yes: bool) -> None:
    """Show the runs, ask, and remove them."""
    from comp.report.runs import format_bytes, show_runs
    from comp.report.submit import DeliveryReporter
    from comp.runs.removal import check_removable, remove

    check_removable(unwanted)
    show_runs(unwanted)
    amount = f"{_count(unwanted)}, {format_bytes(sum(run.bytes for run in unwanted))}"
    if not DeliveryReporter(yes).confirm(f"remove {amount}, with submissions and predictions"):
        typer.echo("nothing was removed")
        return
    remove(unwanted, workspace)
    typer.echo(f"removed {amount}")


def _count(found: Sequence[RunInfo]) -> str:
    return f"{len(found)} run" + "s" * (len(found) != 1)
