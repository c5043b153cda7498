"""Hints for the author of a plugin: names that have changed, and names that are nearly right."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import fields

from comp.contract.competition import Competition

MODULES = {
    "comp.classification": "comp.tasks.classification",
    "comp.competition": "comp.contract.competition",
    "comp.contract.metrics.Metric": "comp.contract.metric",
    "comp.config": "comp.config.schema",
    "comp.data.images": "comp.data.images.decode",
    "comp.data.table": "comp.tasks.table",
    "comp.metrics": "comp.contract.metrics",
    "comp.registry": "comp.contract.registry",
    "comp.sections": "comp.config.sections",
}
"""Old path of a module -> its path today. `comp.config` and `comp.data.images` are packages now."""

FIELDS = {
    "activation": "task",
    "answers": "test_labels",
    "classes": "task",
    "dense": "task",
    "make_sample": "draw_synthetic",
    "outputs": "task",
    "sample_defaults": "synthetic_defaults",
    "shape": "image_spec",
}
"""Old name of a field of the contract -> its name today."""

_FROM = re.compile(r"cannot import name '(\w+)'")
_ARGUMENT = re.compile(r"Competition\.__init__\(\) got an unexpected keyword argument '(\w+)'")


def hint_for(error: BaseException) -> str:
    """What to do about an error in the import of a plugin, "" if only the error itself tells."""
    if isinstance(error, ImportError) and error.name:
        imported = _FROM.search(str(error))
        paths = [error.name, *([f"{error.name}.{imported[1]}"] if imported else [])]
        moved = next((path for path in reversed(paths) if path in MODULES), "")
        return f"import it from {MODULES[moved]}" if moved else ""
    argument = _ARGUMENT.search(str(error)) if isinstance(error, TypeError) else None
    return suggest_field(argument[1], []) if argument else ""


def suggest_field(name: str, arguments: Iterable[str]) -> str:
    """Advice for an unknown field or argument: its new name, or the one most like it.

    `arguments` are valid names beside the fields of `Competition`.
    """
    known = [*arguments, *(field.name for field in fields(Competition))]
    near = [FIELDS[name]] if name in FIELDS else difflib.get_close_matches(name, known, n=1)
    return f"did you mean '{near[0]}'?" if near else "see comp.contract.competition.Competition"
