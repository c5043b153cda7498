"""Writes the parts of the pages that follow from the program: `python docs/generate.py`.

A part stands between `<!-- begin NAME -->` and `<!-- end NAME -->`. tests/test_docs.py checks that
every part is up to date.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from typer.main import get_command

from comp.cli.app import build_app
from comp.config.explain import format_value
from comp.config.schema import RENAMED, RunConfig
from comp.config.section import Section
from competitions.denoising import Options

DOCS = Path(__file__).parent
ROOT = DOCS.parent
PART = re.compile(r"(<!-- begin (\w+) -->\n).*?(<!-- end \2 -->)", re.DOTALL)


def keys() -> str:
    """A table of keys for each section of the configuration."""
    sections: dict[str, type[BaseModel]] = {"": RunConfig}
    for name, field in RunConfig.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            sections[name] = field.annotation
    sections["options"] = Options
    titles = {"": "Top level", "options": "`options` (denoising)"}
    return "\n".join(
        f"## {titles.get(name, f'`{name}`')}\n\n{key_table(name, model)}"
        for name, model in sections.items()
    )


def key_table(section: str, model: type[BaseModel]) -> str:
    """Key, default and meaning of every key of a section that holds a value."""
    rows = []
    for name, field in model.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if name == "competition" or isinstance(default, Section):
            continue
        key = f"{section}.{name}" if section else name
        value = f"{default:.3g}" if isinstance(default, float) else format_value(default)
        rows.append((f"`{key}`", f"`{value}`" if value else "", field.description or ""))
    return table(("key", "default", "meaning"), rows)


def renamed() -> str:
    """The old names of keys that have a new name."""
    return table(
        ("old name", "new name"), [(f"`{old}`", f"`{new}`") for old, new in RENAMED.items()]
    )


def commands() -> str:
    """A table of all commands, with the first sentence of their help."""
    rows = []
    for name, command in get_command(build_app()).commands.items():  # type: ignore[attr-defined]
        nested = getattr(command, "commands", {}).items()
        for path, leaf in [(name, command), *((f"{name} {sub}", leaf) for sub, leaf in nested)]:
            usage = " ".join(["comp", path, *arguments(leaf)])
            rows.append((f"`{usage}`", first_sentence(leaf.help or "")))
    return table(("command", "what it does"), sorted(rows))


def arguments(command: Any) -> list[str]:
    """The positional arguments of a command, in brackets if they are optional."""
    positional = [p for p in command.params if p.param_type_name == "argument"]
    names = [((p.metavar or p.name.upper()).strip("[]{}"), p.required) for p in positional]
    return [name if required else f"[{name}]" for name, required in names]


def run_help() -> str:
    """`comp run --help`."""
    env = os.environ | {"COLUMNS": "80", "TERM": "dumb", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "comp", "run", "--help"]
    text = subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout
    lines = [line.rstrip() for line in text.strip().splitlines()]
    return "\n".join(["```console", "$ comp run --help", *lines, "```", ""])


def rooms() -> str:
    """The modules of the package as a tree, each with the first sentence of its docstring."""
    lines = ["```text"]
    for top in ("comp", "competitions"):
        lines += [f"{top}/", *tree(ROOT / top, 1)]
    return "\n".join([*lines, "```", ""])


def tree(folder: Path, depth: int) -> list[str]:
    """The lines of a folder: its modules first, then its rooms."""
    lines = []
    indent = "  " * depth
    modules = [path for path in sorted(folder.glob("*.py")) if path.name != "__init__.py"]
    for path in modules:
        lines.append(f"{indent}{path.name:<{28 - len(indent)}}{purpose(path)}")
    for path in sorted(path for path in folder.iterdir() if path.is_dir()):
        if any(path.glob("*.py")):
            init = path / "__init__.py"
            lines.append(f"{indent}{path.name + '/':<{28 - len(indent)}}{purpose(init)}".rstrip())
            lines += tree(path, depth + 1)
    return lines


def purpose(path: Path) -> str:
    """The first sentence of a module's docstring, without the full stop."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return first_sentence(docstring).removesuffix(".")


def first_sentence(text: str) -> str:
    """The first sentence of the first paragraph, on one line."""
    paragraph = " ".join(text.partition("\n\n")[0].split())
    return re.split(r"(?<=\.) (?=[A-Z])", paragraph, maxsplit=1)[0]


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(
        "| " + " | ".join(c.replace("|", "\\|") for c in line) + " |\n" for line in lines
    )


PARTS: dict[str, Callable[[], str]] = {
    "keys": keys,
    "renamed": renamed,
    "commands": commands,
    "run_help": run_help,
    "rooms": rooms,
}


def filled(text: str) -> str:
    """A page with all of its parts up to date."""
    return PART.sub(lambda part: f"{part[1]}\n{PARTS[part[2]]().strip()}\n\n{part[3]}", text)


if __name__ == "__main__":
    for page in sorted(DOCS.glob("*.md")):
        before = page.read_text(encoding="utf-8")
        after = filled(before)
        if after != before:
            page.write_text(after, encoding="utf-8")
