"""The Python files of a plugin: its own, and the modules beside it that it imports."""

from __future__ import annotations

import ast
import hashlib
import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path


def source_files(module: str, source: Path) -> list[Path]:
    """The files of a plugin: its module or all of its package, then what they import beside it.

    A module is beside the plugin if it is in the same folder, or in a package there. Its imports
    are followed too.

    Args:
        module: the name of the plugin's module, such as "competitions.ferns".
        source: the file of this module.
    """
    package = source.name == "__init__.py"
    folder = source.parent.parent if package else source.parent
    files = sorted(source.parent.rglob("*.py")) if package else [source]
    known = dict.fromkeys(file for file in files if not _hidden(file, folder))
    parent = module.rpartition(".")[0]
    if not parent:  # no package holds it: what is beside it are other programs
        return list(known)
    new = list(known)
    while new:
        found = {path for file in new for path in _imported(file, folder, parent)}
        new = sorted(found - known.keys())
        known |= dict.fromkeys(new)
    return list(known)


def source_hash_of(module: str, source: Path) -> str:
    """SHA-256 of the names and the bytes of the files of a plugin."""
    digest = hashlib.sha256()
    for file in source_files(module, source):
        name = Path(os.path.relpath(file, source.parent)).as_posix()
        digest.update(name.encode() + b"\0")
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _hidden(file: Path, folder: Path) -> bool:
    """Whether a file is a copy or a lock that an editor made."""
    return any(part.startswith(".") for part in file.relative_to(folder).parts)


def _imported(file: Path, folder: Path, parent: str) -> Iterator[Path]:
    """The files in `folder`, the folder of the package `parent`, that a file imports."""
    package = (parent, *file.parent.relative_to(folder).parts)
    for name in _all_imported_names(file.read_bytes(), ".".join(package)):
        if name.startswith(f"{parent}."):
            yield from _files_of(folder, name.removeprefix(f"{parent}.").split("."))


@lru_cache(maxsize=256)
def _all_imported_names(source: bytes, package: str) -> tuple[str, ...]:
    """The full names that the imports of a module may load; none if its source is damaged.

    Args:
        package: the name of the package that contains the module.
    """
    try:
        nodes = ast.walk(ast.parse(source))
    except (SyntaxError, ValueError):
        return ()
    parts = package.split(".")
    return tuple(dict.fromkeys(name for node in nodes for name in _imported_names(node, parts)))


def _imported_names(node: ast.AST, package: list[str]) -> Iterator[str]:
    """The full names that an import may load: modules, and what is taken from them.

    Args:
        package: the parts of the name of the package that contains the import.
    """
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = package[: len(package) - node.level + 1] if node.level else []
        name = ".".join([*base, *([node.module] if node.module else [])])
        yield name
        yield from (f"{name}.{alias.name}" for alias in node.names)


def _files_of(folder: Path, parts: list[str]) -> Iterator[Path]:
    """The files that Python loads for a module: those of its packages and its own."""
    for count in range(1, len(parts) + 1):
        path = folder.joinpath(*parts[:count])
        candidates = (path / "__init__.py", path.with_name(f"{path.name}.py"))
        yield from (file for file in candidates if file.is_file())
