"""Competitions by name.

Plugins are modules of the namespace package `competitions`: those of comp, and those of the folder
`competitions/` in the working folder. Installed packages add plugins through the entry-point group
`comp.competitions`. A module whose name starts with an underscore is not a plugin.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib
import importlib.util
import pkgutil
import re
import sys
from collections.abc import Callable
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from comp.contract.competition import Competition
from comp.contract.renames import hint_for
from comp.errors import CompetitionError

GROUP = "comp.competitions"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
"""A competition's name is an argument on the command line and the name of folders."""


def competitions() -> dict[str, Competition]:
    """Return every competition by its name, sorted.

    Raises:
        CompetitionError: a plugin cannot be imported, has no valid `COMPETITION`, or two plugins
            have the same name.
    """
    known: dict[str, Competition] = {}
    for origin, _, competition in _loaded():
        if not isinstance(competition, Competition):
            raise CompetitionError(
                f"{origin} is not a plugin: COMPETITION must be a comp.contract.competition."
                f"Competition, found {type(competition).__name__}; define COMPETITION, or start "
                "the module's name with _"
            )
        _check_name(origin, competition.name)
        if known.setdefault(competition.name, competition) is not competition:
            raise CompetitionError(
                f"two plugins have the name '{competition.name}', the second is {origin}: "
                "rename one"
            )
    return dict(sorted(known.items()))


def get(name: str) -> Competition:
    """Return the competition of this name.

    Raises:
        CompetitionError: no competition has this name; the message suggests the nearest one.
    """
    known = competitions()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    hint = f"did you mean '{near[0]}'?" if near else "see 'comp list'"
    raise CompetitionError(
        f"unknown competition '{name}': {hint} (known: {', '.join(known)}; plugins come from "
        f"./competitions, a folder in the working folder, and from the entry points {GROUP})"
    )


def source_hash(name: str) -> str:
    """SHA-256 of the Python files of the plugin of a competition; "" if they cannot be found."""
    for _, module, competition in _loaded():
        if getattr(competition, "name", None) == name:
            spec = importlib.util.find_spec(module)
            if spec is None or spec.origin is None:
                return ""
            source = Path(spec.origin)
            package = source.name == "__init__.py"
            files = sorted(source.parent.rglob("*.py")) if package else [source]
            digest = hashlib.sha256()
            for file in files:
                digest.update(file.relative_to(source.parent).as_posix().encode() + b"\0")
                digest.update(file.read_bytes())
            return digest.hexdigest()
    return ""


def _loaded() -> list[tuple[str, str, object]]:
    """(origin for messages, module, value) of every plugin."""
    return [*_from_namespace(), *_from_entry_points()]


def _check_name(origin: str, name: object) -> None:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise CompetitionError(
            f"{origin} has the competition name {name!r:.80}: use lower case letters, digits, "
            "dashes and underscores, at most 64 characters, and start with a letter or a digit"
        )


def _from_namespace() -> list[tuple[str, str, object]]:
    working = str(Path.cwd())
    if (Path(working) / "competitions").is_dir() and not {working, ""} & set(sys.path):
        sys.path.append(working)
    importlib.invalidate_caches()
    namespace = importlib.import_module("competitions")
    if namespace.__file__:
        raise CompetitionError(
            f"{namespace.__file__} hides the other competitions: the folder competitions/ is a "
            "namespace package; remove this file"
        )
    folders = list(dict.fromkeys(str(Path(folder).resolve()) for folder in namespace.__path__))
    names = [m.name for folder in folders for m in pkgutil.iter_modules([folder])]
    for name in sorted({name for name in names if names.count(name) > 1}):
        if len({_source(Path(folder) / name) for folder in folders} - {None}) > 1:
            raise CompetitionError(
                f"competitions/{name} exists in {' and in '.join(folders)}: rename one"
            )
    modules = [f"competitions.{name}" for name in sorted(set(names)) if name[0] != "_"]
    return [(name, name, _load(name, partial(importlib.import_module, name))) for name in modules]


def _source(module: Path) -> bytes | None:
    """The source of a plugin. Two equal copies, such as a clone and an installed package, do not
    conflict."""
    for path in (module / "__init__.py", module.with_name(f"{module.name}.py")):
        if path.is_file():
            return path.read_bytes()
    return None


def _from_entry_points() -> list[tuple[str, str, object]]:
    points = [(f"entry point {p.value}", p) for p in entry_points(group=GROUP)]
    return [(origin, point.module, _load(origin, point.load)) for origin, point in points]


def _load(origin: str, load: Callable[[], object]) -> object:
    """The value `COMPETITION` of a module, or the value itself if it is not a module."""
    try:
        loaded = load()
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise CompetitionError(
            f"{origin} cannot be imported ({reason}): {hint_for(error) or 'correct it or move it'}"
        ) from error
    return getattr(loaded, "COMPETITION", None) if isinstance(loaded, ModuleType) else loaded
