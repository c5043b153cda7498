"""`comp lr-find`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from comp.cli.configuration import given_config
from comp.cli.options import (
    ConfigFile,
    Data,
    Device,
    Json,
    Name,
    Out,
    Precision,
    Pretrained,
    Sample,
    Sets,
    Weights,
    print_json,
)
from comp.cli.stoppable import stoppable
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.pipeline.request import RunRequest


def lr_find(
    name: Name,
    data: Data = None,
    sample: Sample = False,
    config: ConfigFile = None,
    set_: Sets = None,
    fold: Annotated[int, typer.Option(help="Fold to train on (0-based).")] = 0,
    steps: Annotated[int, typer.Option(min=20, help="Number of optimizer steps.")] = 100,
    weights: Weights = None,
    pretrained: Pretrained = None,
    device: Device = None,
    precision: Precision = None,
    out: Out = None,
    json: Json = False,
) -> None:
    """Test learning rates from 1e-7 to 1 and suggest one."""
    from comp.contract import registry
    from comp.pipeline.request import RunRequest, user_keys

    request = RunRequest(
        competition=registry.get(name),
        workspace=Workspace.at(Path.cwd(), out),
        keys=user_keys(
            given_config(config, set_),
            weights=weights,
            pretrained=pretrained,
            device=device,
            precision=precision,
        ),
        data=data,
        synthetic=sample,
    )
    found = _find(request, fold, steps, to_stderr=json)
    if json:
        print_json(found)


def _find(request: RunRequest, fold: int, steps: int, to_stderr: bool) -> dict[str, object]:
    """Run the test, show it and write its files; returns the fields for --json."""
    request.check()

    from comp.pipeline.lr_find import find_learning_rate
    from comp.report.console import make_console
    from comp.report.lr_find import advice, curve_table, make_folder, write_csv, write_plot
    from comp.report.terminal import TerminalReporter

    competition, workspace = request.competition, request.workspace
    console = make_console(to_stderr)
    with stoppable(), TerminalReporter(competition.metric, to_stderr=to_stderr) as reporter:
        source, run_config = request.load()
        folder = make_folder(workspace.out)
        finding = find_learning_rate(
            run_config, source, workspace, reporter, fold=fold, steps=steps
        )
    curve = finding.curve
    stem = folder / f"{competition.name}-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    plot, points = stem.with_name(f"{stem.name}.png"), stem.with_name(f"{stem.name}.csv")
    kind = "synthetic data, " if finding.synthetic else ""
    title = f"{competition.name}, {kind}fold {fold}, {finding.optimizer}"
    write_csv(points, curve)
    write_plot(plot, curve, title)
    console.print(f"learning rates of {title}, on {finding.device}, {finding.precision}")
    console.print(curve_table(curve))
    console.print(advice(curve))
    console.print(f"plot    {plot}\npoints  {points}")
    return {
        "competition": competition.name,
        "fold": fold,
        "synthetic": finding.synthetic,
        "device": finding.device,
        "precision": finding.precision,
        "optimizer": finding.optimizer,
        "steps": len(curve.rates),
        "planned": curve.planned,
        "exploded": curve.exploded,
        "suggestion": curve.suggestion,
        "tenth_of_lowest": curve.tenth,
        "lowest_loss": min(curve.smoothed),
        "plot": plot,
        "points": points,
    }
