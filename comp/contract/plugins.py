"""Loads the plugins, so that a broken one does not stop the others."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import re
import sys
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.metadata import EntryPoints, entry_points
from pathlib import Path
from types import ModuleType

from comp.contract.competition import Competition
from comp.contract.renames import hint_for
from comp.errors import CompError, CompetitionError

GROUP = "comp.competitions"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
"""A competition's name is an argument on the command line and the name of folders."""


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """A plugin that works; `origin` is its file or entry point, for messages."""

    origin: str
    module: str
    competition: Competition


@dataclass(frozen=True, kw_only=True)
class BrokenPlugin:
    """A plugin that cannot be used.

    `line` is the line of the fault, None if no line has it. `names` are the competitions that the
    plugin may be for: the name that two plugins share, or the names in its source.
    """

    origin: str
    reason: str
    advice: str
    line: int | None = None
    names: tuple[str, ...] = ()

    @property
    def message(self) -> str:
        """The fault and the remedy in one line."""
        line = f", line {self.line}" if self.line else ""
        return f"{self.origin}{line}: {self.reason}: {self.advice}"


def load_plugins() -> tuple[list[Plugin], list[BrokenPlugin]]:
    """Import every plugin: those that work, and the others.

    Raises:
        CompetitionError: an __init__.py in competitions/ hides the plugins of comp.
    """
    results = [*_from_namespace(), *_from_entry_points()]
    broken = [result for result in results if isinstance(result, BrokenPlugin)]
    by_name: dict[str, list[Plugin]] = defaultdict(list)
    for result in results:
        if isinstance(result, Plugin):
            by_name[result.competition.name].append(result)
    plugins = []
    for name, same in by_name.items():
        if all(plugin.competition is same[0].competition for plugin in same):
            plugins.append(same[0])
        else:
            reason = f"also has the name '{name}', as {same[0].origin} has"
            broken += [
                BrokenPlugin(
                    origin=plugin.origin, reason=reason, advice="rename one", names=(name,)
                )
                for plugin in same[1:]
            ]
    return plugins, broken


def _from_namespace() -> Iterator[Plugin | BrokenPlugin]:
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
    folders = list(dict.fromkeys(Path(folder).resolve() for folder in namespace.__path__))
    modules = {m.name for folder in folders for m in pkgutil.iter_modules([str(folder)])}
    for name in sorted(name for name in modules if name[0] != "_"):
        files = [file for folder in folders if (file := _source(folder / name))]
        if len({file.read_bytes() for file in files}) > 1:
            yield _same_file(name, files)
        else:
            origin = _shown(files[0]) if files else f"competitions.{name}"
            yield _load(
                origin,
                f"competitions.{name}",
                partial(importlib.import_module, f"competitions.{name}"),
                files[0] if files else None,
            )


def _source(module: Path) -> Path | None:
    """The source of a plugin. Two equal copies, such as a clone and an installed package, do not
    conflict."""
    files = (module / "__init__.py", module.with_name(f"{module.name}.py"))
    return next((file for file in files if file.is_file()), None)


def _same_file(name: str, files: list[Path]) -> BrokenPlugin:
    reason = f"competitions/{name} exists in {' and in '.join(str(f.parent) for f in files)}"
    names = dict.fromkeys(found for file in files for found in _names_in(file))
    return BrokenPlugin(
        origin=_shown(files[-1]), reason=reason, advice="rename one", names=tuple(names)
    )


def _from_entry_points() -> Iterator[Plugin | BrokenPlugin]:
    folders = [Path(folder).absolute() for folder in sys.path]
    for point in _entry_points(tuple((folder, _changed(folder)) for folder in folders)):
        yield _load(f"entry point {point.value}", point.module, point.load, None)


@lru_cache(maxsize=1)
def _entry_points(_folders: tuple[tuple[Path, int], ...]) -> EntryPoints:
    """Those of the installed packages, read again if a folder of `sys.path` has changed."""
    return entry_points(group=GROUP)


def _changed(folder: Path) -> int:
    """When a file was last added or removed, in nanoseconds; 0 if it cannot be read."""
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0


def _load(
    origin: str, module: str, load: Callable[[], object], file: Path | None
) -> Plugin | BrokenPlugin:
    """The plugin of a module, or of the value itself if it is not a module."""
    names = tuple(_names_in(file))
    try:
        loaded = load()
    except (Exception, SystemExit) as error:
        kind = "" if isinstance(error, CompError) else f"{type(error).__name__}: "
        text = error.msg if isinstance(error, SyntaxError) else error
        return BrokenPlugin(
            origin=origin,
            line=_line_of(error, file),
            reason=f"cannot be imported ({' '.join(f'{kind}{text}'.split())})",
            advice=hint_for(error) or "correct it or move it",
            names=names,
        )
    value = getattr(loaded, "COMPETITION", None) if isinstance(loaded, ModuleType) else loaded
    if not isinstance(value, Competition):
        reason = (
            "is not a plugin (COMPETITION must be a comp.contract.competition.Competition, found "
            f"{type(value).__name__})"
        )
        advice = "define COMPETITION, or start the module's name with _"
        return BrokenPlugin(origin=origin, reason=reason, advice=advice, names=names)
    if not isinstance(value.name, str) or not NAME.fullmatch(value.name):
        return BrokenPlugin(
            origin=origin,
            reason=f"has the competition name {value.name!r:.80}",
            advice="use lower case letters, digits, dashes and underscores, at most 64 "
            "characters, and start with a letter or a digit",
            names=(str(value.name),),
        )
    return Plugin(origin=origin, module=module, competition=value)


def _line_of(error: BaseException, file: Path | None) -> int | None:
    """The last line of the plugin's own file that an error came through, counted from 1."""
    if file is None:
        return None
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if _is(frame.filename, file)]
    if isinstance(error, SyntaxError) and _is(error.filename or "", file):
        lines.append(error.lineno)
    return lines[-1] if lines else None


def _is(filename: str, file: Path) -> bool:
    return Path(filename).resolve() == file.resolve()


def _names_in(file: Path | None) -> Iterator[str]:
    """The names of competitions that a plugin's source may define, also if its syntax is wrong."""
    if file is None:
        return
    package = file.name == "__init__.py"
    yield (file.parent.name if package else file.stem).replace("_", "-")
    yield file.parent.name if package else file.stem
    source = file.read_text(encoding="utf-8", errors="replace")
    yield from re.findall(r"^\s*name\s*=\s*[\"']([^\"']+)[\"']", source, re.MULTILINE)


def _shown(file: Path) -> str:
    """A path relative to the working folder, if it is inside."""
    working = Path.cwd().resolve()
    return (file.relative_to(working) if file.is_relative_to(working) else file).as_posix()
