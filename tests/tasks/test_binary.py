"""Two classes: names, thresholds, and scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from comp.contract.metric import Pair
from comp.contract.metrics import ACCURACY, AUC
from comp.inference.scores import choose_threshold
from comp.tasks.binary import binary

TASK = binary(("no", "yes"))
TRUTH = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1, 1])
CHANCE = np.array([0.1, 0.2, 0.3, 0.7, 0.2, 0.4, 0.6, 0.8, 0.9, 0.9])
PAIRS = [
    Pair(np.float32([t]), np.float32([p]), str(i))
    for i, (t, p) in enumerate(zip(TRUTH, CHANCE, strict=True))
]


def test_two_classes_are_scored_at_a_half_and_at_the_threshold() -> None:
    half, tuned = TASK.scores(PAIRS, (0.25,), 0)
    assert (half.threshold, tuned.threshold) == (0.5, 0.25)
    assert half.confusion == ((3, 1), (2, 4))
    assert tuned.confusion == ((2, 2), (1, 5))
    assert tuned.classes == ("no", "yes")


def test_the_threshold_serves_the_metric() -> None:
    """Of calibrated probabilities of a rare class, accuracy is best near 0.5, and balanced accuracy
    far below."""
    assert TASK.decision is not None
    assert TASK.decision.fit is not None
    rng = np.random.default_rng(0)
    chances = rng.beta(0.6, 5.4, 1500).astype(np.float32)
    truth = (rng.random(1500) < chances).astype(np.int64)
    pairs = [
        Pair(np.float32([t]), np.float32([p]), str(i))
        for i, (t, p) in enumerate(zip(truth, chances, strict=True))
    ]
    groups = [str(i) for i in range(1500)]
    balanced = choose_threshold(truth, chances, groups, 0)
    assert balanced < 0.3
    assert TASK.decision.fit(pairs, AUC, 0) == (balanced,)
    (threshold,) = TASK.decision.fit(pairs, ACCURACY, 0)
    accuracy, of_balanced = (((chances >= t) == truth).mean() for t in (threshold, balanced))
    assert threshold > balanced + 0.1
    assert accuracy > of_balanced + 0.05


def test_a_probability_at_the_threshold_is_decided_as_class_1() -> None:
    assert TASK.decision is not None
    decided = [TASK.decision.apply(np.float32([p]), (0.5,)).tolist() for p in (0.49, 0.5)]
    assert decided == [[0], [1]]


@pytest.mark.parametrize("target", [0, 1.0, np.int64(1), np.float32(0)])
def test_numpy_numbers_are_targets(target: Any) -> None:
    assert TASK.check(target) == ""
    assert TASK.label_names(target) == (("no", "yes")[int(target)],)


@pytest.mark.parametrize("target", [2, -1, 0.5, "1", (1,), float("nan"), None])
def test_other_targets_are_refused(target: Any) -> None:
    assert "is not one of the 2 classes" in TASK.check(target)
    assert TASK.label_names(target) == ()


@pytest.mark.parametrize("classes", [("a",), ("a", "a"), ("a", "b", "c"), (0, 1), range(2)])
def test_wrong_classes_are_refused(classes: Any) -> None:
    with pytest.raises(ValueError, match="class"):
        binary(classes)


def test_an_estimator_predicts_the_share_of_the_second_class() -> None:
    estimate = binary(("no", "yes")).estimate
    assert estimate
    assert estimate.kind == "classes"
    assert estimate.learn(np.array([[0.0], [1.0]])).tolist() == [0, 1]
    shares = np.array([[0.75, 0.25], [0.5, 0.5]])
    assert estimate.predict(shares).tolist() == [[0.25], [0.5]]


def test_a_given_threshold_is_not_fitted() -> None:
    decision = binary(("no", "yes"), threshold=0.6).decision
    assert decision is not None
    assert (decision.fit, decision.default) == (None, (0.6,))
    decided = [decision.apply(np.float32([p]), decision.default).item() for p in (0.59, 0.6)]
    assert decided == [0.0, 1.0]


@pytest.mark.parametrize("threshold", [0, 1, -0.5, float("nan")])
def test_a_threshold_that_decides_nothing_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        binary(("no", "yes"), threshold=threshold)
