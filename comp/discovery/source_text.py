"""Values as Python source, in the form of `ruff format` with lines of 100 characters."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from comp.discovery.conclusion import Code

WIDTH = 100
STEP = 4
"""Spaces of one level of indentation."""


@dataclass(frozen=True)
class Call:
    """A call of a function with arguments that are values, `Code` or calls."""

    function: str
    arguments: Sequence[Any] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)


def call_of(expression: str) -> Call | Code:
    """The call that an expression is; every other expression stays as it is.

    Arguments are literals, names or calls themselves.
    """
    node = ast.parse(expression, mode="eval").body
    value = _value(node)
    return value if isinstance(value, Call) else Code(expression, "", "")


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Call):
        keywords = {str(part.arg): _value(part.value) for part in node.keywords}
        return Call(ast.unparse(node.func), [_value(part) for part in node.args], keywords)
    try:
        return ast.literal_eval(node)
    except ValueError:
        return Code(ast.unparse(node), "", "")


def source_of(value: Any, indent: int, prefix: str = "", suffix: str = ",") -> str:
    """`prefix`, the value and `suffix` as lines, the first with `indent` spaces before it.

    The value is on one line if it fits, else each of its elements is on a line of its own.
    """
    line = f"{' ' * indent}{prefix}{flat(value)}{suffix}"
    opening, parts, closing = _parts(value)
    if len(line) <= WIDTH or not parts:
        return line
    inner = indent + STEP
    lines = [f"{' ' * indent}{prefix}{opening}"]
    together = f"{' ' * inner}{', '.join(name + flat(part) for name, part in parts)}"
    if isinstance(value, Call) and len(together) <= WIDTH:
        lines.append(together)
    else:
        lines += [source_of(part, inner, name) for name, part in parts]
    return "\n".join([*lines, f"{' ' * indent}{closing}{suffix}"])


def flat(value: Any) -> str:
    """The value on one line."""
    if isinstance(value, Code):
        return value.text
    if isinstance(value, str):
        return quoted(value)
    opening, parts, closing = _parts(value)
    if not opening:
        return repr(value)
    inside = ", ".join(name + flat(part) for name, part in parts)
    comma = "," if isinstance(value, tuple) and len(parts) == 1 else ""
    return f"{opening}{inside}{comma}{closing}"


def _parts(value: Any) -> tuple[str, list[tuple[str, Any]], str]:
    """The opening bracket, (what is before an element, element), and the closing bracket."""
    if isinstance(value, Call):
        keywords = [(f"{name}=", part) for name, part in value.keywords.items()]
        return f"{value.function}(", [("", part) for part in value.arguments] + keywords, ")"
    if isinstance(value, Mapping):
        return "{", [(f"{flat(key)}: ", part) for key, part in value.items()], "}"
    if isinstance(value, tuple):
        return "(", [("", part) for part in value], ")"
    if isinstance(value, list):
        return "[", [("", part) for part in value], "]"
    return "", [], ""


def quoted(text: str) -> str:
    """A string literal in double quotes, unless single quotes need fewer backslashes."""
    if text.count('"') > text.count("'"):
        return repr(text)
    inside = "".join(_IN_QUOTES.get(c) or repr(c)[1:-1] for c in text)
    return f'"{inside}"'


_IN_QUOTES = {'"': '\\"', "'": "'"}
"""How quotes are written between double quotes."""
