"""From raw outputs to decisions: the activation and the decision of a task as plain data."""

from __future__ import annotations

from functools import partial
from typing import Any

from comp.bundle.parts.activate import ACTIVATIONS
from comp.bundle.parts.decide import DECISIONS
from comp.bundle.refusal import refuse
from comp.contract.task import Params, Task, unchanged


def describe_activation(task: Task) -> dict[str, Any]:
    """The section `activation`, as `make_activation` reads it.

    Raises:
        RunError: the task has an activation of its own.
    """
    if task.activation is None or task.activation is unchanged:
        return {"kind": "none", "arguments": {}}
    kind, arguments = _known(task.activation, ACTIVATIONS)
    if kind is None:
        refuse(f"the activation of {task.kind} is one of the plugin")
    return {"kind": kind, "arguments": arguments}


def describe_decision(task: Task, params: Params | None) -> dict[str, Any]:
    """The section `decision`, as `comp.bundle.parts.decide.decide` reads it.

    Args:
        params: the parameters that the run fitted; None: the default ones.

    Raises:
        RunError: the task has a decision of its own.
    """
    decision = task.decision
    section: dict[str, Any] = {"kind": "none", "arguments": {}, "params": []}
    if decision:
        kind, arguments = _known(decision.apply, DECISIONS)
        if kind is None:
            refuse(f"the decision of {task.kind} is one of the plugin")
        used = decision.default if params is None else params
        section = {"kind": kind, "arguments": arguments, "params": list(map(float, used))}
    return section | {"names": list(decision.names) if decision else [], "labels": [*task.labels]}


def _known(function: Any, known: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """The kind of a function, or of a partial of it with keywords, and these keywords."""
    keywords: dict[str, Any] = {}
    if isinstance(function, partial) and not function.args:
        function, keywords = function.func, dict(function.keywords)
    kind = next((kind for kind, each in known.items() if each is function), None)
    return kind, {name: _plain(value) for name, value in keywords.items()}


def _plain(value: Any) -> Any:
    return [*map(float, value)] if isinstance(value, tuple) else value
