"""The HTML file of two runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from comp.page.document import write_page
from comp.page.words import Language
from comp.review.pair.page import both_of, pair_page
from comp.workspace import Workspace


def write_pair(
    first: str,
    second: str,
    workspace: Workspace,
    *,
    path: Path | None = None,
    language: Language = "en",
    on_panel: Callable[[int, int], None] | None = None,
) -> Path:
    """Write the page of two runs; returns its file.

    Args:
        first: the id of a run, or the beginning of the id; `second` likewise.
        path: the file; None: compare-<A>-<B>.html beside the folders of the runs.
        on_panel: called with the number of parts that are made and the number of all.

    Raises:
        RunError: there is no such run, or the runs cannot be compared.
        DataError: the data is missing, has changed, or has other targets in one of the runs.
        DiskError: the file cannot be written.
    """
    both = both_of(first, second, workspace, on_panel=on_panel)
    found = both.found
    default = workspace.runs(found.competition) / f"compare-{found.first}-{found.second}.html"
    return write_page(pair_page(both), (path or default).absolute(), language)
