"""Compares the plugin of a run with the plugin as it is now.

A run records the source and the task of its plugin. Weights that were trained for other classes, or
for numbers in another scale, give wrong answers, so that is refused; any other change is told.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from comp.contract import registry
from comp.contract.competition import Competition
from comp.contract.task import Task
from comp.errors import RunError


def plugin_record(competition: Competition) -> dict[str, Any]:
    """What run.json contains about the plugin, in values of JSON."""
    task = competition.task
    values = {
        "sha256": registry.source_hash(competition.name),
        "task": task.kind,
        "labels": task.labels,
        "outputs": task.outputs,
        "output": task.output,
        "options": dict(task.options),
        "outputs of the network": _head_outputs(task),
        "activation": _own_function(task.activation),
        "decision": task.decision.names if task.decision else (),
        "pool": competition.pool,
    }
    return dict(json.loads(json.dumps(values, default=str)))


def check_plugin(run_id: str, record: Mapping[str, Any], competition: Competition) -> list[str]:
    """Return what the user should know about the plugin; empty if it did not change.

    Args:
        record: the contents of run.json. Runs of earlier versions have no record of the plugin, or
            one with fewer keys.

    Raises:
        RunError: the outputs of the network have another meaning than in the run.
    """
    recorded, now = record.get("plugin"), plugin_record(competition)
    if not isinstance(recorded, Mapping):
        return []
    for key, before, after in _differences(recorded, now):
        raise RunError(
            f"the plugin of {competition.name} changed since run {run_id} started: {key} was "
            f"{_shown(before)}, is {_shown(after)}: restore it, or start a new run"
        )
    if recorded.get("sha256") and now["sha256"] and recorded["sha256"] != now["sha256"]:
        return [
            f"the plugin of {competition.name} changed since run {run_id} started: the network was "
            "trained by the earlier program; restore it if samples, rows or the network changed"
        ]
    return []


def _differences(
    recorded: Mapping[str, Any], now: Mapping[str, Any]
) -> Iterator[tuple[str, Any, Any]]:
    """(name, value of the run, value now) of what gives the outputs another meaning."""
    for key in now:
        if key in ("sha256", "options") or key not in recorded:
            continue
        if recorded[key] != now[key]:
            yield key, recorded[key], now[key]
    before, after = recorded.get("options"), now["options"]
    if isinstance(before, Mapping):
        for key in sorted({*before, *after}):
            if before.get(key) != after.get(key):
                yield key, before.get(key), after.get(key)


def _head_outputs(task: Task) -> int:
    return task.head_outputs(task.losses[0]) if task.head_outputs else task.outputs


def _own_function(function: Callable[..., Any] | None) -> str:
    """The name and the hash of a function of the plugin itself; "" for one of comp, or None.

    Comments and the layout of the code do not matter.
    """
    if isinstance(function, partial):
        arguments = f"{function.args} {sorted(function.keywords.items())}"
        own = _own_function(function.func)
        return f"{own} {arguments}" if own else ""
    module = getattr(function, "__module__", None) or ""
    if function is None or module.split(".")[0] == "comp":
        return ""
    name = getattr(function, "__qualname__", type(function).__name__)
    try:
        source = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        return name
    with suppress(SyntaxError):  # a lambda in the middle of a statement
        source = ast.unparse(ast.parse(source))
    return f"{name} {hashlib.sha256(source.encode()).hexdigest()[:8]}"


def _shown(value: object) -> str:
    return ", ".join(map(str, value))[:60] or "none" if isinstance(value, list) else str(value)
