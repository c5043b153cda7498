"""`comp new`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO, cast

import typer

from comp.cli.completion import complete_new
from comp.cli.options import Data, Json, print_json
from comp.cli.stoppable import stoppable
from comp.workspace import Workspace

if TYPE_CHECKING:
    from rich.console import Console

    from comp.discovery.draft import Draft


NewName = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="Name of the new competition for comp.",
        autocompletion=complete_new,
    ),
]
Slug = Annotated[
    str | None,
    typer.Option(metavar="SLUG", help="End of its address on Kaggle: download, read metric."),
]
Answers = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY=VALUE",
        help="Answer a question, or set an argument of the plugin (repeatable).",
    ),
]


def new(
    name: NewName,
    data: Data = None,
    kaggle: Slug = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")] = False,
    answer: Answers = None,
    no_run: Annotated[
        bool, typer.Option("--no-run", help="Check the data, but run no steps.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace competitions/NAME.py.")] = False,
    json: Json = False,
) -> None:
    """Look at data and write a plugin for it.

    Shows what it concludes and how sure it is, asks what it cannot know, writes
    competitions/NAME.py, checks the data, and runs a few steps up to a checked submission. The
    exit code is 2 if something is missing.
    """
    from comp.discovery import steps
    from comp.discovery.draft import parse_answers
    from comp.discovery.new import draft_values, refuse_missing
    from comp.discovery.plugin_file import plugin_path
    from comp.discovery.sources import downloaded_from, reference_of
    from comp.report.console import make_console

    workspace = Workspace.at(Path.cwd())
    path = plugin_path(name, workspace.root, force)
    answers = parse_answers(answer or ())
    reference = reference_of(kaggle) if kaggle else None
    console = make_console(to_stderr=json)
    place = steps.data_of(name, workspace, data, reference, console)
    reference = reference or downloaded_from(place)
    facts = steps.facts_of(reference, console) if reference else None
    look = partial(steps.draft_of, name, place, workspace, facts, console=console)
    draft = look(answers)
    if not yes:
        draft = _ask(draft, look, console)
    if draft.missing and json:
        print_json(draft_values(draft))
    refuse_missing(draft.missing)
    with stoppable():
        made = steps.make_competition(draft, path, workspace, place, not no_run, console)
    if json:
        print_json(made.values())


def _ask(draft: Draft, look: Callable[[dict[str, Any]], Draft], console: Console) -> Draft:
    """The draft with the answers of the user; it is unchanged if no user can answer.

    Args:
        look: looks again, with all answers so far.
    """
    from comp.cli.questions import ask_change, ask_missing
    from comp.streams import can_ask

    asked: set[str] = set()
    while can_ask(cast(TextIO, console.file)):
        err, missing = console.file is sys.stderr, draft.missing
        given = ask_missing(missing, asked, err) if missing else ask_change(draft, err)
        if not given:
            break
        asked |= given.keys()
        draft = look({**draft.answers, **given})
    return draft
