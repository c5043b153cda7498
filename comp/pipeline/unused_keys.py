"""Names the keys that a user gives and that do nothing for the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

from comp.config.schema import RunConfig, gives, keys, resolve, value_at
from comp.contract.competition import Competition
from comp.errors import CompError
from comp.pipeline.effective import PRESET, unused_keys


def unused_note(
    competition: Competition,
    config: RunConfig,
    given: Mapping[str, Any],
    others: Sequence[Mapping[str, Any]],
) -> str:
    """Name the keys that the user gives and that do nothing, with the reason; "" if there are none.

    A key is not named if it is unset, or has the value that the run would have without it. Of
    `augment.preset` the notes on the inputs tell.

    Args:
        config: with all layers.
        given: the keys of the user, nested.
        others: the other layers of the configuration.
    """
    names = [
        key
        for key in keys(RunConfig)
        if key != PRESET and gives(given, key) and value_at(given, key) is not None
    ]
    try:
        before = resolve(competition.name, others, competition.options)
        changed = [key for key in names if attrgetter(key)(config) != attrgetter(key)(before)]
        unused = unused_keys(competition, config, changed) if changed else {}
    except CompError:  # the run reports it
        return ""
    by_reason: dict[str, list[str]] = {}
    for key in changed:
        if key in unused:
            by_reason.setdefault(unused[key], []).append(key)
    return "; ".join(f"{_do_nothing(found)}: {reason}" for reason, found in by_reason.items())


def _do_nothing(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"{names[0]} does nothing"
    return f"{', '.join(names[:-1])} and {names[-1]} do nothing"
