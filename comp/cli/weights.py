"""`comp weights`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from comp.cli.completion import complete_competition
from comp.cli.options import Json, print_json
from comp.errors import ConfigError

if TYPE_CHECKING:
    from comp.models.hub import HubFile


def weights(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="Backbone, or a competition for its default backbone.",
            autocompletion=complete_competition,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="Save the weights in this file (.safetensors) or folder."),
    ] = None,
    json: Json = False,
) -> None:
    """Show or save the pretrained weights of a backbone."""
    backbone = _backbone(name)

    from comp.models.hub import find_weights

    hub_file = find_weights(backbone)
    if not json:
        _describe(hub_file)
    saved = _save(backbone, out, json) if out else {}
    if json:
        print_json(asdict(hub_file) | saved)


def _backbone(name: str) -> str:
    """`name`, or the default backbone of the competition `name`."""
    from comp.contract import registry

    competition = registry.competitions().get(name)
    if competition is None:
        return name
    backbone = str(competition.defaults.get("backbone", ""))

    import timm

    if not timm.is_model(backbone):
        raise ConfigError(
            f"the default backbone '{backbone}' of {name} has no pretrained weights: give a timm "
            "backbone, such as resnet34"
        )
    return backbone


def _describe(hub_file: HubFile) -> None:
    """Print the source and the properties of the weights."""
    rows = {
        "backbone": hub_file.name,
        "hub": hub_file.hub_id or "none",
        "file": hub_file.url or "timm has no weights",
        "licence": hub_file.licence or "unknown",
        "input": " x ".join(map(str, hub_file.input_size)) + " (channels, height, width)",
        "tags": ", ".join(hub_file.tags) or "none",
        "local copy": str(hub_file.cached or "none"),
    }
    for key, value in rows.items():
        typer.echo(f"{key:<10}  {value}")


def _save(backbone: str, out: Path, quiet: bool) -> dict[str, str]:
    """Save the weights; returns the file and its SHA-256."""
    from comp.files import sha256
    from comp.models.hub import export_weights

    saved = export_weights(backbone, out)
    digest = sha256(saved)
    if not quiet:
        typer.echo(f"{'saved':<10}  {saved}")
        typer.echo(f"{'sha256':<10}  {digest}")
        typer.echo(f"use them with --set backbone={backbone} --set weights={saved}")
    return {"saved": str(saved), "sha256": digest}
