"""The panel of the folds."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from reported import texts, two_classes

from comp.files import write_json
from comp.page.blocks import Figure, Page
from comp.page.charts import BarChart
from comp.page.document import render
from comp.review.facts import read_facts
from comp.review.panels.folds import panel


def test_bars_have_the_recorded_scores_and_the_number_of_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    facts = runs.add("r", predictions, folds)
    found = panel(facts)
    assert found is not None
    chart = next(b.chart for b in found.blocks if isinstance(b, Figure))
    assert isinstance(chart, BarChart)
    recorded = facts.scores["fold_scores"]
    assert [bar.value for bar in chart.bars] == [recorded["0"], recorded["1"]]
    assert {bar.note for bar in chart.bars} == {"n=20"}
    assert chart.reference == facts.scores["cv_score"]
    assert "Mean of the folds" in texts(found)


def test_no_panel_before_the_first_fold_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    facts = runs.add("r", predictions, folds)
    for fold in facts.folds:
        (fold.path / "meta.json").unlink()
    from comp.review.facts import read_facts

    assert panel(read_facts("r", runs.workspace)) is None


def test_scores_that_are_not_defined_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folds of one class have no AUC."""
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    facts = runs.add("r", predictions, folds)
    scores = {"fold_scores": {"0": math.nan, "1": math.nan}, "mean": math.nan, "std": math.nan}
    write_json(facts.folder.scores, {**facts.scores, "cv_score": math.nan, **scores})
    found = panel(read_facts("r", runs.workspace))
    assert found is not None
    assert "<svg" in render(Page(title="x", panels=[found]))
