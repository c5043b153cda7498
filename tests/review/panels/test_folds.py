"""The panel of the folds."""

from __future__ import annotations

from pathlib import Path

import pytest
from reported import texts, two_classes

from comp.page.blocks import Figure
from comp.page.charts import BarChart
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
