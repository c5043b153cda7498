"""`comp check-submission`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from comp.cli.options import Json, Runs, print_json
from comp.workspace import Workspace


def check_submission(
    file_or_run: Annotated[
        str,
        typer.Argument(metavar="FILE_OR_RUN", help="A CSV; or a run, or the start of its id."),
    ],
    competition: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Competition of the file.", show_default="found out"),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder or zip with the data to compare with.",
            show_default="the run's, or data/NAME",
        ),
    ] = None,
    runs: Runs = None,
    json: Json = False,
) -> None:
    """Check a submission against the sample submission; nothing is sent."""
    from comp.kaggle.candidate import check, find

    workspace = Workspace.at(Path.cwd(), runs)
    found = find(file_or_run, workspace, competition)
    checked = check(found, workspace, data)
    if json:
        facts = {"run_id": found.run_id, "competition": found.competition.name, "path": found.path}
        print_json({"ok": True, **facts, **asdict(checked)})
        return
    of_run = f" of run {found.run_id}" if found.run_id else ""
    typer.echo(f"checked  {found.path}, {checked.bytes:,} bytes{of_run}")
    typer.echo(f"against  {checked.template} ({found.competition.title})")
    typer.echo(f"ok, {checked.rows:,} rows")
