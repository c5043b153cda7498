"""The panel of grades."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from reported import ReportedRuns, texts, two_classes

from comp.contract.metric import Metric
from comp.contract.metrics import QWK, RMSE
from comp.contract.sample import Sample
from comp.page.blocks import Figure, Page, Table
from comp.page.charts import BarChart, Histogram
from comp.page.document import render
from comp.review.facts import RunFacts
from comp.review.panels.grades import panel, spread
from comp.tasks.ordinal import ordinal


def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, metric: Metric = QWK, grades: int = 4
) -> RunFacts:
    """Grades that are predicted too low from 2 on."""
    samples = [Sample(id=f"s{i}", target=i % grades) for i in range(20 * grades)]
    runs = ReportedRuns(tmp_path, monkeypatch, samples, task=ordinal(grades), metric=metric)
    rng = np.random.default_rng(0)
    predictions = {
        s.id: float(max(0, i % grades - 0.7 * (i % grades > 1) + 0.1 * rng.standard_normal()))
        for i, s in enumerate(samples)
    }
    return runs.add("r", predictions, {s.id: i // grades % 2 for i, s in enumerate(samples)})


def test_fitted_cut_points_are_beside_those_of_the_folds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = run(tmp_path, monkeypatch)
    found = panel(facts)
    assert found is not None
    assert facts.decisions is not None
    table = next(b for b in found.blocks if isinstance(b, Table))
    params, folds = facts.decisions.params, list(facts.decisions.by_fold.values())
    for index, row in enumerate(table.rows):
        ends = [fold[index] for fold in folds]
        assert list(row) == [str(index + 1), index + 0.5, params[index], min(ends), max(ends)]
    assert params != (0.5, 1.5, 2.5)
    assert f"fitted for {QWK.name}" in texts(found)
    charts = [b.chart for b in found.blocks if isinstance(b, Figure)]
    values = next(chart for chart in charts if isinstance(chart, Histogram))
    assert [mark for mark, _ in values.marks] == list(params)
    for language in ("en", "ko"):
        assert "<svg" in render(Page(title="x", panels=[found]), language)  # type: ignore[arg-type]


def test_bars_say_by_how_many_grades_decisions_are_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = run(tmp_path, monkeypatch, metric=RMSE)
    found = panel(facts)
    assert found is not None
    assert facts.numbers is not None
    assert facts.numbers.decided is not None
    assert "cut points are the default" in texts(found)
    charts = [b.chart for b in found.blocks if isinstance(b, Figure)]
    bars = next(chart for chart in charts if isinstance(chart, BarChart)).bars
    low = int((facts.numbers.decided - facts.numbers.targets == -1).sum())
    assert {str(bar.label): bar.value for bar in bars}["1 too low"] == low > 20


def test_many_grades_have_no_histogram(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = panel(run(tmp_path, monkeypatch, metric=RMSE, grades=20))
    assert found is not None
    charts = [b.chart for b in found.blocks if isinstance(b, Figure)]
    assert not [chart for chart in charts if isinstance(chart, Histogram)]


def test_a_grade_without_samples_has_no_median() -> None:
    found = spread(np.array([0, 0, 2]), np.array([0.0, 1.0, 5.0]), 3)
    assert [(grade, points[1]) for grade, points in found] == [(0, 0.5), (2, 5.0)]


def test_classes_are_no_grades(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    assert panel(runs.add("r", predictions, folds)) is None
