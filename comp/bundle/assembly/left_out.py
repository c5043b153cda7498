"""Leaves out the entries of registries that a program does not need.

A registry is a constant whose value is a dict from texts to functions: kind -> what does it. The
functions of the entries that are left out are not followed, so they are not in the program.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping, Sequence

from comp.bundle.assembly.source import Definition, Module
from comp.errors import CompetitionError

Kinds = Mapping[str, Collection[str]]
"""Full name of a registry -> the keys of the entries that stay. All of others stay."""


def leave_out(module: Module, kinds: Kinds) -> None:
    """Take the entries that are not needed out of the syntax tree of a module, and note where they
    stand in its source.

    Raises:
        CompetitionError: a name is not a registry, or does not have a kind that is needed.
    """
    for name, kept in kinds.items():
        owner, _, constant = name.rpartition(".")
        if owner == module.name:
            _shorten(name, module.definitions.get(constant), kept, module.lines)


def _shorten(
    name: str, definition: Definition | None, kept: Collection[str], lines: Sequence[str]
) -> None:
    registry = _registry(definition)
    if definition is None or registry is None:
        raise CompetitionError(f"{name} is not a dict from texts to functions")
    pairs = list(zip(registry.keys, registry.values, strict=True))
    known = {key.value: (key, value) for key, value in pairs if isinstance(key, ast.Constant)}
    missing = sorted(set(kept) - set(known))
    if missing or len(known) < len(pairs):
        raise CompetitionError(f"{name} does not have {', '.join(missing) or 'texts as keys'}")
    if not kept:
        start = registry.lineno, registry.col_offset
        end = registry.end_lineno or registry.lineno, registry.end_col_offset or 0
        definition.left_out.append((start, end, "{}"))
    for kind, (key, value) in known.items() if kept else ():
        if kind not in kept:
            definition.left_out.append(_whole_lines(name, key, value, lines))
    registry.keys = [key for kind, (key, _) in known.items() if kind in kept]
    registry.values = [value for kind, (_, value) in known.items() if kind in kept]


def _registry(definition: Definition | None) -> ast.Dict | None:
    """The dict that is the value of a constant."""
    for statement in definition.statements if definition else ():
        if isinstance(statement, (ast.Assign, ast.AnnAssign)):
            return statement.value if isinstance(statement.value, ast.Dict) else None
    return None


def _whole_lines(
    name: str, key: ast.expr, value: ast.expr, lines: Sequence[str]
) -> tuple[tuple[int, int], tuple[int, int], str]:
    """The place of an entry.

    Raises:
        CompetitionError: another entry is on its lines.
    """
    first, last = key.lineno, value.end_lineno or value.lineno
    before = lines[first - 1].encode()[: key.col_offset].strip()
    after = lines[last - 1].encode()[value.end_col_offset or 0 :].partition(b"#")[0].strip()
    if before or after != b",":
        raise CompetitionError(f"{name}, line {first}: write each entry on lines of its own")
    return (first, 0), (last, len(lines[last - 1].encode())), ""
