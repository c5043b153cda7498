"""The order of the modules of a program: what a definition needs when it is read comes first."""

from __future__ import annotations

from collections.abc import Mapping

from comp.bundle.assembly.source import Definition
from comp.bundle.assembly.walk import Program
from comp.errors import CompetitionError


def module_order(program: Program, places: Mapping[str, tuple[int, int]]) -> list[str]:
    """The modules by their places, and at the same place from the details to the whole; each after
    those that it uses at its top.

    Args:
        places: the number of the chapter of each module, and its place in it.

    Raises:
        CompetitionError: no order has all that is needed in time.
    """
    order: list[str] = []
    used = _used_modules(program)
    for name in sorted(used, key=lambda name: (places[name], -_depth(program, name), name)):
        _visit(name, used, order, [])
    _check(program, order)
    return order


def _used_modules(program: Program) -> dict[str, list[str]]:
    """Module -> the modules whose definitions its own need when they are read, sorted."""
    used: dict[str, set[str]] = {definition.module: set() for definition in program.needed_by}
    for definition in program.needed_by:
        for needed in _eager(program, definition):
            if needed.module != definition.module:
                used[definition.module].add(needed.module)
    return {name: sorted(needed) for name, needed in used.items()}


def _visit(name: str, used: dict[str, list[str]], order: list[str], path: list[str]) -> None:
    if name in order or name in path:
        return
    for needed in used[name]:
        _visit(needed, used, order, [*path, name])
    order.append(name)


def _depth(program: Program, name: str) -> int:
    """How far a module is from the start of the program."""
    depths = []
    for definition in program.needed_by:
        if definition.module == name:
            depth = 0
            above = program.needed_by[definition]
            while above:
                depth, above = depth + 1, program.needed_by[above]
            depths.append(depth)
    return min(depths)


def _eager(program: Program, definition: Definition) -> list[Definition]:
    """What Python needs when it reads a definition: also what the functions use that it calls."""
    needed: dict[Definition, None] = {}
    waiting = [
        found.definition
        for use, found in program.uses[definition]
        if use.eager and found.definition and found.definition is not definition
    ]
    waiting += program.more[definition]
    while waiting:
        other = waiting.pop(0)
        if other not in needed and other is not definition:
            needed[other] = None
            waiting += [found.definition for _, found in program.uses[other] if found.definition]
    return list(needed)


def _check(program: Program, order: list[str]) -> None:
    place = {
        definition: (order.index(definition.module), _last_line(definition))
        for definition in program.needed_by
    }
    for definition in program.needed_by:
        direct = [f.definition for u, f in program.uses[definition] if u.eager and f.definition]
        for needed in direct:
            if needed is not definition and place[needed] > place[definition]:
                raise CompetitionError(
                    f"{definition.title} needs {needed.title} when it is defined, which comes later"
                )


def _last_line(definition: Definition) -> int:
    return max(statement.lineno for statement in definition.statements)
