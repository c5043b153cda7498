"""Compares the plugin of a run with the plugin as it is now.

A run records the source and the classes of its plugin. Weights that were trained with one order of
the classes give wrong answers with another, so that is refused; any other change is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from comp.contract import registry
from comp.contract.competition import Competition
from comp.errors import RunError


def plugin_record(competition: Competition) -> dict[str, Any]:
    """What run.json contains about the plugin."""
    task = competition.task
    return {
        "sha256": registry.source_hash(competition.name),
        "task": task.kind,
        "labels": list(task.labels),
        "outputs": task.outputs,
    }


def check_plugin(run_id: str, record: Mapping[str, Any], competition: Competition) -> list[str]:
    """Return what the user should know about the plugin; empty if it did not change.

    Args:
        record: the contents of run.json. Runs of earlier versions have no record of the plugin.

    Raises:
        RunError: the classes or the number of outputs are not those of the run.
    """
    recorded, now = record.get("plugin"), plugin_record(competition)
    if not isinstance(recorded, Mapping):
        return []
    for key in ("task", "outputs", "labels"):
        if key in recorded and recorded[key] != now[key]:
            raise RunError(
                f"the plugin of {competition.name} changed since run {run_id} started: {key} was "
                f"{_shown(recorded[key])}, is {_shown(now[key])}: restore it, or start a new run"
            )
    if recorded.get("sha256") and now["sha256"] and recorded["sha256"] != now["sha256"]:
        return [
            f"the plugin of {competition.name} changed since run {run_id} started: the network was "
            "trained by the earlier program; restore it if samples, rows or the network changed"
        ]
    return []


def _shown(value: object) -> str:
    return ", ".join(map(str, value))[:60] if isinstance(value, list) else str(value)
