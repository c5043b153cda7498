"""The index page: all runs and submissions of a workspace, out of fold against the leaderboard."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from comp.errors import RunError
from comp.kaggle.history import history_rows, score_contradiction
from comp.page.blocks import Block, Figure, Page, Panel, Paragraph
from comp.page.charts import LineChart, Series
from comp.page.document import write_page
from comp.page.words import Language, Say, say
from comp.review.index_table import Part, table
from comp.runs.catalog import list_runs
from comp.runs.verdicts import read_marks
from comp.submission.ledger import Ledger, submitted_runs
from comp.workspace import Workspace

ENOUGH = 5
"""Scored submissions that a correlation needs."""


def index_path(workspace: Workspace) -> Path:
    """The file of the index page."""
    return workspace.out / "runs" / "report.html"


def write_index(
    workspace: Workspace, *, path: Path | None = None, language: Language = "en"
) -> Path:
    """Write the index page; returns its file.

    Args:
        path: the file; None: report.html in the folder of the runs.

    Raises:
        RunError: there are no runs and no submissions, or the folder of the runs cannot be read.
        DiskError: the file cannot be written.
    """
    file = (path or index_path(workspace)).absolute()
    return write_page(index_page(workspace, file), file, language)


def index_page(workspace: Workspace, path: Path | None = None) -> Page:
    """All runs and submissions of a workspace, from its files alone.

    Args:
        path: where the page will be, for its links; None: `index_path`.

    Raises:
        RunError: there are none, or the folder of the runs cannot be read.
    """
    parts = read_parts(workspace)
    if not parts:
        raise RunError("no runs and no submissions here: start a run with 'comp run NAME'")
    marks = read_marks([run for part in parts for run in part.runs])
    folder = (path or index_path(workspace)).parent
    panels = [_panel(part, marks, folder, index) for index, part in enumerate(parts)]
    sent = sum(1 for part in parts for row in part.rows if row.ref is not None)
    return Page(
        title=say("Runs and submissions"),
        lead=say(
            "Runs: {runs}. Competitions: {competitions}. Submissions that Kaggle has: {sent}.",
            runs=sum(len(part.runs) for part in parts),
            competitions=len(parts),
            sent=sent,
        ),
        panels=panels,
        data={"competitions": {part.name: _data(part) for part in parts}},
    )


def read_parts(workspace: Workspace) -> list[Part]:
    """The competitions that have runs or submissions, by name."""
    runs = list_runs(workspace, submitted_runs(workspace))
    rows = history_rows(workspace, Ledger(workspace.ledger))
    names = sorted({run.competition for run in runs} | {row.competition for row in rows})
    return [
        Part(
            name=name,
            runs=sorted((r for r in runs if r.competition == name), key=lambda run: run.age_s),
            rows=[row for row in rows if row.competition == name],
        )
        for name in names
    ]


def _data(part: Part) -> dict[str, object]:
    return {
        "runs": {run.run_id: run.cv_score for run in part.runs},
        "public": [[row.run_id, score, public] for row, score, public in part.scored],
    }


def _panel(part: Part, marks: Mapping[Path, str], folder: Path, index: int) -> Panel:
    blocks: list[Block] = [table(part, marks, folder), *_against_leaderboard(part)]
    return Panel(
        id=f"competition-{index + 1}",
        title=part.name,
        blocks=blocks,
        how_to_read=say(
            "Bars compare the runs with the same metric; the longest is the best. Runs "
            "that are like the best cannot be told from it: their difference may be chance. "
            "'comp runs --compare' finds them. Points of a good validation rise together: what is "
            "better out of fold is better on the leaderboard. The distance from the diagonal "
            "matters less than the order."
        ),
    )


def _against_leaderboard(part: Part) -> list[Block]:
    scored = part.scored
    if len(scored) < 2:
        return []
    chart = LineChart(
        title=say("Out of fold against the public leaderboard"),
        series=[
            Series(
                name=say("submissions"),
                x=[score for _, score, _ in scored],
                y=[public for _, _, public in scored],
                dots=True,
                labels=[row.run_id or row.file for row, _, _ in scored],
            )
        ],
        x_label=say("OOF {metric}", metric=part.metric),
        y_label=say("public score"),
        diagonal=True,
    )
    blocks: list[Block] = [Figure(chart), Paragraph(agreement(part))]
    warning = score_contradiction(part.rows)
    return [*blocks, Paragraph(warning, "warning")] if warning else blocks


def agreement(part: Part) -> Say:
    """How far the order out of fold is that of the leaderboard."""
    from scipy.stats import spearmanr

    pairs = np.array([[score, public] for _, score, public in part.scored])
    if len(pairs) < ENOUGH:
        return say(
            "{n} submissions are too few for a correlation; {enough} are needed.",
            n=len(pairs),
            enough=ENOUGH,
        )
    if np.ptp(pairs, axis=0).min() == 0:
        return say("There is no correlation: all scores are the same.")
    return say(
        "The rank correlation of both scores over {n} submissions is {value:+.2f}; 1 is the same "
        "order, and 0 is no relation.",
        n=len(pairs),
        value=float(spearmanr(pairs[:, 0], pairs[:, 1]).statistic),
    )
