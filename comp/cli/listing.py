"""`comp list`."""

from __future__ import annotations

from pathlib import Path

import typer

from comp import registry
from comp.cli.app import Json, app, print_json
from comp.workspace import Workspace


@app.command("list")
def list_competitions(json: Json = False) -> None:
    """List the competitions and whether their data is there."""
    workspace = Workspace.at(Path.cwd())
    rows = [
        {
            "name": name,
            "title": competition.title,
            "kaggle": competition.kaggle,
            "metric": competition.metric.name,
            "data": str(workspace.data(name)) if workspace.has_data(name) else None,
        }
        for name, competition in registry.competitions().items()
    ]
    if json:
        print_json({"competitions": rows})
        return
    width = max((len(str(row["name"])) for row in rows), default=0)
    for row in rows:
        data = f"data in data/{row['name']}" if row["data"] else "no data yet, runs on sample data"
        typer.echo(f"{row['name']:<{width}}  {row['title']}  ({row['metric']}; {data})")
