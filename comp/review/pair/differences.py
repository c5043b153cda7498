"""In which keys two runs differ, and what each of them cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from comp.config.explain import format_value
from comp.config.nesting import flat
from comp.config.schema import RENAMED
from comp.page.blocks import Block, Cell, Panel, Paragraph, Table
from comp.page.words import say
from comp.review.facts import RunFacts
from comp.review.pair.both import Both
from comp.runs.lineage import recorded_config

_COSTS = ("setup_s", "fit_s", "estimate_s", "predict_s")
"""The seconds of a fold in meta.json."""


def panel(both: Both) -> Panel:
    """The panel of the configuration."""
    one, other = (_keys(facts) for facts in (both.first, both.second))
    rows: list[list[Cell]] = [
        [key, _shown(one, key), _shown(other, key)]
        for key in dict.fromkeys([*one, *other])
        if one.get(key) != other.get(key)
    ]
    block: Block = Paragraph(say("The configuration is the same."))
    if rows:
        block = Table(columns=[say("key"), "A", "B"], rows=rows, most=200)
    return Panel(
        id="configuration",
        title=say("What differs"),
        blocks=[block],
        how_to_read=say(
            "If one key differs, it made the difference of the scores, or chance did. If several "
            "differ, nobody knows which of them did: change one key at a time."
        ),
    )


def _keys(facts: RunFacts) -> dict[str, Any]:
    """The keys of a run by their names of today."""
    found = flat(recorded_config(facts.record))
    return {RENAMED.get(key, key): value for key, value in found.items()}


def _shown(values: Mapping[str, Any], key: str) -> Cell:
    return format_value(values[key]) if key in values else say("unset")


def time_panel(both: Both) -> Panel | None:
    """The panel of the time; None if neither run has a finished fold."""
    costs = [_cost(facts) for facts in (both.first, both.second)]
    if not any(cost["folds"] for cost in costs):
        return None
    names = {
        "folds": say("finished folds"),
        "seconds": say("seconds of all folds"),
        "steps": say("optimizer steps of all folds"),
        "speed": say("samples a second while training"),
        "waiting": say("waiting for data, %"),
    }
    rows: list[list[Cell]] = [
        [name, costs[0][key], costs[1][key]]
        for key, name in names.items()
        if costs[0][key] is not None or costs[1][key] is not None
    ]
    return Panel(
        id="time",
        title=say("Time"),
        blocks=[Table(columns=[say("what"), "A", "B"], rows=rows, decimals=1)],
        how_to_read=say(
            "A small gain for ten times the seconds is seldom worth it while you still look for "
            "ideas. Times of other machines, or of machines with other work, are not comparable."
        ),
    )


def _cost(facts: RunFacts) -> dict[str, float | int | None]:
    done = [fold.meta for fold in facts.folds if fold.meta]
    speeds = [float(meta.get("images_per_second") or 0.0) for meta in done]
    waits = [100 * float(meta.get("wait_share") or 0.0) for meta in done]
    trained = any(speeds)
    return {
        "folds": len(done),
        "seconds": sum(float(meta.get(key) or 0.0) for meta in done for key in _COSTS),
        "steps": sum(int(meta.get("steps") or 0) for meta in done),
        "speed": sum(speeds) / len(speeds) if trained else None,
        "waiting": sum(waits) / len(waits) if trained else None,
    }
