"""The panel of the models whose predictions are averaged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from reported import texts, two_classes

from comp.page.blocks import Page, Table
from comp.page.document import render
from comp.review.facts import RunFacts
from comp.review.panels.models import panel


def member(name: str, score: float, weight: float) -> dict[str, object]:
    return {"name": name, "score": score, "weight": weight, "seconds": 2.0, "steps": 5}


def tables(facts: RunFacts) -> dict[str, Table]:
    found = panel(facts)
    assert found is not None
    render(Page(title="x", panels=[found]))
    return {str(b.caption): b for b in found.blocks if isinstance(b, Table)}


def test_models_have_means_and_a_score_in_each_fold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    metas = {
        0: {"members": [member("gbdt", 0.8, 0.75), member("tabm", 0.6, 0.25)]},
        1: {"members": [member("gbdt", 0.9, 0.25)]},
    }
    found = tables(runs.add("r", predictions, folds, metas=metas))
    rows = found["Models of the run: means over 2 folds"].rows
    assert [list(row) for row in rows] == [
        ["gbdt", pytest.approx(0.85), 0.5, 4.0],
        ["tabm", 0.6, 0.25, 2.0],
    ]
    by_fold = found["Score of each model by fold"].rows
    assert [list(row) for row in by_fold] == [["gbdt", 0.8, 0.9], ["tabm", 0.6, None]]


def test_runs_of_a_blend_have_the_ends_of_their_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    listed = [
        {"run_id": "a", "score": 0.8, "weight": 0.7, "fold_weights": {"0": 0.6, "1": 0.9}},
        {"run_id": "b", "score": 0.7, "weight": None, "fold_weights": {}},
    ]
    facts = runs.add("r", predictions, folds, blend={"method": "weights", "runs": listed})
    found = tables(facts)["Runs of the blend, method weights"]
    assert [list(row) for row in found.rows] == [
        ["a", 0.8, 0.7, 0.6, 0.9],
        ["b", 0.7, None, None, None],
    ]


def test_seeds_have_their_spread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    facts = runs.add("r", predictions, folds)
    seeds = {"scores": {"0": 0.5, "7": 0.75}, "mean": 0.625, "std": 0.1768}
    found = panel(replace(facts, scores={**facts.scores, "seeds": seeds}))
    assert found is not None
    assert "2 seeds: each alone scores 0.625 on average" in texts(found)
    assert "seed 7" in texts(found)


def test_what_an_estimator_chose_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    metas = {0: {"estimator": {"iterations": 60}}, 1: {"estimator": {"iterations": 71}}}
    rows = tables(runs.add("r", predictions, folds, metas=metas))[
        "What the model chose in each fold"
    ].rows
    assert [list(row) for row in rows] == [["0", 60], ["1", 71]]


def test_one_network_has_no_panel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    assert panel(runs.add("r", predictions, folds)) is None


def test_folds_that_still_train_are_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, predictions, folds = two_classes(tmp_path, monkeypatch)
    metas = {0: {"members": [member("gbdt", 0.8, 0.75)]}}
    found = tables(runs.add("r", predictions, folds, metas=metas))
    assert "Models of the run: means over 1 folds" in found
