"""Confusion of classes."""

from __future__ import annotations

import numpy as np

from comp.page.blocks import Figure, Table
from comp.page.charts import Heatmap
from comp.review.figures.confusion import (
    MOST_CLASSES,
    confusion_blocks,
    matrix_of,
    most_confused,
    worst_classes,
)


def test_the_most_confused_pair_comes_first_with_its_share() -> None:
    truth = np.array([0] * 10 + [1] * 4 + [2] * 2)
    decided = np.array([0] * 7 + [1] * 3 + [1] * 2 + [0] * 2 + [2, 2])
    pairs = most_confused(matrix_of(truth, decided, 3))
    assert [(p.truth, p.decided, p.count, p.share) for p in pairs] == [
        (0, 1, 3, 0.3),
        (1, 0, 2, 0.5),
    ]


def test_a_thousand_classes_show_the_worst_with_all_their_samples() -> None:
    rng = np.random.default_rng(0)
    truth = np.arange(10_000) % 1000
    decided = np.where(truth < 20, rng.integers(0, 1000, 10_000), truth)
    matrix = matrix_of(truth, decided, 1000)
    names = [f"class {k}" for k in range(1000)]
    blocks = confusion_blocks(matrix, names, ordered=False)
    chart = next(b.chart for b in blocks if isinstance(b, Figure))
    assert isinstance(chart, Heatmap)
    shown = worst_classes(matrix)
    assert list(chart.rows) == [names[k] for k in shown]
    assert len(shown) == MOST_CLASSES < len(chart.columns)
    assert set(shown) <= set(range(20))
    assert [sum(row) for row in chart.values] == matrix[shown].sum(1).tolist()


def test_two_classes_need_no_table_of_pairs() -> None:
    blocks = confusion_blocks(np.array([[3, 1], [2, 4]]), ["a", "b"], ordered=False)
    assert not [b for b in blocks if isinstance(b, Table)]
