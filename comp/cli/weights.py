"""`comp weights`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from comp.cli.options import Json, print_json
from comp.contract import registry
from comp.errors import ConfigError

if TYPE_CHECKING:
    from comp.models.hub import HubFile


def weights(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Backbone, or competition for its default one.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="File (.safetensors) or folder to save the weights in."),
    ] = None,
    json: Json = False,
) -> None:
    """Say where a backbone's pretrained weights come from, and save them for offline use."""
    backbone = _backbone(name)

    from comp.models.hub import where

    place = where(backbone)
    if not json:
        _describe(place)
    saved = _save(backbone, out, json) if out else {}
    if json:
        print_json(asdict(place) | saved)


def _backbone(name: str) -> str:
    """The backbone of this name, or the default one of the competition of this name."""
    competition = registry.competitions().get(name)
    if competition is None:
        return name
    backbone = str(competition.defaults.get("backbone", ""))

    import timm

    if not timm.is_model(backbone):
        raise ConfigError(
            f"the default backbone '{backbone}' of {name} has no pretrained weights: name a timm "
            "backbone, such as resnet34"
        )
    return backbone


def _describe(place: HubFile) -> None:
    """Print where the weights are."""
    rows = {
        "backbone": place.name,
        "hub": place.hub_id or "none",
        "file": place.url or "timm has no weights of it",
        "licence": place.licence or "unknown",
        "input": " x ".join(map(str, place.input_size)) + " (channels, height, width)",
        "tags": ", ".join(place.tags) or "none",
        "local copy": str(place.cached or "none"),
    }
    for key, value in rows.items():
        typer.echo(f"{key:<10}  {value}")


def _save(backbone: str, out: Path, quiet: bool) -> dict[str, str]:
    """Save the weights; the file and its SHA-256."""
    from comp.files import sha256
    from comp.models.hub import save

    saved = save(backbone, out)
    digest = sha256(saved)
    if not quiet:
        typer.echo(f"{'saved':<10}  {saved}")
        typer.echo(f"{'sha256':<10}  {digest}")
        typer.echo(f"use it with --set backbone={backbone} --set weights={saved}")
    return {"saved": str(saved), "sha256": digest}
