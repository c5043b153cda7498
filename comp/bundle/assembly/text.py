"""Writes the definitions of a program as text: their source, with names and imports changed."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill

from comp.bundle.assembly.names import Names
from comp.bundle.assembly.references import Use
from comp.bundle.assembly.source import FUNCTIONS, Definition, Module
from comp.bundle.assembly.walk import Found, Program
from comp.errors import CompetitionError

_PRAGMA = re.compile(r"#\s*(type:\s*ignore|noqa|pragma)")


@dataclass(frozen=True)
class _Edit:
    """Replaces the text from a place to a place; lines from 1, columns in bytes of UTF-8."""

    start: tuple[int, int]
    end: tuple[int, int]
    text: str


def module_text(program: Program, module: Module, names: Names, values: Mapping[str, str]) -> str:
    """The definitions of a module in the program, in the order of its source, under a heading.

    Args:
        values: full names of constants whose values are replaced by this source.
    """
    chunks: list[tuple[int, str, bool]] = []
    for definition in program.needed_by:
        if definition.module == module.name:
            edits = [*_renamed(program, definition, names), *_without_imports(program, definition)]
            edits += _values(definition, values)
            edits += [_Edit(start, end, text) for start, end, text in definition.left_out]
            for statement in definition.statements:
                first = _first_line(statement, module.lines)
                text = _edited(module.lines, first, _end(statement), edits)
                chunks.append((first, text, isinstance(statement, (*FUNCTIONS, ast.ClassDef))))
    title = " ".join(module.document.partition("\n\n")[0].split())
    words = fill(f"{module.name}: {title}", 100, initial_indent="# ", subsequent_indent="# ")
    heading = f"# {'-' * 98}\n{words}"
    return _joined(heading, sorted(chunks), module.lines)


def without_pragmas(source: str) -> str:
    """The source without comments for type checkers and linters."""
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and _PRAGMA.match(token.string):
            row, column = token.start
            rest = token.string[1:].partition("#")[2]
            lines[row - 1] = (lines[row - 1][:column] + (f"#{rest}" if rest else "")).rstrip()
    return "\n".join(lines) + "\n"


def _joined(heading: str, chunks: Sequence[tuple[int, str, bool]], lines: Sequence[str]) -> str:
    """The chunks with two empty lines around functions and classes, else as in the source."""
    text, block, end = heading, True, 0
    for start, chunk, is_block in chunks:
        if not end:
            gap = 3 if is_block else 2
        elif block or is_block:
            gap = 3
        else:
            gap = 1 if all(line.strip() for line in lines[end : start - 1]) else 2
        text += "\n" * gap + chunk
        block, end = is_block, start + chunk.count("\n")
    return text


def _first_line(statement: ast.stmt, lines: Sequence[str]) -> int:
    """The line of a statement, or of its decorators and of the comment above."""
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    first = min([statement.lineno, *(decorator.lineno for decorator in decorators)])
    while first > 1 and lines[first - 2].startswith("#"):
        first -= 1
    return first


def _end(statement: ast.stmt) -> int:
    return statement.end_lineno or statement.lineno


def _edited(lines: Sequence[str], first: int, last: int, edits: Sequence[_Edit]) -> str:
    """The lines with the edits inside them."""
    text = [line.encode() for line in lines[first - 1 : last]]
    inside = [edit for edit in edits if first <= edit.start[0] <= last]
    for edit in sorted(inside, key=lambda edit: edit.start, reverse=True):
        row, end = edit.start[0] - first, edit.end[0] - first
        after = text[end][edit.end[1] :] if end < len(text) else b""
        joined = text[row][: edit.start[1]] + edit.text.encode() + after
        text[row : end + 1] = [joined] if joined.strip() or edit.text else []
    return b"\n".join(text).decode().rstrip()


def _renamed(program: Program, definition: Definition, names: Names) -> Iterator[_Edit]:
    """The edits for uses whose name in the program is another, and for the definition's own."""
    in_strings: dict[ast.JoinedStr, list[tuple[Use, str]]] = {}
    for use, found in program.uses[definition]:
        new = _name_of(found, names)
        node = use.nodes[found.length]
        old = ".".join((use.name, *use.path[: found.length]))
        if new == old:
            continue
        if use.quoted is not None:
            in_strings.setdefault(use.quoted, []).append((use, new))
        else:
            yield _replaced(node, new)
    module = program.modules[definition.module]
    for text, renamed in in_strings.items():
        yield _renamed_in_string(text, renamed, module.lines)
    for name, found in program.named.get(definition, ()):
        if (new := _name_of(found, names)) != name.id:
            yield _replaced(name, new)
    yield from _own_names(program, definition, names)


def _name_of(found: Found, names: Names) -> str:
    if found.definition:
        return names.definitions[found.definition, found.name]
    return names.libraries[found.library[0].target, found.library[0].bound]


def _own_names(program: Program, definition: Definition, names: Names) -> Iterator[_Edit]:
    """The edits where a definition that has another name in the program binds its name."""
    new = {name: names.definitions[definition, name] for name in definition.names}
    changed = {name for name, other in new.items() if name != other}
    declared = program.references[definition].globals & changed
    if declared:
        raise CompetitionError(
            f"{definition.title}: 'global {declared.pop()}' also exists elsewhere: rename one"
        )
    module = program.modules[definition.module]
    known = {id(use.nodes[0]) for use, _ in program.uses[definition]}
    for statement in definition.statements:
        if isinstance(statement, (*FUNCTIONS, ast.ClassDef)) and statement.name in changed:
            line = module.lines[statement.lineno - 1]
            match = re.search(rf"\b(def|class)\s+({statement.name})\b", line)
            assert match
            start, end = len(line[: match.start(2)].encode()), len(line[: match.end(2)].encode())
            row = statement.lineno
            yield _Edit((row, start), (row, end), new[statement.name])
        elif not isinstance(statement, (*FUNCTIONS, ast.ClassDef)):
            for node in _top_nodes(statement):
                if isinstance(node, ast.Name) and node.id in changed and id(node) not in known:
                    yield _replaced(node, new[node.id])


def _top_nodes(statement: ast.stmt) -> Iterator[ast.AST]:
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.Lambda)):
            waiting += ast.iter_child_nodes(node)


def _replaced(node: ast.expr, text: str) -> _Edit:
    end = (node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)
    return _Edit((node.lineno, node.col_offset), end, text)


def _renamed_in_string(
    node: ast.JoinedStr, renamed: Sequence[tuple[Use, str]], lines: Sequence[str]
) -> _Edit:
    """An f-string with other names; Python 3.11 does not say where they stand in it."""
    whole = _replaced(node, "")
    source = _edited(lines, whole.start[0], whole.end[0], ())
    rows = source.encode().split(b"\n")
    rows[-1] = rows[-1][: whole.end[1]]
    rows[0] = rows[0][whole.start[1] :]
    text = b"\n".join(rows).decode()
    for use, new in {use.name: (use, new) for use, new in renamed}.values():
        expected = sum(other.name == use.name for other, _ in renamed)
        pattern = rf"(?<![\w.'\"]){'.'.join((use.name,))}(?!\w)"
        text, count = re.subn(pattern, new, text)
        if count != expected:
            raise CompetitionError(f"f-string with {use.name}: rename it, or take it out")
    return _Edit(whole.start, whole.end, text)


def _values(definition: Definition, values: Mapping[str, str]) -> Iterator[_Edit]:
    for statement in definition.statements:
        if isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value is not None:
            new = values.get(definition.title)
            if new is not None:
                yield _replaced(statement.value, new)


def _without_imports(program: Program, definition: Definition) -> Iterator[_Edit]:
    """The edits that take the imports out of functions whose names are in the program."""
    removed = {id(found.statement) for found in program.removed.get(definition, ())}
    lines = program.modules[definition.module].lines
    for statement in definition.statements:
        for node in ast.walk(statement):
            for part in ("body", "orelse", "finalbody"):
                body = getattr(node, part, None)
                if isinstance(body, list):
                    yield from _taken_out(body, removed, lines)


def _taken_out(body: list[ast.stmt], removed: set[int], lines: Sequence[str]) -> Iterator[_Edit]:
    gone = [statement for statement in body if id(statement) in removed]
    for index, statement in enumerate(gone):
        row, end = statement.lineno, _end(statement)
        alone = not lines[row - 1][: statement.col_offset].strip()
        if (len(gone) == len(body) and not index) or not alone:
            yield _Edit((row, statement.col_offset), (end, statement.end_col_offset or 0), "pass")
        elif end < len(lines) and not lines[end].strip():
            yield _Edit((row, 0), (end + 1, len(lines[end].encode())), "")
        else:
            yield _Edit((row, 0), (end, len(lines[end - 1].encode())), "")
