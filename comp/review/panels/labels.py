"""Several labels: how well each is ranked and decided, and which mistakes occur together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from comp.page.blocks import Block, Figure, Panel, Paragraph, Part, Table, not_here
from comp.page.charts import Bar, BarChart, LineChart, Series
from comp.page.words import Text, say
from comp.review.facts import RunFacts
from comp.review.figures import thresholds as at
from comp.review.figures.calibration import calibration_blocks
from comp.review.figures.estimates import estimate_tables
from comp.review.figures.rank_curves import CURVES, areas, precision_figure, rank_curves, roc_figure
from comp.review.figures.rows import finite_rows

ROWS = 50
PAIRS = 10
MOST_LABELS = 200
"""Labels whose mistakes are compared with each other: those with the most mistakes."""


@dataclass(frozen=True, kw_only=True)
class LabelRow:
    """How one label is ranked and decided; NaN where a value is not defined."""

    label: int
    positives: int
    decided: int
    auc: float
    average_precision: float
    recall: float
    precision: float
    f1: float


def panel(facts: RunFacts) -> Panel | None:
    """The panel of several labels; None for other tasks."""
    task, numbers = facts.task, facts.numbers
    fits = task.suspects == "labels" and task.output == "numbers"
    if not fits or numbers is None:
        return None
    kept, blocks = finite_rows(numbers)
    if not len(kept.ids):
        return Panel(id="labels", title=say("Labels"), blocks=blocks)
    truth, chances, names = kept.targets == 1, kept.predictions, list(task.labels)
    decided = None if kept.decided is None else kept.decided == 1
    rows = label_rows(truth, chances, decided)
    blocks += [_table(rows, names, kept.params), *_curves(rows, truth, chances, names)]
    blocks += [
        Part(title=say("Thresholds")),
        *_thresholds(rows, truth, chances, names, kept.params),
    ]
    event = say("all labels together")
    blocks += [Part(title=say("Calibration"))]
    blocks += calibration_blocks(truth.ravel(), chances.ravel(), event)
    blocks += [Part(title=say("Mistakes")), *_mistakes(truth, decided, names)]
    blocks += estimate_tables(facts.scores)
    return Panel(id="labels", title=say("Labels"), blocks=blocks, how_to_read=_how())


def label_rows(
    truth: np.ndarray, chances: np.ndarray, decided: np.ndarray | None
) -> list[LabelRow]:
    """The labels with the lowest F1, or without decisions the rarest ones, at most 50, sorted by
    their area under ROC.

    Args:
        truth: bool (N, K).
        chances: float (N, K).
        decided: bool (N, K).
    """
    own = truth.sum(0)
    taken = np.full(len(own), -1) if decided is None else decided.sum(0)
    hits = np.full(len(own), np.nan) if decided is None else (truth & decided).sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall, precision, f1 = hits / own, hits / taken, 2 * hits / (own + taken)
    worst = np.argsort(np.nan_to_num(own if decided is None else f1, nan=2.0), kind="stable")
    rows = []
    for k in worst[:ROWS].tolist():
        auc, average = areas(truth[:, k], chances[:, k])
        rows.append(
            LabelRow(
                label=k,
                positives=int(own[k]),
                decided=int(taken[k]),
                auc=auc,
                average_precision=average,
                recall=float(recall[k]),
                precision=float(precision[k]),
                f1=float(f1[k]),
            )
        )
    return sorted(rows, key=lambda row: (row.auc != row.auc, row.auc))


def _table(rows: Sequence[LabelRow], names: Sequence[str], params: Sequence[float]) -> Table:
    has = len(params) == len(names)
    return Table(
        columns=[
            say("label"),
            say("samples"),
            say("decided"),
            say("area under ROC"),
            say("average precision"),
            say("recall"),
            say("precision"),
            "F1",
            say("threshold"),
        ],
        rows=[
            [
                names[row.label],
                row.positives,
                row.decided if row.decided >= 0 else None,
                row.auc,
                row.average_precision,
                row.recall,
                row.precision,
                row.f1,
                float(params[row.label]) if has else None,
            ]
            for row in rows
        ],
        caption=say("{n} of {m} labels, lowest area first", n=len(rows), m=len(names)),
        decimals=3,
    )


def _curves(
    rows: Sequence[LabelRow], truth: np.ndarray, chances: np.ndarray, names: Sequence[str]
) -> list[Block]:
    worst = [row.label for row in rows if row.auc == row.auc][:CURVES]
    found = [(names[k], rank_curves(truth[:, k], chances[:, k])) for k in worst]
    curves = [(name, curve) for name, curve in found if curve]
    if not curves:
        return [not_here(say("no label has samples with and without it."))]
    blocks: list[Block] = [Part(title=say("Ranking"))]
    if len(rows) > len(curves):
        words = say("Shown are the {n} labels with the lowest area.", n=len(curves))
        blocks.append(Paragraph(words))
    return [*blocks, roc_figure(curves), precision_figure(curves, None)]


def _thresholds(
    rows: Sequence[LabelRow],
    truth: np.ndarray,
    chances: np.ndarray,
    names: Sequence[str],
    params: Sequence[float],
) -> list[Block]:
    """F1 of the labels with the lowest F1 against their thresholds."""
    if len(params) != len(names):
        return [not_here(say("the labels have no thresholds."))]
    known = [row for row in rows if row.positives and row.f1 == row.f1]
    worst = sorted(known, key=lambda row: row.f1)[:CURVES]
    series = []
    for row in worst:
        column = chances[:, row.label]
        found = at.counts(truth[:, row.label], column, at.grid(column))
        name = say(
            "{name}, submitted {value:.4g}",
            name=names[row.label],
            value=float(params[row.label]),
        )
        series.append(Series(name=name, x=found.thresholds.tolist(), y=found.f1.tolist()))
    if not series:
        return [not_here(say("no label has samples."))]
    same = len(set(params)) == 1
    mark = (float(params[0]), say("submitted {value:.4g}", value=float(params[0])))
    return [
        Figure(
            LineChart(
                title=say("F1 against the threshold: the labels with the lowest F1"),
                series=series,
                x_label=say("threshold"),
                y_label="F1",
                marks=[mark] if same else [],
            )
        )
    ]


def _mistakes(truth: np.ndarray, decided: np.ndarray | None, names: Sequence[str]) -> list[Block]:
    if decided is None:
        return [not_here(say("the task makes no decisions."))]
    wrong = (truth != decided).sum(1)
    lead = say(
        "A sample has {true:.2f} labels on average, and {decided:.2f} are decided. All labels are "
        "right for {right:.1%} of the samples.",
        true=float(truth.sum(1).mean()),
        decided=float(decided.sum(1).mean()),
        right=float((wrong == 0).mean()),
    )
    most = int(min(wrong.max(initial=0), 9))
    bars = [Bar(label=_of(k, most), value=float((wrong == k).sum())) for k in range(most)]
    bars.append(Bar(label=_of(most, most), value=float((wrong >= most).sum())))
    blocks: list[Block] = [
        Paragraph(lead),
        Figure(
            BarChart(
                title=say("Wrong labels of a sample"),
                bars=bars,
                value_label=say("samples"),
                decimals=0,
            )
        ),
    ]
    swapped, together = pairs_of_mistakes(truth, decided)
    columns = [say("samples"), say("share of the missed")]
    if swapped:
        blocks.append(
            Table(
                columns=[say("missed"), say("decided instead"), *columns],
                rows=[[names[a], names[b], n, share] for a, b, n, share in swapped],
                caption=say("One label missed, another one wrongly decided"),
                decimals=3,
                bars=2,
            )
        )
    if together:
        blocks.append(
            Table(
                columns=[say("missed"), say("missed too"), *columns],
                rows=[[names[a], names[b], n, share] for a, b, n, share in together],
                caption=say("Labels that are missed together"),
                decimals=3,
                bars=2,
            )
        )
    return blocks


def _of(count: int, most: int) -> Text:
    if count == 0:
        return say("none")
    return say("{n} or more", n=count) if count == most == 9 else str(count)


Pairs = list[tuple[int, int, int, float]]
"""Two labels, the samples of the mistake, and their share of the samples that miss the first."""


def pairs_of_mistakes(truth: np.ndarray, decided: np.ndarray) -> tuple[Pairs, Pairs]:
    """The pairs of labels of which the first is missed and the second is wrongly decided, and those
    that are missed together; the most frequent first.

    Args:
        truth: bool (N, K).
        decided: bool (N, K).
    """
    mistakes = (truth != decided).sum(0)
    used = np.sort(np.argsort(-mistakes, kind="stable")[:MOST_LABELS])
    missed = (truth & ~decided)[:, used].astype(np.float32)
    added = (~truth & decided)[:, used].astype(np.float32)
    totals = missed.sum(0)
    swapped, together = missed.T @ added, np.triu(missed.T @ missed, 1)

    def largest(table: np.ndarray) -> Pairs:
        order = np.argsort(-table, axis=None, kind="stable")[:PAIRS]
        cells = [divmod(int(cell), len(used)) for cell in order]
        return [
            (int(used[a]), int(used[b]), int(table[a, b]), float(table[a, b] / totals[a]))
            for a, b in cells
            if table[a, b]
        ]

    return largest(swapped), largest(together)


def _how() -> Text:
    return say(
        "Each label is a question of its own: yes or no. The area under ROC says how well samples "
        "with the label are ranked above those without it, 1 is perfect and 0.5 is guessing. The "
        "average precision also counts how rare the label is. A label with a good area but a low "
        "F1 has a bad threshold, or probabilities that are too high or too low. Pairs of mistakes "
        "that occur together show labels that look alike."
    )
