"""`comp cache`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from comp.cli.options import Json, print_json
from comp.workspace import Workspace


def cache(
    clear: Annotated[
        bool, typer.Option("--clear", help="Remove them all, and what killed commands left.")
    ] = False,
    json: Json = False,
) -> None:
    """List the decoded images that runs keep on disk, or remove them."""
    from comp.data.images import eviction as room

    workspace = Workspace.at(Path.cwd())
    folder = workspace.images
    rows = [asdict(one) for one in room.stored(folder)]
    total = sum(row["bytes"] for row in rows)
    freed = room.clear(folder) + room.sweep(workspace.cache) if clear else 0
    if json:
        print_json({"folder": folder, "caches": rows, "bytes": total, "freed": freed})
    elif clear:
        typer.echo(f"{freed / 1e6:,.1f} MB freed in {folder}")
    elif not rows:
        typer.echo(f"no image caches in {folder}")
    else:
        for row in rows:
            typer.echo(_line(row))
        typer.echo(f"{len(rows)} in {folder}, {total / 1e6:,.1f} MB in all")


def _line(row: Mapping[str, Any]) -> str:
    shape, used = row["shape"], datetime.fromtimestamp(row["used"])
    size = f"{shape['size']} x {shape['size']} x {shape['channels']}, {shape['policy']}"
    return (
        f"{row['source']}  {row['images']:,} images  {size}  {row['bytes'] / 1e6:,.1f} MB  "
        f"used {used:%Y-%m-%d %H:%M}"
    )
