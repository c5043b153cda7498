"""`comp login`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from comp.cli.options import Json, print_json
from comp.cli.timeouts import seconds

if TYPE_CHECKING:
    from comp.kaggle.client.identity import Identity

STATES = {"refused": "refused by Kaggle", "unknown": "not checked, no answer from Kaggle"}


def login(
    timeout: Annotated[str, typer.Option(help="Time limit: 20s, 1m.")] = "20s",
    json: Json = False,
) -> None:
    """Show the Kaggle credentials and whether they work."""
    from comp.kaggle.client import identity
    from comp.kaggle.client.credentials import active_credentials, find_credentials
    from comp.kaggle.client.deadline import Deadline
    from comp.report.console import make_console

    deadline = Deadline(seconds(timeout))
    say = make_console(to_stderr=json).print
    found = find_credentials()
    if found:
        say("Kaggle credentials in the order of their priority; comp uses the first:")
    checked: list[Identity] = []
    for result in identity.identify(found, deadline):
        checked.append(result)
        say(f"{len(checked)}. {_line(result)}")
    warnings = identity.warnings(checked)
    for warning in warnings:
        say(f"warning: {warning}")
    if json:
        print_json({"credentials": [_values(each) for each in checked], "warnings": warnings})
    active_credentials()  # raises with instructions if there are none
    if checked[0].error:
        raise checked[0].error


def _line(result: Identity) -> str:
    from comp.kaggle.client.identity import KINDS

    credentials = result.credentials
    of = f" of {credentials.username}" if credentials.username else ""
    state = f"works, as {result.username}" if result.state == "works" else STATES[result.state]
    return f"{credentials.source}: {KINDS[credentials.kind]}{of}, {state}"


def _values(result: Identity) -> dict[str, Any]:
    """The fields for --json; never the secret."""
    return {
        "source": result.credentials.source,
        "kind": result.credentials.kind,
        "state": result.state,
        "username": result.username,
        "error": str(result.error) if result.error else None,
    }
