"""`comp list`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from comp.cli.options import Json, print_json
from comp.errors import DataError
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.contract.plugins import BrokenPlugin


def list_competitions(json: Json = False) -> None:
    """List the competitions and the state of their data.

    Plugins that cannot be used follow, one line each with the reason.
    """
    from comp.contract import registry

    workspace = Workspace.at(Path.cwd())
    rows, states = [], []
    for name, competition in registry.competitions().items():
        exists, state = _data_state(workspace, name)
        states.append(state)
        rows.append(
            {
                "name": name,
                "title": competition.title,
                "kaggle": competition.kaggle,
                "metric": competition.metric.name,
                "data": str(workspace.data(name)) if exists else None,
            }
        )
    broken = registry.broken_plugins()
    if json:
        print_json({"competitions": rows, "broken": [_broken_row(plugin) for plugin in broken]})
        return
    width = max((len(str(row["name"])) for row in rows), default=0)
    for row, state in zip(rows, states, strict=True):
        typer.echo(f"{row['name']:<{width}}  {row['title']}  ({row['metric']}; {state})")
    for plugin in broken:
        typer.echo(f"broken: {plugin.message}")


def _data_state(workspace: Workspace, name: str) -> tuple[bool, str]:
    """Whether the data of a competition exists, and its state as a phrase."""
    try:
        exists = workspace.has_data(name)
    except DataError:
        return False, f"data/{name} cannot be read"
    return exists, f"data in data/{name}" if exists else "no data yet: runs use synthetic data"


def _broken_row(plugin: BrokenPlugin) -> dict[str, Any]:
    return {
        "file": plugin.origin,
        "line": plugin.line,
        "reason": plugin.reason,
        "advice": plugin.advice,
    }
