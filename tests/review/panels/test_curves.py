"""The curves of a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from reported import history, texts, two_classes

from comp.page.blocks import Figure
from comp.page.charts import LineChart
from comp.review.facts import read_facts
from comp.review.panels.curves import panel, planned_rates


def test_each_fold_has_its_scores_losses_and_rates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    histories = {0: history([0.6, 0.7]), 1: history([0.5, 0.8])}
    metas = {1: {"steps": 20, "planned": 40}}
    found = panel(runs.add("r", predictions, folds, histories=histories, metas=metas))
    assert found is not None
    charts = [b.chart for b in found.blocks if isinstance(b, Figure)]
    assert all(isinstance(chart, LineChart) for chart in charts)
    score, loss, rate = charts
    assert isinstance(score, LineChart) and isinstance(loss, LineChart)  # noqa: PT018
    assert [list(series.y) for series in score.series] == [[0.6, 0.7], [0.5, 0.8]]
    assert list(loss.series[0].x) == [10, 20]
    assert isinstance(rate, LineChart)
    assert [str(s.name) for s in rate.series] == ["plan", "fold 0", "fold 1"]
    assert "Fold 1 stopped after 20 of 40" in texts(found)


def test_the_plan_is_the_schedule_of_the_training() -> None:
    config = {"optim": {"lr": 0.1, "schedule": "cosine", "warmup": 0.1, "min_lr": 0.0}}
    rates = dict(planned_rates(config, 100))
    assert rates[10.0] == pytest.approx(0.1)
    assert rates[55.0] == pytest.approx(0.05, rel=0.05)
    assert rates[100.0] == pytest.approx(0.0, abs=1e-9)


def test_a_rate_that_depends_on_scores_has_no_plan() -> None:
    assert planned_rates({"optim": {"lr": 0.1, "schedule": "plateau"}}, 100) == []
    assert planned_rates({"optim": {"lr": "auto"}}, 100) == []


def test_models_that_are_not_networks_have_no_curves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    assert panel(runs.add("r", predictions, folds)) is None


def test_of_several_networks_the_first_is_drawn_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    folder = runs.add("r", predictions, folds).folder
    for fold in (0, 1):
        (folder.fold(fold) / "history.jsonl").unlink()
        for place, last in (("seed-0/mlp", 0.7), ("seed-0/tabm", 0.8), ("seed-1/mlp", 0.9)):
            path = folder.fold(fold) / place / "history.jsonl"
            path.parent.mkdir(parents=True)
            path.write_text("".join(json.dumps(line) + "\n" for line in history([0.5, last])))
    found = panel(read_facts("r", runs.workspace))
    assert found is not None
    score = next(b.chart for b in found.blocks if isinstance(b, Figure))
    assert isinstance(score, LineChart)
    assert list(score.series[0].y) == [0.5, 0.7]
    assert "3 networks. These are the curves of the first one, seed-0/mlp" in texts(found)
