"""`comp grade`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from comp.cli.options import Json, RunId, Runs, print_json
from comp.workspace import Workspace


def grade(
    run_id: RunId,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder or zip file with labelled test data that the run predicted.",
            show_default="the run's",
        ),
    ] = None,
    runs: Runs = None,
    json: Json = False,
) -> None:
    """Score the test predictions of a run on test labels."""
    from comp.pipeline.grade import grade as grade_run
    from comp.report.console import make_console
    from comp.report.scores import scores_table

    result = grade_run(run_id, Workspace.at(Path.cwd(), runs), data)
    console = make_console(to_stderr=json)
    console.print(result.words)
    if result.synthetic:
        console.print("synthetic data: the score says nothing about the competition")
    if result.value is not None:
        console.print(f"{result.metric} {result.value:.5f}")
    if result.scores:
        console.print(scores_table(result.scores))
    console.print(f"written to {result.file}")
    if json:
        print_json(asdict(result))
