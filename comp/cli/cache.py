"""`comp cache`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from comp.cli.options import Json, print_json
from comp.config.image_size import parse_image_size, size_text
from comp.workspace import Workspace


def cache(
    clear: Annotated[
        bool,
        typer.Option("--clear", help="Remove all of them, and files that killed commands left."),
    ] = False,
    json: Json = False,
) -> None:
    """List the cached images and features, or remove them."""
    from comp.data.file_digests import forget_digests
    from comp.data.images import eviction

    workspace = Workspace.at(Path.cwd())
    folders = workspace.images, workspace.features
    rows = [asdict(stored) for folder in folders for stored in eviction.list_caches(folder)]
    total = sum(row["bytes"] for row in rows)
    freed = (
        sum(map(eviction.remove_caches, folders)) + eviction.remove_partial_folders(workspace.cache)
        if clear
        else 0
    )
    if clear:
        forget_digests(workspace.cache)
    if json:
        print_json({"folder": folders[0], "caches": rows, "bytes": total, "freed": freed})
    elif clear:
        typer.echo(f"{freed / 1e6:,.1f} MB removed from {workspace.cache}")
    elif not rows:
        typer.echo(f"no caches in {workspace.cache}")
    else:
        for row in rows:
            typer.echo(_line(row))
        typer.echo(f"{len(rows)} in {workspace.cache}, {total / 1e6:,.1f} MB in total")


def _line(row: Mapping[str, Any]) -> str:
    shape, used = row["shape"], datetime.fromtimestamp(row["used"])
    if "backbone" in shape:
        values = " x ".join(map(str, shape["features"]))
        views = shape["copies"] + shape["views"]
        size = f"{values} features of {shape['backbone']}, {views} view{'s' * (views > 1)}"
    elif "pages" in shape:
        size = "whole images and masks" if "target" in shape["pages"] else "whole images"
    else:
        pixels = size_text(parse_image_size(shape["size"]))
        stored = ", JPEG" if shape.get("stored") == "jpeg" else ""
        size = f"{pixels} x {shape['channels']}, {shape['policy']}{stored}"
    return (
        f"{row['source']}  {row['images']:,} images  {size}  {row['bytes'] / 1e6:,.1f} MB  "
        f"used {used:%Y-%m-%d %H:%M}"
    )
