"""The typer application and what its commands share."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    name="comp",
    help="From a Kaggle image competition's data to a checked submission.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

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


def version(value: bool) -> None:
    """Print the version and stop."""
    if value:
        from comp import __version__

        typer.echo(f"comp {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def options(
    context: typer.Context,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Options of every command; without a command, the help."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def print_json(values: Mapping[str, Any]) -> None:
    """Print one line of JSON on stdout."""
    sys.stdout.write(json.dumps(values, default=str) + "\n")
    sys.stdout.flush()
