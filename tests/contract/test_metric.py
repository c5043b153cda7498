"""What a metric is: pairs, metrics of arrays, and which scores are better."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from comp.contract.metric import Metric, Pair, array_metric, stack
from comp.contract.scoring.numbers import rmse

NAN = float("nan")


def metric(direction: str, **medals: float) -> Metric:
    return Metric(name="m", score=rmse, direction=direction, medals=medals)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("direction", "new", "old", "expected"),
    [
        ("min", 0.1, 0.2, True),
        ("min", 0.2, 0.1, False),
        ("max", 0.1, 0.2, False),
        ("max", 0.2, 0.1, True),
        ("min", 0.1, 0.1, False),
        ("max", 0.1, 0.1, False),
        ("min", 5.0, None, True),
        ("max", -5.0, None, True),
        ("min", NAN, None, False),
        ("max", NAN, None, False),
        ("min", NAN, 0.1, False),
        ("max", NAN, 0.1, False),
        ("min", -0.1, 0.0, True),
    ],
)
def test_better(direction: str, new: float, old: float | None, expected: bool):
    assert metric(direction).better(new, old) is expected


MIN = {"gold": 0.01, "silver": 0.02, "bronze": 0.04}
MAX = {"gold": 0.9, "silver": 0.8, "bronze": 0.6}


@pytest.mark.parametrize(
    ("direction", "medals", "score", "words"),
    [
        ("min", MIN, 0.005, "beats gold (0.01000)"),
        ("min", MIN, 0.015, "beats silver (0.02000), next is gold (0.01000)"),
        ("min", MIN, 0.03, "beats bronze (0.04000), next is silver (0.02000)"),
        ("min", MIN, 0.05, "next is bronze (0.04000)"),
        ("min", MIN, 0.02, "beats bronze (0.04000), next is silver (0.02000)"),
        ("min", MIN, NAN, "next is bronze (0.04000)"),
        ("max", MAX, 0.95, "beats gold (0.90000)"),
        ("max", MAX, 0.85, "beats silver (0.80000), next is gold (0.90000)"),
        ("max", MAX, 0.7, "beats bronze (0.60000), next is silver (0.80000)"),
        ("max", MAX, 0.5, "next is bronze (0.60000)"),
        ("max", MAX, 0.6, "next is bronze (0.60000)"),
        ("max", MAX, NAN, "next is bronze (0.60000)"),
        ("min", {}, 0.1, ""),
    ],
)
def test_nearest_medals(direction: str, medals: dict[str, float], score: float, words: str):
    assert metric(direction, **medals).nearest_medals(score) == words


def test_nearest_medals_do_not_depend_on_the_order_of_the_medals():
    turned = dict(reversed(MIN.items()))

    assert metric("min", **turned).nearest_medals(0.03) == metric("min", **MIN).nearest_medals(0.03)


def test_a_pair_unpacks_into_target_and_prediction():
    target, prediction = Pair(np.float32([1]), np.float32([0.25]), "a", "patient 1")

    assert (target[0], prediction[0]) == (1, 0.25)


def test_a_pair_knows_its_sample():
    pair = Pair(np.float32([1]), np.float32([0.25]), "a", "patient 1")

    assert (pair.id, pair.group) == ("a", "patient 1")
    assert (Pair(1, 2).id, Pair(1, 2).group) == ("", None)


def test_stack_keeps_targets_and_predictions_apart():
    targets, predictions = stack(
        iter([(np.float32([1]), np.float32([0.25, 0.75])), (np.float32([0]), np.float32([1, 0]))])
    )

    assert targets.tolist() == [[1], [0]]
    assert predictions.tolist() == [[0.25, 0.75], [1, 0]]
    assert targets.dtype == predictions.dtype == np.float64


def difference(targets, predictions):
    assert targets.shape == predictions.shape == (2, 1)
    return targets.sum() - 10 * predictions.sum()


def by_patient(targets, predictions, ids, groups):
    """The mean over the groups of the largest prediction, and the ids in order."""
    largest: dict[str, float] = {}
    for group, value in zip(groups, predictions[:, 0], strict=True):
        largest[group] = max(largest.get(group, -np.inf), value)
    assert list(ids) == ["a", "b", "c", "p", "q"]
    return sum(largest.values()) / len(largest)


def test_a_function_of_arrays_gets_targets_first():
    pairs = [(np.float32([3]), np.float32([1])), (np.float32([4]), np.float32([2]))]
    ready = array_metric("difference", difference, "min", takes="decisions", source="a paper")

    assert ready.score(iter(pairs)) == 7 - 30
    assert (ready.name, ready.direction, ready.takes) == ("difference", "min", "decisions")
    assert ready.source == "a paper"


def test_a_function_of_arrays_gets_ids_and_groups():
    ready = array_metric("by patient", by_patient, "max", with_ids=True)
    # The sample "p" has no group; it is not in the group "p".
    pairs = [
        Pair(np.zeros(1), np.float64([value]), name, group)
        for name, group, value in [
            ("a", "p", 1), ("b", "p", 3), ("c", "q", 5), ("p", None, 7), ("q", None, 9)
        ]
    ]  # fmt: skip

    assert ready.score(iter(pairs)) == (3 + 5 + 7 + 9) / 4


@pytest.mark.parametrize("value", [NAN, np.inf, -np.inf])
def test_a_function_of_arrays_does_not_see_what_is_not_finite(value: float):
    pairs = [(np.zeros(1), np.zeros(1)), (np.zeros(1), np.array([value]))]

    assert np.isnan(array_metric("m", difference, "min").score(pairs))
    assert np.isnan(array_metric("m", difference, "min").score([]))


def test_a_function_of_arrays_can_be_pickled():
    score = pickle.loads(pickle.dumps(array_metric("m", difference, "min").score))  # noqa: S301

    assert score([(np.float32([3]), np.float32([1])), (np.float32([4]), np.float32([2]))]) == -23
