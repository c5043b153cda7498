"""`comp predict`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from comp.cli.configuration import given_config
from comp.cli.options import Device, Json, Precision, RunId, Runs, Sets, SkipBad, print_json
from comp.workspace import Workspace


def predict(
    run_id: RunId,
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
    set_: Sets = None,
    skip_bad: SkipBad = False,
    json: Json = False,
) -> None:
    """Predict the test data or your own images with a run."""
    from comp.pipeline.predict_report import predict_and_report

    result = predict_and_report(
        run_id,
        Workspace.at(Path.cwd(), runs),
        data=data,
        out=out,
        keys=given_config(None, set_),
        device=device,
        precision=precision,
        skip_bad=skip_bad,
        to_stderr=json,
    )
    if json:
        print_json(asdict(result))
