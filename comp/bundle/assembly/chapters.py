"""The chapters of a program: its modules in groups, in the order in which it works."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill

from comp.bundle.assembly.names import Names
from comp.bundle.assembly.source import Definition
from comp.bundle.assembly.walk import Program

_WIDTH = 98
_SHOWN = 5


@dataclass(frozen=True)
class Chapter:
    """Some modules of a program, in order; the modules that only they need stand before them. A
    chapter without modules has what several chapters need."""

    title: str
    modules: Sequence[str] = ()


def places_of_modules(program: Program, chapters: Sequence[Chapter]) -> dict[str, tuple[int, int]]:
    """The number of the chapter of each module, and its place in it."""
    listed = {
        module: (number, place)
        for number, chapter in enumerate(chapters)
        for place, module in enumerate(chapter.modules, start=1)
    }
    users: dict[str, set[int]] = {definition.module: set() for definition in program.needed_by}
    for number, chapter in enumerate(chapters):
        for module in _needed_modules(program, chapter.modules, listed):
            users[module].add(number)
    return {
        module: listed.get(module) or (min(several) if len(several) == 1 else 0, 0)
        for module, several in users.items()
    }


def _needed_modules(
    program: Program, modules: Sequence[str], listed: Mapping[str, object]
) -> set[str]:
    """The modules that some modules need, directly or through others that no chapter lists."""
    waiting = [definition for definition in program.needed_by if definition.module in modules]
    seen: set[Definition] = set(waiting)
    while waiting:
        for other in _used(program, waiting.pop()):
            if other not in seen and other.module not in listed:
                seen.add(other)
                waiting.append(other)
    return {definition.module for definition in seen}


def _used(program: Program, definition: Definition) -> list[Definition]:
    uses = [found.definition for _, found in program.uses[definition] if found.definition]
    return [*uses, *program.more[definition]]


def chapter_heading(title: str) -> str:
    """The comment above a chapter."""
    return f"# {'=' * _WIDTH}\n# {title}\n# {'=' * _WIDTH}"


def doors_of(program: Program, chapter: Chapter, names: Names) -> list[str]:
    """The functions and classes of a chapter that modules outside of it use."""
    doors: dict[str, None] = {}
    for user in program.needed_by:
        if user.module in chapter.modules:
            continue
        for use, found in program.uses[user]:
            inside = found.definition and found.definition.module in chapter.modules
            if found.definition and inside and not use.name.isupper():
                doors[names.definitions[found.definition, found.name]] = None
    return list(doors)


def contents(lines: Mapping[str, int], doors: Mapping[str, Sequence[str]]) -> str:
    """The table of contents for the docstring of the program.

    Args:
        lines: title of a chapter -> the line of its heading.
        doors: title -> the functions and classes that others use.
    """
    found = []
    for title, line in lines.items():
        listed = ", ".join(doors[title][:_SHOWN])
        text = f"line {line:>5,}  {title}{': ' if listed else ''}{listed}"
        found.append(fill(text, 100, initial_indent="    ", subsequent_indent=" " * 16))
    return "\n".join(found)
