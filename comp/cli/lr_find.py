"""`comp lr-find`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

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
    transfer,
)
from comp.cli.run import CommandInput
from comp.config.schema import merge, parse_sets, read_toml
from comp.contract import registry
from comp.workspace import Workspace


def lr_find(
    name: Name,
    data: Data = None,
    sample: Sample = False,
    config: ConfigFile = None,
    set_: Sets = None,
    fold: Annotated[int, typer.Option(help="Fold to train on (0-based).")] = 0,
    steps: Annotated[int, typer.Option(min=20, help="Optimizer steps of the whole range.")] = 100,
    weights: Weights = None,
    pretrained: Pretrained = None,
    device: Device = None,
    precision: Precision = None,
    out: Out = None,
    json: Json = False,
) -> None:
    """Test learning rates from 1e-7 to 1 and suggest one."""
    competition = registry.get(name)
    flags = {"device": device, "precision": precision}
    given = merge(read_toml(config) if config else {}, parse_sets(set_ or []))
    given = merge(given, {key: value for key, value in flags.items() if value})
    given = merge(given, transfer(weights, pretrained))
    workspace = Workspace.at(Path.cwd(), out)
    asked = CommandInput(competition, workspace, {}, given, data, sample, skip_bad=False)
    found = _find(asked, fold, steps, to_stderr=json)
    if json:
        print_json(found)


def _find(asked: CommandInput, fold: int, steps: int, to_stderr: bool) -> dict[str, object]:
    """Make the test, show it, write its files, and return what --json prints."""
    asked.settings(drawn=asked.synthetic)  # mistakes show before data is unpacked

    from comp.data.location import locate
    from comp.pipeline.lr_find import find
    from comp.report.console import make_console
    from comp.report.lr_find import advice, make_place, table_of, write_csv, write_plot
    from comp.report.terminal import TerminalReporter

    competition, workspace = asked.competition, asked.workspace
    console = make_console(to_stderr)
    with TerminalReporter(competition.metric, to_stderr=to_stderr) as reporter:
        source = locate(competition, workspace, asked.data, asked.synthetic)
        place = make_place(workspace.out)
        settings = asked.settings(drawn=source.synthetic)
        finding = find(settings, source, workspace, reporter, fold=fold, steps=steps)
    curve = finding.curve
    stem = place / f"{competition.name}-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    plot, points = stem.with_name(f"{stem.name}.png"), stem.with_name(f"{stem.name}.csv")
    kind = "sample data, " if finding.synthetic else ""
    title = f"{competition.name}, {kind}fold {fold}, {finding.optimizer}"
    write_csv(points, curve)
    write_plot(plot, curve, title)
    console.print(f"learning rates of {title}, on {finding.device}, {finding.precision}")
    console.print(table_of(curve))
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
