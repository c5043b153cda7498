"""Joins the parts of a bundle, and what they use of comp and of a plugin, to one predict.py.

The program is assembled, not written by hand, so that its numbers come from the same code as those
of `comp predict`. A static walk over the syntax trees starts at `comp.bundle.parts.main.main` and
follows names: through functions, classes, constants, imports at the top and inside functions.
Annotations do not count, because predict.py does not evaluate them; `if TYPE_CHECKING` does not
either. Each definition that is needed is written once, with its comments and docstring, under a
heading for its module; nothing is executed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from comp.bundle.assembly.chapters import (
    Chapter,
    chapter_heading,
    contents,
    doors_of,
    places_of_modules,
)
from comp.bundle.assembly.left_out import Kinds
from comp.bundle.assembly.names import Names, choose_names, library_imports
from comp.bundle.assembly.order import module_order
from comp.bundle.assembly.source import Import
from comp.bundle.assembly.text import module_text, without_pragmas
from comp.bundle.assembly.walk import ALLOWED, Program, Walk
from comp.errors import CompetitionError

START = "comp.bundle.parts.main:main"
OWN = ("comp.bundle.parts.own", "OWN")
"""The constant whose value becomes the functions of the plugin."""
READ_FROM = "What is where; to read it, begin with main() at the end:"
CHAPTERS = (
    Chapter("What several chapters use"),
    Chapter("Functions of the plugin", ("comp.bundle.parts.own",)),
    Chapter(
        "Find the data, and list its images",
        ("comp.bundle.parts.locate", "comp.bundle.parts.samples"),
    ),
    Chapter("Read an image", ("comp.bundle.parts.read",)),
    Chapter("Build the networks", ("comp.bundle.parts.activate", "comp.bundle.parts.networks")),
    Chapter(
        "Predict, on the devices that are there",
        (
            "comp.bundle.parts.devices",
            "comp.bundle.parts.forward",
            "comp.bundle.parts.predictions",
            "comp.bundle.parts.blended",
        ),
    ),
    Chapter("Decide", ("comp.bundle.parts.decide",)),
    Chapter(
        "Write the rows",
        (
            "comp.bundle.parts.dense_rows",
            "comp.bundle.parts.rows",
            "comp.bundle.parts.numbers",
            "comp.bundle.parts.dense",
            "comp.bundle.parts.write",
        ),
    ),
    Chapter("The program", ("comp.bundle.parts.libraries", "comp.bundle.parts.main")),
)


def assemble(
    own: Mapping[str, str] | None = None,
    *,
    kinds: Kinds | None = None,
    title: str = "Predicts the test images of a competition and writes submission.csv.",
    start: str = START,
) -> str:
    """The source of predict.py.

    Args:
        own: role -> "module:name" of a function of the plugin. They become the value of
            `comp.bundle.parts.own.OWN`, and are followed like all others.
        kinds: the entries of registries that stay, as `comp.bundle.needed` says them. The others
            are left out, with all that only they need. None: all stay.
        title: the first paragraph of the docstring of the program: which run this is.
        start: "module:name" of the first function, which returns the exit code.

    Raises:
        CompetitionError: something needs a library besides numpy, torch, timm, Pillow, pandas and
            safetensors (the message has the chain of names), or cannot be joined.
    """
    chosen = dict(sorted((own or {}).items()))
    roots = {"comp", *(re.split(r"[.:]", name)[0] for name in [start, *chosen.values()])}
    walk = Walk(sorted(roots), {OWN: list(chosen.values())}, kinds)
    program = walk.follow(start)
    places = places_of_modules(program, CHAPTERS)
    order = module_order(program, places)
    names = choose_names(program, order)
    values = {".".join(OWN): _own_value(walk, chosen, names)}
    parts, above = [], -1
    for name in order:
        if places[name][0] > above:
            above = places[name][0]
            parts.append(chapter_heading(CHAPTERS[above].title))
        parts.append(module_text(program, program.modules[name], names, values))
    first = names.definitions[walk.definition(start), start.partition(":")[2]]
    body = without_pragmas("\n\n\n".join([*parts, _foot(first)]))
    doors = {chapter.title: doors_of(program, chapter, names) for chapter in CHAPTERS}
    source = _with_contents(title, f"{_imports(program, names)}\n\n{body}", doors)
    _check_syntax(source)
    return source


def _with_contents(title: str, source: str, doors: Mapping[str, Sequence[str]]) -> str:
    """The program with its docstring, in which the contents have the lines of the chapters."""
    lines = source.split("\n")
    titles = {f"# {title}": title for title in doors}
    places = {titles[line]: number for number, line in enumerate(lines, start=1) if line in titles}
    added = 0
    while True:
        listed = contents({title: line + added for title, line in places.items()}, doors)
        document = f'"""{title}\n\n{READ_FROM}\n\n{listed}\n"""\n\n'
        if document.count("\n") == added:
            return document + source
        added = document.count("\n")


def _own_value(walk: Walk, own: Mapping[str, str], names: Names) -> str:
    if not own:
        return "{}"
    lines = []
    for role, name in own.items():
        definition, attribute = walk.definition(name), name.partition(":")[2]
        lines.append(f'    "{role}": {names.definitions[definition, attribute]},')
    return "\n".join(["{", *lines, "}"])


def _imports(program: Program, names: Names) -> str:
    """The imports."""
    imports = library_imports(program)
    standard = [i for i in imports if i.module.partition(".")[0] not in ALLOWED]
    others = [i for i in imports if i.module.partition(".")[0] in ALLOWED]
    blocks = [_import_lines(standard, names), _import_lines(others, names)]
    known = ["import sys"]
    if known[0] not in blocks[0]:
        blocks[0] = sorted([*blocks[0], *known], key=_import_order)
    listed = "\n\n".join("\n".join(lines) for lines in blocks if lines)
    return f"from __future__ import annotations\n\n{listed}"


def _import_lines(imports: Iterable[Import], names: Names) -> list[str]:
    """One line for each module, sorted."""
    plain: set[str] = set()
    taken: dict[str, set[str]] = {}
    for found in sorted(imports, key=lambda i: (i.attribute or "", i.module, i.bound)):
        name = names.libraries[found.target, found.bound]
        if found.attribute is None:
            unchanged = name == found.module.partition(".")[0] and found.target == found.bound
            plain.add(f"import {found.module}" + ("" if unchanged else f" as {name}"))
        elif f"import {found.target} as {name}" not in plain:
            alias = "" if name == found.attribute else f" as {name}"
            taken.setdefault(found.module, set()).add(f"{found.attribute}{alias}")
    lines = [*plain, *(_from(module, sorted(what)) for module, what in taken.items())]
    return sorted(lines, key=_import_order)


def _from(module: str, what: Sequence[str]) -> str:
    ordered = sorted(what, key=_name_order)
    line = f"from {module} import {', '.join(ordered)}"
    if len(line) <= 100:
        return line
    return "\n".join([f"from {module} import (", *(f"    {name}," for name in ordered), ")"])


def _name_order(name: str) -> tuple[int, str]:
    """Constants, classes, functions: as ruff sorts them."""
    own = name.partition(" ")[0]
    return (0 if own.isupper() and len(own) > 1 else 1 if own[:1].isupper() else 2), name


def _import_order(line: str) -> tuple[bool, str]:
    return line.startswith("from"), line.split()[1].lower()


def _foot(first: str) -> str:
    return f'if __name__ == "__main__":\n    sys.exit({first}())'


def _check_syntax(source: str) -> None:
    try:
        compile(source, "predict.py", "exec")
    except SyntaxError as error:
        line = source.splitlines()[(error.lineno or 1) - 1].strip()
        raise CompetitionError(f"predict.py, line {error.lineno} ({line}): {error.msg}") from error
