"""The table of the runs and submissions of one competition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from comp.page.blocks import Cell, Link, Table
from comp.page.words import Say, Text, say
from comp.runs.catalog import RunInfo
from comp.runs.folder import RunFolder
from comp.runs.results import HistoryRow
from comp.runs.verdicts import BEST, LIKE_BEST, OF_ITS_FOLDS
from comp.submission.ledger import number

MOST_ROWS = 200
"""Runs of a competition that are listed, the newest first."""
MOST_CHANGES = 3
"""Changed keys of a run that are listed."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """The runs and submissions of one competition."""

    name: str
    runs: Sequence[RunInfo]
    """The newest first."""
    rows: Sequence[HistoryRow]
    """Finished runs and submissions, the oldest first."""

    @property
    def metric(self) -> str:
        """The name of the metric."""
        named = [run.metric for run in self.runs] + [row.metric for row in self.rows]
        return next((name for name in named if name), "")

    @property
    def scored(self) -> list[tuple[HistoryRow, float, float]]:
        """(row, score out of fold, public score) of the submissions that have both."""
        return [
            (row, row.cv_score, public)
            for row in self.rows
            if row.cv_score is not None and (public := number(row.public)) is not None
        ]


def table(part: Part, marks: Mapping[Path, str], folder: Path) -> Table:
    """The table.

    Args:
        marks: of runs, by their folder.
        folder: of the page, for its links.
    """
    by_run: dict[str, list[HistoryRow]] = {}
    for row in part.rows:
        by_run.setdefault(row.run_id, []).append(row)
    shares = bar_shares(part.runs)
    rows: list[list[Cell]] = []
    lengths: list[float | None] = []
    for run in part.runs:
        found: Sequence[HistoryRow | None] = by_run.pop(run.run_id, ()) or [None]
        for sent in found:
            rows.append(_run_cells(run, sent, marks, folder))
            lengths.append(shares.get(run.path))
    for row in (row for others in by_run.values() for row in others):
        name = row.run_id or row.file
        rows.append(
            [name, _minute(row.date), say("only submitted"), row.cv_score, "", *_sent_cells(row)]
        )
        lengths.append(None)
    columns: list[Text] = [
        *(say("run"), say("started"), say("state"), say("OOF {metric}", metric=part.metric)),
        *(say("folds"), say("changes"), say("on Kaggle"), say("public"), say("private")),
    ]
    used = [i for i in range(len(columns)) if any(row[i] not in ("", None) for row in rows)]
    return Table(
        columns=[columns[index] for index in used],
        rows=[[row[index] for index in used] for row in rows],
        decimals=5,
        shares=lengths,
        most=MOST_ROWS,
    )


def _run_cells(
    run: RunInfo, row: HistoryRow | None, marks: Mapping[Path, str], folder: Path
) -> list[Cell]:
    return [
        _name(run, folder),
        _minute(run.started),
        _state(run, marks.get(run.path, "")),
        run.cv_score,
        f"{run.folds_done}/{run.folds}" if run.folds else "",
        *_sent_cells(row),
    ]


def _minute(moment: str) -> str:
    return moment[:16].replace("T", " ")


def _name(run: RunInfo, folder: Path) -> Cell:
    """The id of a run; a link, if it has a report below the folder of the page."""
    report = RunFolder(run.path).report
    if report.is_file() and report.is_relative_to(folder):
        return Link(run.run_id, report.relative_to(folder).as_posix())
    return run.run_id


def _state(run: RunInfo, mark: str) -> Say:
    states = {
        "running": say("running"),
        "finished": say("finished"),
        "interrupted": say("interrupted"),
        "failed": say("failed"),
        "damaged": say("damaged"),
    }
    marks = {
        BEST: say("best"),
        LIKE_BEST: say("like the best"),
        BEST + OF_ITS_FOLDS: say("best of its folds"),
        LIKE_BEST + OF_ITS_FOLDS: say("like the best of its folds"),
    }
    words = states[run.state]
    if run.synthetic:
        words = say("{state}, synthetic", state=words)
    return say("{state}, {mark}", state=words, mark=marks[mark]) if mark in marks else words


def _sent_cells(row: HistoryRow | None) -> list[Cell]:
    if row is None:
        return ["", "", None, None]
    states = {
        "creating": say("unknown"),
        "unknown": say("unknown"),
        "created": say("being scored"),
        "refused": say("refused"),
        "scored": say("scored"),
        "error": say("scoring error"),
    }
    public, private = (number(text) for text in (row.public, row.private))
    return [_changes(row), states.get(row.state, ""), public, private]


def _changes(row: HistoryRow) -> Text:
    words = [f"{key}={'unset' if value is None else value}" for key, value in row.changes.items()]
    shown = ", ".join(words[:MOST_CHANGES])
    if len(words) <= MOST_CHANGES:
        return shown
    return say("{keys} and {n} more", keys=shown, n=len(words) - MOST_CHANGES)


def bar_shares(runs: Sequence[RunInfo]) -> dict[Path, float]:
    """The length of the bar of each run with a score, 0..1: 1 for the best of those with the same
    metric, 0.1 for the worst."""
    groups: dict[tuple[object, ...], list[tuple[Path, float]]] = {}
    for run in runs:
        if run.cv_score is not None:
            kind = (run.metric, run.direction, run.synthetic, run.part)
            score = -run.cv_score if run.direction == "min" else run.cv_score
            groups.setdefault(kind, []).append((run.path, score))
    shares: dict[Path, float] = {}
    for group in groups.values():
        scores = [score for _, score in group]
        worst, span = min(scores), max(scores) - min(scores)
        shares |= {path: 0.1 + 0.9 * ((s - worst) / span if span else 1.0) for path, s in group}
    return shares
