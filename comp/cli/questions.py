"""Questions of `comp new`: what the data cannot say, and what was only guessed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from comp.discovery.conclusion import Missing
    from comp.discovery.draft import Draft

SHOWN_CHOICES = 20


def ask_missing(missing: Sequence[Missing], asked: Collection[str], err: bool) -> dict[str, Any]:
    """Ask what is missing, if an answer helps; returns the answers by argument.

    Args:
        asked: arguments that were asked for before; they are not asked for again.
        err: ask on stderr.
    """
    answers: dict[str, Any] = {}
    for each in missing:
        if each.argument and each.argument not in {*asked, *answers}:
            text = _ask(f"{each.question} (found {each.found})", each.choices, err)
            if text:
                answers[each.argument] = text
    return answers


def ask_change(draft: Draft, err: bool) -> dict[str, Any]:
    """Ask whether what was only guessed is right; returns the changes by key, {} if it is.

    Nothing is asked if nothing was guessed.
    """
    from comp.discovery.draft import parse_answers
    from comp.errors import ConfigError

    guesses = [finding.what for finding in draft.findings if finding.certainty == "guess"]
    if not guesses:
        return {}
    keys = ", ".join(["title", "metric", "task", *draft.conclusion.arguments])
    typer.echo(f"guessed: {'; '.join(guesses)}", err=err)
    while text := _ask(f"change something with KEY=VALUE ({keys}), or Enter to go on", (), err):
        try:
            return parse_answers([text])
        except ConfigError as error:
            typer.echo(str(error), err=err)
    return {}


def _ask(question: str, choices: Sequence[str], err: bool) -> str:
    """The user's text, or the choice of the number that the user types; "" for Enter."""
    typer.echo(question, err=err)
    for number, choice in enumerate(choices[:SHOWN_CHOICES], 1):
        typer.echo(f"  {number}  {choice}", err=err)
    hint = "number or text" if choices else "text"
    text = str(typer.prompt(f"[{hint}]", default="", show_default=False, err=err)).strip()
    if text.isdigit() and text not in choices and 1 <= int(text) <= len(choices):
        return choices[int(text) - 1]
    return text
