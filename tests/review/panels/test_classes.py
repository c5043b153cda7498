"""The panel of exclusive classes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from reported import ReportedRuns, texts, two_classes

from comp.contract.metrics import ACCURACY, RMSE
from comp.contract.sample import Sample
from comp.page.blocks import Figure, Page, Panel, Table
from comp.page.charts import Heatmap, LineChart
from comp.page.document import render
from comp.review.facts import RunFacts
from comp.review.panels.classes import class_rows, panel
from comp.tasks.multiclass import multiclass
from comp.tasks.regression import regression


def charts(found: Panel | None) -> dict[str, LineChart | Heatmap]:
    """The charts of a panel by their title, which must all be drawn in both languages."""
    assert found is not None
    for language in ("en", "ko"):
        assert "<svg" in render(Page(title="x", panels=[found]), language)  # type: ignore[arg-type]
    return {str(b.chart.title): b.chart for b in found.blocks if isinstance(b, Figure)}  # type: ignore[misc]


def several(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, classes: int, count: int) -> RunFacts:
    """A run of several classes: class 0 is taken for class 1, the others are right."""
    samples = [Sample(id=f"s{i}", target=i % classes) for i in range(count)]
    names = [f"class {k}" for k in range(classes)]
    runs = ReportedRuns(tmp_path, monkeypatch, samples, task=multiclass(names), metric=ACCURACY)
    rng = np.random.default_rng(0)
    predictions = {}
    for i, sample in enumerate(samples):
        chances = rng.random(classes) * 0.1
        chances[1 if i % classes == 0 else i % classes] += 1
        predictions[sample.id] = chances / chances.sum()
    return runs.add("r", predictions, {s.id: i // classes % 2 for i, s in enumerate(samples)})


def test_two_classes_show_curves_threshold_calibration_and_confusion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch, metric=ACCURACY)
    facts = runs.add("r", predictions, folds, fit=False)
    found = charts(panel(facts))
    assert set(found) == {
        "ROC curve",
        "Precision and recall",
        "Scores against the threshold",
        "Probabilities by true class",
        "Calibration: probability of yes",
        "Samples by predicted probability",
        "Confusion matrix",
    }
    lines = found["Scores against the threshold"]
    assert isinstance(lines, LineChart)
    assert lines.marks[0][0] == 0.5
    accuracy = next(line for line in lines.series if line.name == "accuracy")
    at_half = list(accuracy.x).index(0.5)
    assert accuracy.y[at_half] == pytest.approx(facts.scores["cv_score"])
    matrix = found["Confusion matrix"]
    assert isinstance(matrix, Heatmap)
    hits = sum(row[k] for k, row in enumerate(matrix.values))
    assert hits / 40 == pytest.approx(facts.scores["cv_score"])


def test_one_class_alone_has_nothing_to_rank(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch, metric=ACCURACY)
    facts = runs.add("r", predictions, folds, fit=False)
    assert facts.numbers is not None
    facts.__dict__["numbers"] = replace(facts.numbers, targets=np.ones((40, 1)))
    found = panel(facts)
    assert "ROC curve" not in charts(found)
    assert found is not None
    assert "all samples are of one class" in texts(found)


def test_equal_probabilities_have_no_threshold_chart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    facts = runs.add("r", dict.fromkeys(predictions, 0.5), folds)
    assert "Scores against the threshold" not in charts(panel(facts))


def test_predictions_of_a_run_that_diverged_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch, metric=ACCURACY)
    facts = runs.add("r", predictions, folds, fit=False)
    assert facts.numbers is not None
    wrong = facts.numbers.predictions.copy()
    wrong[:3] = np.nan
    facts.__dict__["numbers"] = replace(facts.numbers, predictions=wrong)
    found = panel(facts)
    assert found is not None
    assert "3 of 40 predictions are not finite" in texts(found)
    facts.__dict__["numbers"] = replace(facts.numbers, predictions=wrong * np.nan)
    empty = panel(facts)
    assert empty is not None
    assert len(empty.blocks) == 1


def test_the_worst_class_and_what_it_is_taken_for_come_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = panel(several(tmp_path, monkeypatch, 4, 80))
    assert charts(found)
    assert found is not None
    tables = [b for b in found.blocks if isinstance(b, Table)]
    assert list(tables[0].rows[0][:4]) == ["class 0", 20, 0, 0.0]
    assert list(tables[1].rows[0]) == ["class 0", "class 1", 20, 1.0]
    assert "the most probable one for 75.0%" in texts(found)


def test_hundreds_of_classes_stay_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = panel(several(tmp_path, monkeypatch, 300, 900))
    assert found is not None
    assert len(render(Page(title="x", panels=[found]))) < 300_000


def test_areas_are_those_of_each_class_against_the_rest() -> None:
    chances = np.array([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.5, 0.4, 0.1], [0.1, 0.8, 0.1]])
    rows = class_rows(np.array([0, 1, 1, 0]), chances.argmax(1), chances, ["a", "b", "c"])
    areas = {k: cells[5] for k, cells in rows}
    assert areas[0] == 0.5
    assert np.isnan(areas[2])  # type: ignore[arg-type]


def test_other_tasks_have_no_panel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch, task=regression(), metric=RMSE)
    assert panel(runs.add("r", predictions, folds)) is None
