"""Which classes are taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from comp.page.blocks import Block, Figure, Paragraph, Table
from comp.page.charts import Heatmap
from comp.page.words import Text, say

MOST_CLASSES = 12
"""Classes of a confusion matrix that are shown."""
MOST_PAIRS = 10
"""Pairs of classes in a table."""


@dataclass(frozen=True)
class ConfusedPair:
    """A class that is taken for another one."""

    truth: int
    decided: int
    count: int
    share: float
    """Of the samples of the true class."""


def matrix_of(truth: np.ndarray, decided: np.ndarray, count: int) -> np.ndarray:
    """Samples by true class (rows) and decided class (columns), int64 (count, count)."""
    from sklearn.metrics import confusion_matrix

    found: np.ndarray = confusion_matrix(truth, decided, labels=np.arange(count))
    return found


def worst_classes(matrix: np.ndarray, most: int = MOST_CLASSES) -> list[int]:
    """The classes with the most mistakes, of their own samples and of others taken for them; in
    the order of the classes."""
    wrong = matrix.sum(0) + matrix.sum(1) - 2 * np.diag(matrix)
    return sorted(np.argsort(-wrong, kind="stable")[:most].tolist())


def most_confused(matrix: np.ndarray, most: int = MOST_PAIRS) -> list[ConfusedPair]:
    """The pairs of classes with the most mistakes, largest first."""
    wrong = matrix.copy()
    np.fill_diagonal(wrong, 0)
    totals = matrix.sum(1)
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    found = [divmod(int(cell), len(matrix)) for cell in order]
    return [
        ConfusedPair(t, d, int(wrong[t, d]), float(wrong[t, d] / totals[t]))
        for t, d in found
        if wrong[t, d]
    ]


def confusion_blocks(matrix: np.ndarray, names: Sequence[str], ordered: bool) -> list[Block]:
    """The confusion matrix, of many classes that of the worst, and the most confused pairs.

    Args:
        ordered: the classes are grades.
    """
    blocks: list[Block] = []
    shown = worst_classes(matrix)
    values = matrix[np.ix_(shown, shown)].tolist()
    columns: list[Text] = [names[k] for k in shown]
    if len(shown) < len(matrix):
        words = say(
            "Of {n} classes, the {m} with the most mistakes are shown.",
            n=len(matrix),
            m=len(shown),
        )
        blocks.append(Paragraph(words))
        columns.append(say("others"))
        rest = matrix[shown].sum(1) - matrix[np.ix_(shown, shown)].sum(1)
        values = [[*row, int(left)] for row, left in zip(values, rest, strict=True)]
    blocks.append(
        Figure(
            Heatmap(
                title=say("Confusion of grades") if ordered else say("Confusion matrix"),
                rows=[names[k] for k in shown],
                columns=columns,
                values=values,
                row_label=say("truth"),
                column_label=say("decided"),
            )
        )
    )
    pairs = most_confused(matrix)
    if len(matrix) > 2 and pairs:
        blocks.append(pairs_table(pairs, names))
    return blocks


def pairs_table(pairs: Sequence[ConfusedPair], names: Sequence[str]) -> Table:
    """The most confused pairs as a table."""
    return Table(
        columns=[say("truth"), say("decided"), say("samples"), say("share of the truth")],
        rows=[[names[p.truth], names[p.decided], p.count, p.share] for p in pairs],
        caption=say("Most confused pairs"),
        decimals=3,
        bars=2,
    )
