"""Messages about a command line that cannot be parsed."""

from __future__ import annotations

import difflib
import re
from typing import Any


def usage_message(error: Any) -> str:
    """One line about a usage error of typer: what is wrong, then what to do."""
    command = error.ctx.command_path if error.ctx else "comp"
    if type(error).__name__ == "NoSuchOption":
        option = error.option_name
        advice = _similar(option, error.ctx) or f"see '{command} --help'"
        return f"no option '{option}' in '{command}': {advice}"
    message = str(error.format_message()).rstrip(". ").replace(": Value error, ", ": ")
    advice = _with_set(message, error.ctx) or f"see '{command} --help'"
    return f"{message[:1].lower()}{message[1:]}: {advice}"


def _with_set(message: str, ctx: Any) -> str:
    """Advice about settings that follow the value of --set; else ""."""
    extra = re.search(r"unexpected extra argument\S* \((.+)\)", message)
    words = extra[1].split() if extra else []
    names = [name for param in ctx.command.params for name in param.opts] if ctx else []
    if "--set" not in names or not words or not all("=" in word for word in words):
        return ""
    return f"each setting needs its own --set: {' '.join(f'--set {word}' for word in words)}"


def _similar(option: str, ctx: Any) -> str:
    """Advice that names the most similar option, or the most similar key for --set; else ""."""
    names = [name for param in ctx.command.params for name in param.opts + param.secondary_opts]
    spellings = {name: name for name in names if name.startswith("-")}
    if "--set" in spellings:
        spellings = _key_spellings() | spellings
    near = difflib.get_close_matches(option, spellings, n=1)
    return f"did you mean '{spellings[near[0]]}'?" if near else ""


def _key_spellings() -> dict[str, str]:
    """How a user may write a configuration key as an option, with the right way to set it."""
    from comp.config.schema import RunConfig, keys

    found = {}
    for key in reversed(keys(RunConfig)):  # the first of two equal names wins
        for name in (key, key.rpartition(".")[2]):
            found[f"--{name.replace('_', '-')}"] = f"--set {key}=VALUE"
    return found
