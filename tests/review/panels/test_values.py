"""The panel of numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from reported import ReportedRuns, texts, two_classes

from comp.contract.metrics import RMSE
from comp.contract.sample import Sample
from comp.page.blocks import Figure, Page, Table
from comp.page.charts import BarChart, LineChart
from comp.page.document import render
from comp.review.facts import RunFacts
from comp.review.panels.values import output_rows, panel
from comp.tasks.regression import regression


def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, targets: np.ndarray, predicted: np.ndarray
) -> RunFacts:
    samples = [
        Sample(id=f"s{i}", target=tuple(row.tolist()) if len(row) > 1 else float(row[0]))
        for i, row in enumerate(targets)
    ]
    names = [f"column {k}" for k in range(targets.shape[1])]
    runs = ReportedRuns(tmp_path, monkeypatch, samples, task=regression(names), metric=RMSE)
    folds = {s.id: i % 2 for i, s in enumerate(samples)}
    return runs.add("r", {s.id: predicted[i] for i, s in enumerate(samples)}, folds)


def test_predictions_that_shrink_have_a_slope_and_errors_by_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    targets = np.linspace(10, 20, 100)[:, None]
    facts = run(tmp_path, monkeypatch, targets, 15 + 0.5 * (targets - 15))
    found = panel(facts)
    assert found is not None
    table = next(b for b in found.blocks if isinstance(b, Table))
    name, rmse, _mae, bias, _r2, slope, largest = table.rows[0]
    assert name == "column 0"
    assert rmse == pytest.approx(facts.scores["cv_score"], rel=1e-5)
    assert [bias, slope, largest] == pytest.approx([0, 0.5, 2.5], abs=1e-5)
    charts = {str(b.chart.title): b.chart for b in found.blocks if isinstance(b, Figure)}
    scatter = charts["Predicted against true"]
    assert isinstance(scatter, LineChart)
    assert set(scatter.series[1].labels[:2]) == {"s0", "s99"}
    bars = charts["Error by the size of the target"]
    assert isinstance(bars, BarChart)
    assert [len(bars.bars), bars.bars[0].value] == [10, pytest.approx(2.25, abs=0.1)]
    assert bars.bars[4].value < 0.6
    for language in ("en", "ko"):
        assert "<svg" in render(Page(title="x", panels=[found]), language)  # type: ignore[arg-type]


def test_targets_that_are_cut_off_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    targets = np.minimum(np.linspace(0, 10, 100), 9.0)[:, None]
    found = panel(run(tmp_path, monkeypatch, targets, targets * 0.9))
    assert found is not None
    assert "10 samples (10.0%) have the target 9" in texts(found)
    assert "have the target 0," not in texts(found)


def test_constant_targets_and_equal_predictions_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = panel(run(tmp_path, monkeypatch, np.full((8, 1), 3.0), np.full((8, 1), 3.0)))
    assert found is not None
    assert "<svg" in render(Page(title="x", panels=[found]))


def test_of_several_outputs_the_worst_have_charts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    targets = rng.standard_normal((60, 5))
    found = panel(run(tmp_path, monkeypatch, targets, targets + np.arange(5) * 0.3))
    assert found is not None
    words = [str(block.title) for block in found.blocks if hasattr(block, "title")]
    assert words == ["column 4", "column 3", "column 2"]


def test_the_row_of_a_constant_output_has_no_r2() -> None:
    rows = output_rows(np.array([[1.0, 5], [2, 5], [3, 5]]), np.array([[1.0, 5], [2, 5], [4, 6]]))
    assert [row.output for row in rows] == [0, 1]
    assert rows[0].r2 == pytest.approx(0.5)
    assert np.isnan(rows[1].r2)


def test_classes_are_no_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    assert panel(runs.add("r", predictions, folds)) is None


def test_numbers_of_any_size_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    targets = np.random.default_rng(0).normal(size=(40, 1)) * 1e30
    found = panel(run(tmp_path, monkeypatch, targets, np.zeros((40, 1))))
    assert found is not None
    assert "e+30" in render(Page(title="x", panels=[found]))
