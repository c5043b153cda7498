"""Competitions by name.

Plugins are modules of the namespace package `competitions`: those of comp, and those of the folder
`competitions/` in the working folder. Installed packages add plugins through the entry-point group
`comp.competitions`. A module whose name starts with an underscore is not a plugin.
"""

from __future__ import annotations

import difflib
import importlib.util
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from comp.contract.competition import Competition
from comp.contract.plugin_source import source_hash_of
from comp.contract.plugins import GROUP, BrokenPlugin, load_plugins
from comp.errors import CompetitionError


def competitions() -> dict[str, Competition]:
    """Return the competition of every plugin that works by its name, sorted.

    Raises:
        CompetitionError: an __init__.py in competitions/ hides the plugins of comp.
    """
    plugins, _ = load_plugins()
    known = {plugin.competition.name: plugin.competition for plugin in plugins}
    return dict(sorted(known.items()))


def broken_plugins() -> Sequence[BrokenPlugin]:
    """Return the plugins that cannot be imported, have no valid `COMPETITION`, or share a name."""
    return load_plugins()[1]


def get(name: str) -> Competition:
    """Return the competition of this name.

    Raises:
        CompetitionError: no competition has this name; the message suggests the nearest one. Or
            its plugin is broken; the message has the file, the line and the reason.
    """
    known = competitions()
    if name in known:
        _hash_of(id(known[name]), name)
        return known[name]
    broken = broken_plugins()
    for plugin in broken:
        if name in plugin.names:
            raise CompetitionError(plugin.message)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    hint = f"did you mean '{near[0]}'?" if near else "see 'comp list'"
    more = f"; {len(broken)} broken: see 'comp list'" if broken else ""
    raise CompetitionError(
        f"unknown competition '{name}': {hint} (known: {', '.join(known)}{more}; plugins come from "
        f"./competitions, a folder in the working folder, and from the entry points {GROUP})"
    )


def source_hash(name: str) -> str:
    """SHA-256 of the Python files of the plugin of a competition, and of the modules beside it that
    it imports; "" if they cannot be found."""
    for plugin in load_plugins()[0]:
        if plugin.competition.name == name:
            spec = importlib.util.find_spec(plugin.module)
            if spec is None or spec.origin is None:
                return ""
            return source_hash_of(plugin.module, Path(spec.origin))
    return ""


def loaded_hash(name: str) -> str:
    """`source_hash` at the moment when this process took the competition for the first time. The
    files may have changed since, and Python keeps the modules that it has imported."""
    return _hash_of(id(get(name)), name)


@cache
def _hash_of(_loaded: int, name: str) -> str:
    return source_hash(name)
