"""report.html of a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from comp.page.blocks import Page, Panel
from comp.page.document import write_page
from comp.page.words import Language, say
from comp.review.contents import PANELS
from comp.review.facts import RunFacts, read_facts
from comp.review.verdict import verdict
from comp.workspace import Workspace

OnPanel = Callable[[int, int], None]
"""(panels that are made, all panels) -> None."""


def report_page(facts: RunFacts, on_panel: OnPanel | None = None) -> Page:
    """The report of a run."""
    panels: list[Panel] = []
    for index, make in enumerate(PANELS):
        panel = make(facts)
        if panel:
            panels.append(panel)
        if on_panel:
            on_panel(index + 1, len(PANELS))
    return Page(
        title=say("{title}, run {run}", title=facts.competition.title, run=facts.run_id),
        lead=verdict(facts),
        panels=panels,
        data={
            "run_id": facts.run_id,
            "competition": facts.competition.name,
            "scores": dict(facts.scores),
            "config": dict(facts.config),
        },
    )


def write_report(
    run_id: str,
    workspace: Workspace,
    *,
    path: Path | None = None,
    language: Language = "en",
    on_panel: OnPanel | None = None,
) -> Path:
    """Write the report of a run; returns the file.

    Args:
        run_id: the id of a run, or the beginning of the id.
        path: the file; None: report.html in the run's folder.

    Raises:
        RunError: there is no such run, or run.json is damaged.
        DiskError: the file cannot be written.
    """
    facts = read_facts(run_id, workspace)
    return write_report_of(facts, path=path, language=language, on_panel=on_panel)


def write_report_of(
    facts: RunFacts,
    *,
    path: Path | None = None,
    language: Language = "en",
    on_panel: OnPanel | None = None,
) -> Path:
    """As `write_report`, of facts that are read already."""
    page = report_page(facts, on_panel)
    return write_page(page, path or facts.folder.report, language)
