"""Scores of numbers and of grades."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
from sklearn import metrics

from comp.contract.metric import Pair
from comp.inference.score_arrays import NotFiniteError, vector_arrays
from comp.inference.value_scores import grade_scores, value_scores

GROUPS = [str(i) for i in range(60)]


def numbers() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    targets = rng.normal(50, 10, (60, 2))
    return targets, targets + rng.normal(1, 5, (60, 2))


def test_scores_of_numbers_agree_with_scikit_learn() -> None:
    targets, predictions = numbers()
    found = value_scores(targets, predictions, GROUPS, ("x", "y"), draws=40)
    expected = {}
    for k, name in enumerate("xy"):
        columns = targets[:, k], predictions[:, k]
        expected[f"rmse of {name}"] = metrics.root_mean_squared_error(*columns)
        expected[f"mae of {name}"] = metrics.mean_absolute_error(*columns)
        expected[f"r2 of {name}"] = metrics.r2_score(*columns)
    assert {n: e.value for n, e in found.estimates.items()} == pytest.approx(expected)
    for estimate in found.estimates.values():
        assert estimate.low < estimate.value < estimate.high


def test_one_column_needs_no_name_and_a_constant_one_has_no_r2() -> None:
    targets, predictions = numbers()
    found = value_scores(targets[:, :1], predictions[:, :1], GROUPS, ("x",), draws=5)
    assert list(found.estimates) == ["rmse", "mae", "r2"]
    constant = value_scores(np.ones((60, 1)), predictions[:, :1], GROUPS, ("x",), draws=5)
    assert list(constant.estimates) == ["rmse", "mae"]
    json.dumps(asdict(constant), allow_nan=False)


def test_scores_of_grades_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 4, 60)
    decided = np.clip(truth + rng.integers(-1, 2, 60), 0, 3)
    found = grade_scores(truth[:, None], decided[:, None], GROUPS, list("0123"), draws=20)
    assert {n: e.value for n, e in found.estimates.items()} == pytest.approx(
        {
            "qwk": metrics.cohen_kappa_score(truth, decided, weights="quadratic"),
            "accuracy": metrics.accuracy_score(truth, decided),
            "mae": metrics.mean_absolute_error(truth, decided),
        }
    )
    assert np.array_equal(found.confusion, metrics.confusion_matrix(truth, decided))


def test_one_grade_alone_has_no_kappa() -> None:
    ones = np.ones(5, dtype=int)
    found = grade_scores(ones, ones, GROUPS[:5], list("012"), draws=5)
    assert list(found.estimates) == ["accuracy", "mae"]


def test_pairs_become_arrays_with_groups() -> None:
    pairs = [
        Pair(np.float32([1, 0]), np.float32([0.5, 2]), "a", "p"),
        Pair(np.float32([0, 0]), np.float32([1, 3]), "b"),
    ]
    targets, predictions, groups = vector_arrays(pairs)
    assert (targets.tolist(), predictions.tolist()) == ([[1, 0], [0, 0]], [[0.5, 2], [1, 3]])
    assert groups == ["p", "b"]
    with pytest.raises(NotFiniteError, match=r"prediction of lost is not finite.*optim\.lr"):
        vector_arrays([Pair(np.float32([1]), np.float32([np.inf]), "lost")])
