"""`comp login`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from comp.cli.options import Json, print_json
from comp.cli.timeouts import seconds

if TYPE_CHECKING:
    from comp.kaggle.client.identity import Identity

STATES = {"refused": "refused by Kaggle", "unknown": "not known, Kaggle did not say"}


def login(
    timeout: Annotated[str, typer.Option(help="Give up after this long: 20s, 1m.")] = "20s",
    json: Json = False,
) -> None:
    """Say which credentials for Kaggle are found, and whether they work."""
    from comp.kaggle.client import identity
    from comp.kaggle.client.credentials import every, first
    from comp.kaggle.client.deadline import Deadline
    from comp.report.console import make_console

    deadline = Deadline(seconds(timeout))
    say = make_console(to_stderr=json).print
    found = every()
    if found:
        say("Credentials for Kaggle in the order in which they are looked for; the first are used:")
    known: list[Identity] = []
    for asked in identity.identify(found, deadline):
        known.append(asked)
        say(f"{len(known)}. {_line(asked)}")
    warnings = identity.warnings(known)
    for warning in warnings:
        say(f"warning: {warning}")
    if json:
        print_json({"credentials": [_values(one) for one in known], "warnings": warnings})
    first()  # says how to get some where there are none
    if known[0].error:
        raise known[0].error


def _line(asked: Identity) -> str:
    from comp.kaggle.client.identity import KINDS

    credentials = asked.credentials
    of = f" of {credentials.username}" if credentials.username else ""
    state = f"works, as {asked.username}" if asked.state == "works" else STATES[asked.state]
    return f"{credentials.source}: {KINDS[credentials.kind]}{of}, {state}"


def _values(asked: Identity) -> dict[str, Any]:
    """What --json shows of credentials; never their secret."""
    return {
        "source": asked.credentials.source,
        "kind": asked.credentials.kind,
        "state": asked.state,
        "username": asked.username,
        "error": str(asked.error) if asked.error else None,
    }
