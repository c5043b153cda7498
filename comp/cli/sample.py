"""`comp sample`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from comp.cli.options import Name


def sample(
    name: Name,
    out: Annotated[Path, typer.Option(help="New or empty folder for the data.")],
) -> None:
    """Write a small synthetic data set in Kaggle's layout."""
    from comp.contract import registry

    competition = registry.get(name)

    from comp.data.location import draw_synthetic_data

    draw_synthetic_data(competition, out)
    files = sum(1 for path in out.rglob("*") if path.is_file())
    typer.echo(f"{files} files of synthetic data for {competition.title} in {out}")
