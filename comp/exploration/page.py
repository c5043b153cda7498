"""The page of a first look, and its file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from comp.exploration.exploration import Exploration
from comp.exploration.panels import comparisons, numbers, overview, samples
from comp.exploration.panels.cards import Cards
from comp.exploration.pictures import Pictures
from comp.exploration.subjects import Subjects
from comp.page.blocks import Page, Panel, Paragraph
from comp.page.document import write_page
from comp.page.words import Language, say
from comp.runs.progress import Reporter

PAIRS = 200
"""Pairs of copies in the data of the page; the JSON of the command has more."""


def write_exploration(
    found: Exploration,
    subjects: Subjects,
    pictures: Pictures,
    path: Path,
    language: Language,
    reporter: Reporter,
) -> None:
    """Write the page of a look.

    Args:
        subjects: all samples of the data.

    Raises:
        DiskError: it cannot be written.
        Stopped: a signal came.
    """
    seed = found.compared.seed if found.compared else 0
    cards = Cards(subjects, pictures, seed)
    make_page(found, cards)  # says which pictures are needed
    cards.load(reporter)
    write_page(make_page(found, cards), path, language)


def make_page(found: Exploration, cards: Cards) -> Page:
    """All panels for which there is something to show."""
    panels: list[Panel | None] = [
        overview.overview(found),
        samples.contact_sheets(found, cards),
        samples.classes(found.balance) if found.balance else None,
        numbers.targets(found.targets) if found.targets else None,
        samples.looks(found.looks, cards) if found.looks else None,
        samples.copies(found.copies, cards) if found.copies else None,
        numbers.columns(found.columns) if found.columns else None,
        overview.train_and_test(found),
        comparisons.clusters(found, found.clusters, cards) if found.clusters else None,
        comparisons.plane_panel(found.map) if found.map else None,
        comparisons.neighbours(found, cards) if found.neighbours else None,
        overview.left_out(found),
    ]
    shown = [panel for panel in panels if panel]
    if cards.cut:
        words = say("The page is full: further samples are shown without their pictures.")
        shown.append(Panel(id="full", title=say("No more pictures"), blocks=[Paragraph(words)]))
    lead = say(
        "{train} training and {test} test samples, before any training.",
        train=f"{found.train:,}",
        test=f"{found.test:,}",
    )
    title = say("A first look at {title}", title=found.title)
    return Page(title=title, lead=lead, panels=shown, data=data_of(found))


def data_of(found: Exploration) -> dict[str, Any]:
    """The data of the page: that of the JSON without what is as long as there are samples."""
    values = found.values() | {"map": None}
    if found.clusters:
        shown = [{**clustering, "of": []} for clustering in values["clusters"]["shown"]]
        values["clusters"] = {**values["clusters"], "shown": shown}
    if found.copies:
        values["copies"] = {**values["copies"], "pairs": values["copies"]["pairs"][:PAIRS]}
    findings = [{**f, "names": f["names"][:PAIRS]} for f in values["findings"]]
    return values | {"findings": findings, "data": Path(values["data"]).name}
