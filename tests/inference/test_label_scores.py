"""Scores of several labels."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from comp.inference.label_scores import SHOWN, label_scores


def drawn(labels: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, (80, labels))
    chances = (0.2 + 0.3 * truth + rng.random(truth.shape) * np.linspace(0.2, 0.9, labels)) / 1.5
    return truth, chances, [f"p{i // 2}" for i in range(80)]


def test_scores_agree_with_scikit_learn() -> None:
    truth, chances, groups = drawn(3)
    thresholds = (0.3, 0.5, 0.45)
    found = label_scores(truth, chances, groups, ("a", "b", "c"), thresholds, draws=30)
    decided = chances >= np.array(thresholds)
    expected = {
        "auc": roc_auc_score(truth, chances, average="macro"),
        "f1": f1_score(truth, decided, average="macro"),
        "accuracy": (truth == decided).all(axis=1).mean(),
    }
    for k, name in enumerate("abc"):
        expected[f"auc of {name}"] = roc_auc_score(truth[:, k], chances[:, k])
        expected[f"f1 of {name}"] = f1_score(truth[:, k], decided[:, k])
    assert {n: e.value for n, e in found.estimates.items()} == pytest.approx(expected)
    assert (found.n, found.n_groups, found.confusion) == (80, 40, ())
    for estimate in found.estimates.values():
        assert estimate.low <= estimate.value <= estimate.high


def test_of_many_labels_the_worst_are_shown() -> None:
    truth, chances, groups = drawn(SHOWN + 5)
    names = [f"l{k}" for k in range(SHOWN + 5)]
    found = label_scores(truth, chances, groups, names, (0.5,) * len(names), draws=3)
    shown = {n.removeprefix("auc of ") for n in found.estimates if n.startswith("auc of")}
    areas = roc_auc_score(truth, chances, average=None)
    assert shown == {names[k] for k in np.argsort(areas)[:SHOWN]}


def test_a_label_of_one_kind_has_no_auc() -> None:
    truth, chances, groups = drawn(2)
    truth[:, 1] = 0
    found = label_scores(truth, chances, groups, ("a", "b"), (0.5, 0.5), draws=5)
    assert "auc of b" not in found.estimates
    assert found.estimates["auc"].value == found.estimates["auc of a"].value
    json.dumps(asdict(found), allow_nan=False)
