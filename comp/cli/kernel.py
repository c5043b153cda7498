"""`comp kernel status`, `comp kernel logs` and `comp kernel stop`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from comp.cli.completion import complete_run
from comp.cli.group import CommandGroup
from comp.cli.options import Json, Runs, print_json
from comp.cli.timeouts import seconds
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.notebook.kernel import KernelView

kernel_app = typer.Typer(
    cls=CommandGroup, help="Look at the notebooks of 'comp submit', or stop one."
)
Run = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN_ID",
        help="Run, or the start of its id.",
        show_default="the newest with a notebook",
        autocompletion=complete_run,
    ),
]
Timeout = Annotated[str, typer.Option(help="Time limit: 90s, 30m, 1h30m.")]


@kernel_app.command()
def status(run: Run = None, timeout: Timeout = "1m", runs: Runs = None, json: Json = False) -> None:
    """Show the state of the session of a notebook."""
    from comp.notebook.kernel import kernel_status

    view = kernel_status(run, Workspace.at(Path.cwd(), runs), seconds(timeout))
    _show(view, json)


@kernel_app.command()
def logs(run: Run = None, timeout: Timeout = "1m", runs: Runs = None, json: Json = False) -> None:
    """Print the log of the session of a notebook, so far."""
    from comp.notebook.kernel import kernel_log

    view, log = kernel_log(run, Workspace.at(Path.cwd(), runs), seconds(timeout))
    if json:
        print_json(asdict(view) | {"log": log})
    else:
        typer.echo(log.rstrip() or f"the log of {view.kernel}, version {view.version}, is empty")


@kernel_app.command()
def stop(run: Run = None, timeout: Timeout = "1m", runs: Runs = None, json: Json = False) -> None:
    """Stop the session of a notebook."""
    from comp.notebook.kernel import stop_kernel

    _show(stop_kernel(run, Workspace.at(Path.cwd(), runs), seconds(timeout)), json)


def _show(view: KernelView, json: bool) -> None:
    if json:
        print_json(asdict(view))
        return
    typer.echo(f"notebook    {view.kernel}, version {view.version}, of run {view.run_id}")
    typer.echo(f"session     {view.state}" + (f": {view.message}" if view.message else ""))
    typer.echo(f"attempt     {view.attempt}, begun {view.at}")
    typer.echo(f"page        {view.url}")
