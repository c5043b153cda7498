"""Competitions by name.

Plugins are found in the namespace package `competitions` (the ones that come with comp, and those
in a folder `competitions/` of the working directory) and through the entry-point group
`comp.competitions`. A name that begins with an underscore is no plugin.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import sys
from collections.abc import Callable
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from comp.contract.competition import Competition
from comp.errors import CompetitionError

GROUP = "comp.competitions"


def competitions() -> dict[str, Competition]:
    """Return every competition by its name, sorted.

    Raises:
        CompetitionError: when two plugins share a name, or a plugin has no `COMPETITION`.
    """
    found: dict[str, Competition] = {}
    for origin, competition in [*_from_namespace(), *_from_entry_points()]:
        if not isinstance(competition, Competition):
            raise CompetitionError(
                f"{origin} is no plugin: it has no value COMPETITION of type comp.Competition, "
                f"found {type(competition).__name__}; give it one, or a name with a leading _"
            )
        known = found.setdefault(competition.name, competition)
        if known is not competition:
            raise CompetitionError(
                f"two plugins are named '{competition.name}', the second is {origin}: rename one"
            )
    return dict(sorted(found.items()))


def get(name: str) -> Competition:
    """Return the competition of this name.

    Raises:
        CompetitionError: when there is none, with the nearest name.
    """
    known = competitions()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    hint = f"did you mean '{near[0]}'?" if near else "see 'comp list'"
    raise CompetitionError(f"unknown competition '{name}': {hint} (known: {', '.join(known)})")


def _from_namespace() -> list[tuple[str, object]]:
    here = str(Path.cwd())
    if (Path(here) / "competitions").is_dir() and not {here, ""} & set(sys.path):
        sys.path.append(here)
    importlib.invalidate_caches()
    namespace = importlib.import_module("competitions")
    if namespace.__file__:
        raise CompetitionError(
            f"{namespace.__file__} hides the other competitions: remove it, the folder "
            "competitions/ is a namespace package"
        )
    folders = list(dict.fromkeys(str(Path(place).resolve()) for place in namespace.__path__))
    names = [m.name for folder in folders for m in pkgutil.iter_modules([folder])]
    for name in sorted({name for name in names if names.count(name) > 1}):
        if len({_source(Path(folder) / name) for folder in folders} - {None}) > 1:
            raise CompetitionError(
                f"competitions/{name} stands in {' and in '.join(folders)}: rename one"
            )
    modules = [f"competitions.{name}" for name in sorted(set(names)) if name[0] != "_"]
    return [(name, _plugin(name, partial(importlib.import_module, name))) for name in modules]


def _source(place: Path) -> bytes | None:
    """The source of a plugin; two copies of one plugin, as in a clone, are no conflict."""
    for path in (place / "__init__.py", place.with_name(f"{place.name}.py")):
        if path.is_file():
            return path.read_bytes()
    return None


def _from_entry_points() -> list[tuple[str, object]]:
    points = entry_points(group=GROUP)
    return [(f"entry point {p.value}", _plugin(f"entry point {p.value}", p.load)) for p in points]


def _plugin(origin: str, load: Callable[[], object]) -> object:
    """The competition that a plugin names, or the value itself where it is no module."""
    try:
        loaded = load()
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise CompetitionError(
            f"{origin} cannot be imported ({reason}): mend or move it"
        ) from error
    return getattr(loaded, "COMPETITION", None) if isinstance(loaded, ModuleType) else loaded
