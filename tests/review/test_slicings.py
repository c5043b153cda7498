"""The properties by which the samples of a run are divided."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pictured import noise, two_pictured
from reported import ReportedRuns, two_classes
from toys import values

from comp.contract.metrics import ACCURACY, RMSE
from comp.contract.sample import Sample
from comp.review.facts import read_facts
from comp.review.slices import weak_parts
from comp.review.slicings import metric_measure, parts_of_run


def test_classes_and_groups_are_scored_by_the_mean_error_of_their_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = [Sample(id=f"s{i}", target=i % 2, group=f"p{i // 10}") for i in range(60)]
    runs = two_classes(tmp_path, monkeypatch)[0]
    runs = ReportedRuns(
        tmp_path, monkeypatch, samples, task=runs.competition.task, metric=runs.competition.metric
    )
    given = {s.id: 0.2 + 0.6 * (i % 2) for i, s in enumerate(samples)}
    for index in range(10):
        given[f"s{index}"] = 0.5 + 0.01 * (index % 2)
    facts = runs.add("r", given, {s.id: (i // 10) % 2 for i, s in enumerate(samples)})
    (found,) = parts_of_run(facts)
    assert str(found.measure.name) == "mean probability of the true class"
    groups = {p.label: p for p in found.parts if p.slicing.key == "group"}
    assert len(groups) == 6
    assert groups["p0"].value == pytest.approx(0.505, abs=0.01)
    assert [p.label for p in weak_parts(found.parts)] == ["p0"]
    assert {p.label for p in found.parts if p.slicing.key == "class"} == {"no", "yes"}


def test_dark_images_that_are_decided_wrong_are_a_weak_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def draw(index: int) -> np.ndarray:
        image: np.ndarray = noise(index) // (8 if index % 4 < 2 else 1)
        return image

    runs, given, folds = two_pictured(tmp_path, monkeypatch, 80, draw, metric=ACCURACY)
    for index in range(80):
        if index % 4 < 2 and index % 10:  # nearly all of the dark ones, of both classes
            given[f"s{index}"] = 1 - given[f"s{index}"]
    facts = runs.add("r", given, folds, fit=False)
    found = parts_of_run(facts)[-1]
    assert found.measure.name == "accuracy"
    by_light = [p for p in found.parts if p.slicing.key == "brightness"]
    assert len(by_light) == 4
    assert (by_light[0].value + by_light[1].value) / 2 == pytest.approx(0.1)
    assert by_light[3].value == 1.0
    weak = {str(p.label) for p in weak_parts(found.parts) if p.slicing.key == "brightness"}
    assert weak == {str(by_light[0].label), str(by_light[1].label)}


def test_columns_are_divided_by_quarters_and_categories(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    samples = [
        Sample(
            id=f"s{i}",
            target=float(i),
            features={"age": float(i) if i % 10 else None, "town": "ab"[i % 2]},
        )
        for i in range(200)
    ]
    fields = {"task": values(), "metric": RMSE, "columns": True, "inputs": ("numbers",)}
    runs = ReportedRuns(tmp_path, monkeypatch, samples, **fields)
    given = {s.id: i + rng.normal() * (10.0 if i % 2 else 1.0) for i, s in enumerate(samples)}
    facts = runs.add("r", given, {s.id: i % 3 for i, s in enumerate(samples)})
    (found,) = parts_of_run(facts)
    assert found.measure.name == "RMSE"
    towns = {p.label: p for p in found.parts if p.slicing.key == "column town"}
    assert towns["b"].value > 5 * towns["a"].value
    assert "b" in [p.label for p in weak_parts(found.parts)]
    ages = [p for p in found.parts if p.slicing.key == "column age"]
    assert [str(p.label) for p in ages][-1] == "missing"
    assert sum(p.samples for p in ages) == 200
    assert found.whole == pytest.approx(facts.scores["cv_score"])


def test_the_metric_of_a_part_is_that_of_its_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, given, folds = two_classes(tmp_path, monkeypatch)
    facts = runs.add("r", given, folds)
    measure = metric_measure(facts)
    assert measure is not None
    assert measure.score(np.ones(40)) == pytest.approx(facts.scores["cv_score"])
    rows = np.arange(0, 40, 3)
    part, weights = metric_measure(facts, rows), np.zeros(40)
    weights[rows] = 1
    assert part is not None
    assert part.score(np.ones(len(rows))) == pytest.approx(measure.score(weights))


def test_a_run_without_finite_predictions_has_no_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, given, folds = two_classes(tmp_path, monkeypatch)
    runs.write("r", dict.fromkeys(given, float("nan")), folds, fit=False)
    assert parts_of_run(read_facts("r", runs.workspace)) == []
