"""On which samples decisions were fitted."""

from __future__ import annotations

from pathlib import Path

import pytest
from reported import ReportedRuns, texts, two_classes

from comp.contract.metric import Metric
from comp.contract.metrics import ACCURACY, AUC
from comp.review.figures.fitted_on import fitted_on
from comp.tasks.binary import binary

EACH = "Those of each fold are of the other folds."


def low(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, metric: Metric, threshold: float | None = None
) -> tuple[ReportedRuns, dict[str, float], dict[str, int]]:
    """Runs whose best threshold is far below one half."""
    task = binary(("no", "yes"), threshold=threshold)
    runs, given, folds = two_classes(tmp_path, monkeypatch, count=200, metric=metric, task=task)
    return runs, {name: 0.4 * value for name, value in given.items()}, folds


def test_several_folds_are_decided_by_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, given, folds = low(tmp_path, monkeypatch, ACCURACY)
    facts = runs.add("r", given, folds)
    words = texts(fitted_on(facts, "The threshold", EACH))
    assert EACH in words
    assert facts.decisions is not None
    differ = any(params != facts.decisions.params for params in facts.decisions.by_fold.values())
    assert ("By fold they are 0: " in words) == differ


def test_one_fold_is_decided_by_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, given, folds = low(tmp_path, monkeypatch, ACCURACY)
    facts = runs.add("r", given, dict.fromkeys(folds, 0))
    assert facts.decisions is not None
    words = texts(fitted_on(facts, "The threshold", EACH))
    assert EACH not in words
    assert f"default (0.5), not of what is submitted ({facts.decisions.params[0]:.5g})" in words


def test_a_threshold_beside_a_metric_of_probabilities_saw_the_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, given, folds = low(tmp_path, monkeypatch, AUC)
    words = texts(fitted_on(runs.add("r", given, folds), "The threshold", EACH))
    assert "The threshold was fitted on these samples" in words


def test_a_fixed_threshold_is_not_fitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, given, folds = low(tmp_path, monkeypatch, ACCURACY, threshold=0.2)
    assert fitted_on(runs.add("r", given, folds), "The threshold", EACH) == []
