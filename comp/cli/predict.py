"""`comp predict`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from comp.cli.options import Device, Json, Precision, Runs, SkipBad, print_json
from comp.workspace import Workspace


def predict(
    run_id: Annotated[str, typer.Argument(metavar="RUN_ID", help="Run, or the start of its id.")],
    data: Annotated[
        Path | None,
        typer.Option(help="Competition data or any folder of images.", show_default="the run's"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder to write to.", show_default="predictions/RUN_ID"),
    ] = None,
    runs: Runs = None,
    device: Device = None,
    precision: Precision = None,
    skip_bad: SkipBad = False,
    json: Json = False,
) -> None:
    """Predict again from the checkpoints of a run."""
    from comp.pipeline.predict import predict as predict_run
    from comp.report.predict import PredictionReporter

    workspace = Workspace.at(Path.cwd(), runs)
    asked = {"device": device, "precision": precision}
    settings = {key: value for key, value in asked.items() if value}
    with PredictionReporter(to_stderr=json) as reporter:
        made = predict_run(
            run_id,
            workspace,
            data=data,
            out=out,
            settings=settings,
            on_prediction=reporter.step,
            on_image=reporter.reading,
            skip_bad=skip_bad,
        )
        reporter.say(
            f"{made.samples} samples predicted with {len(made.folds)} folds, in {made.out}"
        )
        if made.skipped:
            reporter.say(f"left out    {len(made.skipped)} images that cannot be decoded")
        if made.submission:
            reporter.say(f"submission  {made.submission} ({made.n_rows:,} rows, checked)")
        if made.images:
            reporter.say(f"images      {made.images}")
    if json:
        print_json(asdict(made))
