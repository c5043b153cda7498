"""`comp check-submission`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from comp.cli.completion import complete_competition, complete_run
from comp.cli.options import Json, Runs, print_json
from comp.workspace import Workspace


def check_submission(
    file_or_run: Annotated[
        str,
        typer.Argument(
            metavar="FILE_OR_RUN",
            help="CSV file, or a run or the start of its id.",
            autocompletion=complete_run,
        ),
    ],
    competition: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Competition of the file.",
            show_default="detected",
            autocompletion=complete_competition,
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder or zip file with the data.",
            show_default="the run's, or data/NAME",
        ),
    ] = None,
    runs: Runs = None,
    json: Json = False,
) -> None:
    """Check a submission without sending it.

    It is compared with the sample submission of the data.
    """
    from comp.kaggle.candidate import check_candidate, find_candidate

    workspace = Workspace.at(Path.cwd(), runs)
    candidate = find_candidate(file_or_run, workspace, competition)
    checked = check_candidate(candidate, workspace, data)
    if json:
        facts = {
            "run_id": candidate.run_id,
            "competition": candidate.competition.name,
            "path": candidate.path,
        }
        print_json({"ok": True, **facts, **asdict(checked)})
        return
    of_run = f" of run {candidate.run_id}" if candidate.run_id else ""
    typer.echo(f"checked  {candidate.path}, {checked.bytes:,} bytes{of_run}")
    typer.echo(f"against  {checked.template} ({candidate.competition.title})")
    typer.echo(f"ok, {checked.rows:,} rows")
