"""The curves of two runs over each other, and what the runs cost."""

from __future__ import annotations

from pathlib import Path

import pytest
from reported import history, two_classes

from comp.page.blocks import Figure, Panel, Table
from comp.page.charts import LineChart
from comp.review.pair.both import Both
from comp.review.pair.curves import MOST_FOLDS
from comp.review.pair.page import both_of, pair_page


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Both:
    """A network with curves of both folds, and a run whose second fold has none."""
    monkeypatch.setattr("comp.pipeline.compare.DRAWS", 30)
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    scores = [0.5, 0.7, 0.8]
    runs.add("a1", predictions, folds, histories={0: history(scores), 1: history(scores)})
    other = {name: 1 - value for name, value in predictions.items()}
    slow = {0: {"fit_s": 30.0, "steps": 80, "images_per_second": 50.0}}
    runs.add("b1", other, folds, histories={0: history(scores[:2])}, metas=slow)
    return both_of("a1", "b1", runs.workspace)


def panel(both: Both, name: str) -> Panel:
    return next(panel for panel in pair_page(both).panels if panel.id == name)


def test_each_fold_of_both_runs_has_a_line(both: Both) -> None:
    score, loss = (b.chart for b in panel(both, "curves").blocks if isinstance(b, Figure))
    assert isinstance(score, LineChart)
    assert isinstance(loss, LineChart)
    assert [str(line.name) for line in score.series] == ["A, fold 0", "A, fold 1", "B, fold 0"]
    assert [line.dashed for line in score.series] == [False, False, True]
    assert [line.colour for line in score.series] == [0, 0, 1]
    assert list(score.series[2].y) == [0.5, 0.7]
    assert list(loss.series[0].x) == [10, 20, 30]


def test_few_folds_are_drawn(both: Both) -> None:
    many = [both.first.folds[0]] * 9
    object.__setattr__(both.first, "folds", many)
    figure = panel(both, "curves").blocks[0]
    assert isinstance(figure, Figure)
    assert isinstance(figure.chart, LineChart)
    assert len(figure.chart.series) == MOST_FOLDS + 1


def test_the_time_of_both(both: Both) -> None:
    (table,) = panel(both, "time").blocks
    assert isinstance(table, Table)
    rows = {str(name): values for name, *values in table.rows}
    assert rows["finished folds"] == [2, 2]
    assert rows["seconds of all folds"] == pytest.approx([26, 46])
    assert rows["optimizer steps of all folds"] == [80, 120]
    assert rows["samples a second while training"] == pytest.approx([100, 75])


def test_runs_without_networks_have_no_curves(both: Both) -> None:
    for facts in (both.first, both.second):
        folds = [type(f)(fold=f.fold, path=f.path, meta=f.meta) for f in facts.folds]
        object.__setattr__(facts, "folds", folds)
    assert "curves" not in [panel.id for panel in pair_page(both).panels]
