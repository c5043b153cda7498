"""`comp list`."""

from __future__ import annotations

from pathlib import Path

import typer

from comp.cli.options import Json, print_json
from comp.contract import registry
from comp.errors import DataError
from comp.workspace import Workspace


def list_competitions(json: Json = False) -> None:
    """List the competitions and whether their data is there."""
    workspace = Workspace.at(Path.cwd())
    rows, states = [], []
    for name, competition in registry.competitions().items():
        there, words = _data(workspace, name)
        states.append(words)
        rows.append(
            {
                "name": name,
                "title": competition.title,
                "kaggle": competition.kaggle,
                "metric": competition.metric.name,
                "data": str(workspace.data(name)) if there else None,
            }
        )
    if json:
        print_json({"competitions": rows})
        return
    width = max((len(str(row["name"])) for row in rows), default=0)
    for row, words in zip(rows, states, strict=True):
        typer.echo(f"{row['name']:<{width}}  {row['title']}  ({row['metric']}; {words})")


def _data(workspace: Workspace, name: str) -> tuple[bool, str]:
    """Whether a competition's data is there, and how it is with it in words."""
    try:
        there = workspace.has_data(name)
    except DataError:
        return False, f"data/{name} cannot be read"
    return there, f"data in data/{name}" if there else "no data yet, runs on sample data"
