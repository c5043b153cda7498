"""The panel of the verdict."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from reported import texts, two_classes

from comp.contract.metrics import LOG_LOSS
from comp.files import write_json
from comp.review.facts import read_facts
from comp.review.panels.verdict import panel
from comp.review.verdict import before

OLD, NEW = {"started": "2026-01-01T10:00:00+00:00"}, {"started": "2026-01-02T10:00:00+00:00"}


@pytest.mark.parametrize(("swapped", "words"), [(False, "It is better"), (True, "It is worse")])
def test_a_real_difference_says_which_run_is_better(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swapped: bool, words: str
) -> None:
    runs, good, folds = two_classes(tmp_path, monkeypatch, count=200)
    bad = {
        name: 0.5 + 0.1 * (value - 0.5) * (-1) ** i for i, (name, value) in enumerate(good.items())
    }
    first, second = (good, bad) if swapped else (bad, good)
    runs.add("a", first, folds, **OLD)
    assert words in texts(panel(runs.add("b", second, folds, **NEW)))


def test_the_same_predictions_cannot_be_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, good, folds = two_classes(tmp_path, monkeypatch)
    runs.add("a", good, folds, **OLD)
    found = texts(panel(runs.add("b", good, folds, **NEW)))
    assert "It is better" not in found
    assert "It is worse" not in found
    assert "not sent" in found


def test_an_interval_has_the_sign_of_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lower log loss is better, by a positive number."""
    runs, good, folds = two_classes(tmp_path, monkeypatch, count=200, metric=LOG_LOSS)
    runs.add("a", dict.fromkeys(good, 0.5), folds, **OLD)
    facts = runs.add("b", good, folds, **NEW)
    last = before(facts)
    assert last is not None
    assert last.difference is not None
    low, high = last.difference.low, last.difference.high
    assert low is not None and high is not None and high < 0  # noqa: PT018
    found = texts(panel(facts))
    assert f"It is better than the run before, a, by {-last.difference.value:.5f}" in found
    assert f"(between {-high:+.5f} and {-low:+.5f})" in found


def test_a_difference_inside_the_noise_keeps_its_sign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, good, folds = two_classes(tmp_path, monkeypatch, metric=LOG_LOSS)
    rng = np.random.default_rng(2)
    moved = {name: min(0.99, max(0.01, v + 0.02 * rng.normal())) for name, v in good.items()}
    runs.add("a", moved, folds, **OLD)
    facts = runs.add("b", good, folds, **NEW)
    last = before(facts)
    assert last is not None
    assert last.difference is not None
    assert not last.difference.real
    assert last.difference.value < 0
    assert f"the difference is {last.difference.value:.5f}, between" in texts(panel(facts))


def test_folds_without_time_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, good, folds = two_classes(tmp_path, monkeypatch)
    assert "Only" not in texts(panel(runs.add("a", good, folds, keys={"folds": 2})))
    found = texts(panel(runs.add("b", good, folds, keys={"folds": 5})))
    assert "Only 2 of 5 folds: the score is that of a part of the samples." in found


def test_what_changed_since_the_run_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, good, folds = two_classes(tmp_path, monkeypatch)
    facts = runs.add("a", good, folds)
    write_json(facts.folder.scores, {**facts.scores, "cv_score": 0.125})
    found = texts(panel(read_facts("a", runs.workspace)))
    assert (
        f"scores.json says 0.12500, but the predictions score {facts.scores['cv_score']:.5f}"
        in found
    )
    runs.competition = replace(runs.competition, metric=LOG_LOSS)
    found = texts(panel(read_facts("a", runs.workspace)))
    assert "The run was scored with AUC, and the competition now has log loss" in found
    assert facts.oof is not None
    noted = replace(facts, oof=replace(facts.oof, notes=["the plugin of toy changed"]))
    assert "the plugin of toy changed" in texts(panel(noted))


def test_scores_of_other_samples_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, good, folds = two_classes(tmp_path, monkeypatch)
    facts = runs.add("a", good, folds)
    more = {"validation": {"n": 30, "score": 0.75, "low": 0.7, "high": 0.8}}
    write_json(facts.folder.scores, {**facts.scores, **more})
    assert "data of validation" in texts(panel(read_facts("a", runs.workspace)))
