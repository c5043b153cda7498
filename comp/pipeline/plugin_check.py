"""Compares the plugin of a run with the plugin as it is now.

A run records the source and the task of its plugin. Weights that were trained for other classes, or
for numbers in another scale, give wrong answers, so that is refused; any other change is told.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from comp.contract import registry
from comp.contract.competition import Competition
from comp.contract.task import Task
from comp.errors import RunError
from comp.pipeline.plugin_values import activation_text, as_json, code_hash

ADDRESS = " at 0x"
"""In the records of an earlier version; it differs between processes, so nothing is known."""


def plugin_record(competition: Competition) -> dict[str, Any]:
    """What run.json contains about the plugin, in values of JSON."""
    task = competition.task
    options, activation = dict(task.options), activation_text(task.activation)
    return dict(json.loads(json.dumps(as_json(_values(competition, options, activation)))))


def _earlier_record(competition: Competition) -> dict[str, Any]:
    """The record as an earlier version wrote it, for the runs that have one."""
    task = competition.task
    values = _values(competition, dict(task.options), _earlier_text(task.activation))
    try:
        return dict(json.loads(json.dumps(values, default=str)))
    except TypeError:  # it could not write such options
        return {}


def _values(
    competition: Competition, options: Mapping[str, Any], activation: str
) -> dict[str, Any]:
    task = competition.task
    return {
        "sha256": registry.source_hash(competition.name),
        "task": task.kind,
        "labels": task.labels,
        "outputs": task.outputs,
        "output": task.output,
        "options": options,
        "outputs of the network": _head_outputs(task),
        "activation": activation,
        "decision": task.decision.names if task.decision else (),
        "pool": competition.pool,
    }


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
    for path, before, after in _differences(recorded, now):
        if ADDRESS in str(before) or _same(before, _at(_earlier_record(competition), path)):
            continue
        raise RunError(
            f"the plugin of {competition.name} changed since run {run_id} started: {path[-1]} was "
            f"{_shown(before, after)}, is {_shown(after, before)}: restore it, or start a new run"
        )
    if recorded.get("sha256") and now["sha256"] and recorded["sha256"] != now["sha256"]:
        return [
            f"the plugin of {competition.name} changed since run {run_id} started: the network was "
            "trained by the earlier program; restore it if samples, rows or the network changed"
        ]
    return []


def _differences(
    recorded: Mapping[str, Any], now: Mapping[str, Any]
) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """(keys, value of the run, value now) of what gives the outputs another meaning."""
    paths = [(key,) for key in now if key not in ("sha256", "options") and key in recorded]
    before = recorded.get("options")
    options = sorted({*before, *now["options"]}) if isinstance(before, Mapping) else ()
    for path in (*paths, *(("options", key) for key in options)):
        if not _same(_at(recorded, path), _at(now, path)):
            yield path, _at(recorded, path), _at(now, path)


def _at(record: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """The value at nested keys; None if there is none."""
    value: Any = record
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _same(before: Any, after: Any) -> bool:
    """Whether two values of JSON are equal; NaN is equal to itself."""
    texts = [json.dumps(value, sort_keys=True) for value in (before, after)]
    return bool(before == after) or texts[0] == texts[1]


def _head_outputs(task: Task) -> int:
    return task.head_outputs(task.losses[0]) if task.head_outputs else task.outputs


def _earlier_text(function: Callable[..., Any] | None) -> str:
    """The activation as an earlier version described it."""
    if isinstance(function, partial):
        arguments = f"{function.args} {sorted(function.keywords.items())}"
        own = _earlier_text(function.func)
        return f"{own} {arguments}" if own else ""
    module = getattr(function, "__module__", None) or ""
    if function is None or module.split(".")[0] == "comp":
        return ""
    name = getattr(function, "__qualname__", type(function).__name__)
    return f"{name}{code_hash(function)}"


def _shown(value: object, other: object) -> str:
    """A value for a message; of long ones the part where they begin to differ."""
    if isinstance(value, list):
        return ", ".join(map(str, value))[:60] or "none"
    text = str(value)
    if len(text) <= 60:
        return text
    pairs = enumerate(zip(text, str(other), strict=False))
    start = max(0, next((at for at, (mine, its) in pairs if mine != its), 0) - 20)
    return f"{'...' if start else ''}{text[start : start + 60]}"
