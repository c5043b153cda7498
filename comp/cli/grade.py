"""`comp grade`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from comp.cli.options import Json, Runs, print_json
from comp.workspace import Workspace


def grade(
    run_id: Annotated[str, typer.Argument(metavar="RUN_ID", help="Run, or the start of its id.")],
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder or zip with labelled test data, predicted before.",
            show_default="the run's",
        ),
    ] = None,
    runs: Runs = None,
    json: Json = False,
) -> None:
    """Score the test predictions of a run, where the data has labels for them."""
    from comp.pipeline.grade import grade as grade_run
    from comp.report.console import make_console
    from comp.report.scores import scores_table

    made = grade_run(run_id, Workspace.at(Path.cwd(), runs), data)
    console = make_console(to_stderr=json)
    console.print(made.words)
    if made.synthetic:
        console.print("sample data: the score says nothing about the competition")
    if made.value is not None:
        console.print(f"{made.metric} {made.value:.5f}")
    if made.scores:
        console.print(scores_table(made.scores))
    console.print(f"written to {made.file}")
    if json:
        print_json(asdict(made))
