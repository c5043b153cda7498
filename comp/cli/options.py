"""Arguments and options that several commands share, and their JSON output."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from comp.cli.completion import complete_competition, complete_run

Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="Competition, as 'comp list' shows it.",
        autocompletion=complete_competition,
    ),
]
RunId = Annotated[
    str,
    typer.Argument(
        metavar="RUN_ID", help="Run, or the start of its id.", autocompletion=complete_run
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(help="Folder or zip file with the data.", show_default="data/NAME"),
]
Out = Annotated[
    Path | None,
    typer.Option(help="Folder to write to.", show_default="the current folder"),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON object as the last line of stdout.")
]
Runs = Annotated[
    Path | None, typer.Option("--runs", help="Folder that 'comp run' wrote to with --out.")
]
Sample = Annotated[bool, typer.Option("--sample", "--demo", help="Use synthetic sample data.")]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Set any configuration key (repeatable)."),
]
ConfigFile = Annotated[Path | None, typer.Option(help="TOML file with configuration keys.")]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Skip images that cannot be decoded.")]
Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")]
Precision = Annotated[str | None, typer.Option(help="auto, fp32, bf16 or fp16.")]
Weights = Annotated[
    Path | None,
    typer.Option(help="Local file with pretrained backbone weights.", show_default=False),
]
Pretrained = Annotated[
    bool | None,
    typer.Option(
        "--pretrained/--no-pretrained",
        help="Start from pretrained weights, or from random ones.",
        show_default="the competition's",
    ),
]

Jobs = Annotated[
    int | None,
    typer.Option(
        help="Folds that train at the same time.", show_default="one for each GPU, 1 on the CPU"
    ),
]
On = Annotated[
    str,
    typer.Option(
        metavar="ray|ADDRESS",
        help="Train on a Ray cluster: ray, auto, HOST:PORT or ray://HOST:PORT.",
        show_default="this machine",
    ),
]
NodeData = Annotated[
    str,
    typer.Option(
        metavar="path|copy|URI",
        help="How the nodes of --on get the data.",
        show_default="path, copy to nodes without it",
    ),
]
Gpus = Annotated[
    int | None,
    typer.Option(min=1, help="GPUs that train each fold together.", show_default="1"),
]


def print_json(values: Mapping[str, Any]) -> None:
    """Print one line of JSON on stdout."""
    sys.stdout.write(json.dumps(values, default=str) + "\n")
    sys.stdout.flush()
