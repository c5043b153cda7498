"""`comp runs`, `comp runs rm` and `comp runs prune`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from comp.cli.options import Json, print_json
from comp.errors import ConfigError
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.runs.catalog import RunInfo

runs_app = typer.Typer(help="List runs, and remove those that are no longer needed.")

Contest = Annotated[
    str | None, typer.Option("--competition", metavar="NAME", help="Runs of this one alone.")
]
Place = Annotated[
    Path | None, typer.Option("--runs", help="Folder that runs were written to with --out.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Remove without asking.")]


@runs_app.callback(invoke_without_command=True)
def runs(
    context: typer.Context, competition: Contest = None, runs: Place = None, json: Json = False
) -> None:
    """List runs, and remove those that are no longer needed."""
    if context.invoked_subcommand:
        if competition or runs or json:
            raise ConfigError(
                f"options of 'comp runs {context.invoked_subcommand}' stand behind its name: write "
                f"'comp runs {context.invoked_subcommand} ...' with them at the end"
            )
        return
    from comp.report.runs import show, size

    found = _listed(competition, Workspace.at(Path.cwd(), runs))
    total = sum(run.bytes for run in found)
    if json:
        print_json({"runs": [asdict(run) for run in found], "bytes": total})
    elif not found:
        typer.echo("no runs here: 'comp run NAME' makes one")
    else:
        show(found)
        typer.echo(f"{_count(found)}, {size(total)} in all")


@runs_app.command()
def rm(
    run_ids: Annotated[
        list[str], typer.Argument(metavar="RUN_ID...", help="Runs, or the beginnings of their ids.")
    ],
    yes: Yes = False,
    runs: Place = None,
) -> None:
    """Remove runs with their submissions and predictions."""
    from comp.runs.catalog import find

    workspace = Workspace.at(Path.cwd(), runs)
    _remove(find(_listed(None, workspace), run_ids), workspace, yes)


@runs_app.command()
def prune(
    keep_best: Annotated[
        int, typer.Option(min=0, help="Finished runs to keep, of each competition.")
    ],
    competition: Contest = None,
    sample: Annotated[
        bool, typer.Option("--sample", help="Runs on sample data too, ranked among themselves.")
    ] = False,
    unfinished: Annotated[
        bool, typer.Option("--unfinished", help="All interrupted and failed runs too.")
    ] = False,
    yes: Yes = False,
    runs: Place = None,
) -> None:
    """Remove all but the best finished runs, never submitted ones."""
    from comp.runs.catalog import remove, runs_to_prune

    workspace = Workspace.at(Path.cwd(), runs)
    found = _listed(competition, workspace)
    gone = runs_to_prune(found, keep_best, synthetic=sample, unfinished=unfinished)
    if gone:
        _remove(gone, workspace, yes)
    else:
        remove([], workspace)  # finishes what was broken off
        typer.echo(f"nothing to remove: {_count(found)} here")


def _listed(competition: str | None, workspace: Workspace) -> list[RunInfo]:
    """The runs; a competition without any must at least be one."""
    from comp.contract import registry
    from comp.runs.catalog import list_runs
    from comp.submission.ledger import submitted_runs

    found = list_runs(workspace, submitted_runs(workspace), competition)
    if competition and not found:
        registry.get(competition)
    return found


def _remove(gone: Sequence[RunInfo], workspace: Workspace, yes: bool) -> None:
    """Show what would be removed, ask, and remove it."""
    from comp.report.runs import show, size
    from comp.report.submit import DeliveryReporter
    from comp.runs.catalog import check_removable, remove

    check_removable(gone)
    show(gone)
    words = f"{_count(gone)}, {size(sum(run.bytes for run in gone))}"
    if not DeliveryReporter(yes).agree(f"remove {words}, with submissions and predictions"):
        typer.echo("nothing was removed")
        return
    remove(gone, workspace)
    typer.echo(f"removed {words}")


def _count(found: Sequence[RunInfo]) -> str:
    return f"{len(found)} run" + "s" * (len(found) != 1)
