"""The page of two runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from comp.page.blocks import Page
from comp.page.words import Text, say
from comp.pipeline.compare import compare
from comp.review.facts import read_facts
from comp.review.pair import changes, curves, differences, scores
from comp.review.pair.both import Both
from comp.workspace import Workspace

PANELS = (scores.panel, changes.panel, curves.panel, differences.panel, differences.time_panel)


def both_of(
    first: str,
    second: str,
    workspace: Workspace,
    *,
    on_panel: Callable[[int, int], None] | None = None,
) -> Both:
    """Two runs of one competition and their comparison.

    Args:
        first: the id of a run, or the beginning of the id; `second` likewise.
        on_panel: called with the number of parts that are read and the number of all.

    Raises:
        RunError: there is no such run, or the runs cannot be compared.
        DataError: the data is missing, has changed, or has other targets in one of the runs.
    """
    report = on_panel or (lambda _done, _all: None)
    found = compare(first, second, workspace)
    report(1, 3)
    one = read_facts(found.first, workspace)
    report(2, 3)
    other = read_facts(found.second, workspace)
    report(3, 3)
    return Both(found=found, first=one, second=other)


def pair_page(both: Both) -> Page:
    """Two runs of one competition side by side."""
    panels = [make(both) for make in PANELS]
    return Page(
        title=say(
            "{title}: run {first} (A) and run {second} (B)",
            title=both.first.competition.title,
            first=both.found.first,
            second=both.found.second,
        ),
        lead=lead(both),
        panels=[panel for panel in panels if panel],
        data={"comparison": asdict(both.found)},
    )


def lead(both: Both) -> Text:
    """The verdict, and a warning if the data is synthetic."""
    words = scores.verdict(both.found)
    if not both.found.synthetic:
        return words
    return say(
        "{verdict} The data is synthetic: the scores say nothing about the competition.",
        verdict=words,
    )
