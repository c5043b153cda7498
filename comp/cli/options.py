"""Options that several commands share, and how they print JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

Name = Annotated[str, typer.Argument(metavar="NAME", help="Competition, as 'comp list' names it.")]
Data = Annotated[
    Path | None,
    typer.Option(help="Folder or zip with the data.", show_default="data/NAME"),
]
Out = Annotated[
    Path | None,
    typer.Option(help="Folder to write to.", show_default="the current folder"),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON object as the last line of stdout.")
]
Runs = Annotated[Path | None, typer.Option(help="Folder that the run was written to with --out.")]
Sample = Annotated[bool, typer.Option("--sample", help="Use drawn sample data.")]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Any configuration key (repeatable)."),
]
ConfigFile = Annotated[Path | None, typer.Option(help="TOML file of configuration keys.")]
SkipBad = Annotated[
    bool, typer.Option("--skip-bad", help="Go on without images that cannot be decoded.")
]
Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")]
Precision = Annotated[str | None, typer.Option(help="auto, fp32, bf16, fp16.")]

Weights = Annotated[
    Path | None, typer.Option(help="Local file of pretrained backbone weights.", show_default=False)
]
Pretrained = Annotated[
    bool | None,
    typer.Option(
        "--pretrained/--no-pretrained",
        help="Start from pretrained weights, or from random ones.",
        show_default="the competition's",
    ),
]


def transfer(weights: Path | None, pretrained: bool | None) -> dict[str, Any]:
    """The configuration keys that --weights and --no-pretrained set.

    Raises:
        ConfigError: when both are given.
    """
    from comp.errors import ConfigError

    if weights is not None and pretrained is False:
        raise ConfigError(f"--weights {weights} and --no-pretrained exclude each other: give one")
    if weights is not None:
        return {"weights": weights.absolute(), "pretrained": True}
    if pretrained is None:
        return {}
    return {"pretrained": pretrained} | ({} if pretrained else {"weights": None})


def print_json(values: Mapping[str, Any]) -> None:
    """Print one line of JSON on stdout."""
    sys.stdout.write(json.dumps(values, default=str) + "\n")
    sys.stdout.flush()
