"""The panel of the columns of a table."""

from __future__ import annotations

from pathlib import Path

import pytest
from reported import texts, two_classes

from comp.page.blocks import Figure
from comp.page.charts import BarChart
from comp.review.panels.columns import MOST, mean_of, panel


def test_columns_have_the_mean_and_the_ends_of_the_folds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    metas = {
        0: {"importances": {"age": 0.1, "<b>": -0.1}},
        1: {"importances": {"age": 0.3, "<b>": 0.0}},
    }
    found = panel(runs.add("r", predictions, folds, metas=metas))
    assert found is not None
    (chart,) = [b.chart for b in found.blocks if isinstance(b, Figure)]
    assert isinstance(chart, BarChart)
    bars = [(bar.label, bar.value, bar.low, bar.high) for bar in chart.bars]
    assert bars == [("age", pytest.approx(0.2), 0.1, 0.3), ("<b>", -0.05, -0.1, 0.0)]
    assert "Shuffling 1 of 2 columns" in texts(found)


def test_of_many_columns_the_first_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    metas = {0: {"importances": {f"c{i}": 1.0 / (i + 1) for i in range(100)}}}
    found = panel(runs.add("r", predictions, folds, metas=metas))
    assert found is not None
    assert f"first {MOST} of 100 columns" in texts(found)


def test_a_column_that_a_fold_lacks_is_the_mean_of_the_others() -> None:
    assert mean_of([{"a": 1.0}, {"a": 3.0, "b": 5.0}]) == {"a": 2.0, "b": 5.0}


def test_images_have_no_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    assert panel(runs.add("r", predictions, folds)) is None
