"""The names of definitions and libraries in one program, in which none may mean two things."""

from __future__ import annotations

import builtins
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from comp.bundle.assembly.source import Definition, Import
from comp.bundle.assembly.walk import Program


@dataclass(frozen=True)
class Names:
    """`definitions` maps a definition and its own name to the name in the program; `libraries` does
    the same for what imports bind, by target and own name."""

    definitions: dict[tuple[Definition, str], str]
    libraries: dict[tuple[str, str], str]


def choose_names(program: Program, order: Sequence[str]) -> Names:
    """Keep the names that mean one thing, and that of the first function, and put the module's name
    before the others.

    Args:
        order: the modules in the order of the program.
    """
    first = next(definition for definition, above in program.needed_by.items() if above is None)
    libraries = _library_names(program)
    taken = set(libraries.values()) | set(dir(builtins))
    owners: dict[str, list[Definition]] = defaultdict(list)
    for definition in sorted(program.needed_by, key=lambda d: (order.index(d.module), d.names[0])):
        for name in definition.names:
            owners[name].append(definition)
    shadowed = _shadowed(program)
    names: dict[tuple[Definition, str], str] = {}
    for name, several in owners.items():
        clear = len(several) == 1 and name not in taken and (several[0], name) not in shadowed
        if clear:
            names[several[0], name] = name
        elif first in several:
            names[first, name] = name
    taken |= set(names.values())
    for name, several in owners.items():
        for definition in several:
            if (definition, name) not in names:
                hidden = shadowed.get((definition, name), set())
                names[definition, name] = _prefixed(definition.module, name, taken | hidden)
                taken.add(names[definition, name])
    return Names(names, libraries)


def _prefixed(module: str, name: str, taken: set[str]) -> str:
    """The name with as many parts of its module's name as make it new."""
    parts = module.split(".")
    for count in range(1, len(parts) + 1):
        candidate = _joined("_".join(parts[-count:]), name)
        if candidate not in taken:
            return candidate
    return f"{candidate}_{sum(other.startswith(candidate) for other in taken)}"


def _joined(prefix: str, name: str) -> str:
    """The prefix in the style of the name: _read_x, READ_X, ReadX."""
    dash, bare = ("_", name[1:]) if name.startswith("_") else ("", name)
    if bare.isupper():
        return f"{dash}{prefix.upper()}_{bare}"
    if bare[:1].isupper():
        return f"{dash}{''.join(part.capitalize() for part in prefix.split('_'))}{bare}"
    return f"{dash}{prefix}_{bare}"


def _shadowed(program: Program) -> dict[tuple[Definition, str], set[str]]:
    """Definitions that functions use under another name, or import, while a local variable has
    their own name; with the names of these functions."""
    found: dict[tuple[Definition, str], set[str]] = {}
    for uses in program.uses.values():
        for use, meaning in uses:
            if meaning.definition is None:
                continue
            if meaning.name in use.local:
                found.setdefault((meaning.definition, meaning.name), set()).update(use.local)
    return found


def _library_names(program: Program) -> dict[tuple[str, str], str]:
    """A name for each thing of a library; the first of two with the same name keeps it."""
    wanted = {(i.target, i.bound) for i in library_imports(program)}
    names: dict[tuple[str, str], str] = {}
    for target, bound in sorted(wanted, key=lambda pair: (pair[1], pair[0])):
        taken = set(names.values())
        names[target, bound] = (
            bound if bound not in taken else _prefixed(target.rpartition(".")[0], bound, taken)
        )
    return names


def library_imports(program: Program) -> set[Import]:
    """The imports of libraries that definitions use at their top, and those of annotations whose
    names have no other meaning."""
    used = {i for uses in program.uses.values() for _, found in uses for i in found.library}
    bound = {i.bound for i in used} | {n for d in program.needed_by for n in d.names}
    types: dict[str, set[tuple[Import, ...]]] = defaultdict(set)
    for imports in (group for groups in program.types.values() for group in groups):
        types[imports[0].bound].add(imports)
    for name, groups in types.items():
        if name not in bound and len({group[0].target for group in groups}) == 1:
            used.update(i for group in groups for i in group)
    return used
