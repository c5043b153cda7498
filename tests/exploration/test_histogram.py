"""Histograms of several series, and how much of a number classes explain."""

from __future__ import annotations

import numpy as np
import pytest

from comp.exploration.histogram import explained, histogram, series_of


def test_each_series_sums_to_one_and_outliers_stay() -> None:
    rng = np.random.default_rng(0)
    values = {"a": np.append(rng.normal(size=500), [1e6, np.nan]), "b": rng.normal(size=80)}
    found = histogram(values)
    assert found is not None
    assert found.edges[-1] < 1e3
    assert [round(sum(shares), 3) for shares in found.shares.values()] == [1.0, 1.0]
    assert len(found.edges) == 9  # few numbers, few bins


def test_whole_numbers_have_a_bin_each() -> None:
    found = histogram({"train": np.array([1.0, 1, 2, 4])})
    assert found is not None
    assert list(found.edges) == [0.5, 1.5, 2.5, 3.5, 4.5]
    assert list(found.shares["train"]) == [0.5, 0.25, 0.0, 0.25]


@pytest.mark.parametrize("values", [[], [np.nan, np.inf]])
def test_no_numbers_no_histogram(values: list[float]) -> None:
    assert histogram({"train": np.array(values)}) is None


def test_one_value_is_drawn() -> None:
    found = histogram({"train": np.full(5, 0.25)})
    assert found is not None
    assert sum(found.shares["train"]) == 1


def test_few_classes_have_their_own_series() -> None:
    values, test = np.arange(6.0), np.array([False] * 4 + [True] * 2)
    classes = [("a",), ("a",), ("b",), (), (), ()]
    found = series_of(values, classes, test)
    assert {name: list(v) for name, v in found.items()} == {"a": [0, 1], "b": [2], "test": [4, 5]}
    many = [(str(i),) for i in range(8)]
    assert set(series_of(np.arange(8.0), many, np.zeros(8, bool))) == {"train", "test"}
    named = [("test",), ("b",), (), ()]
    assert set(series_of(np.arange(4.0), named, np.zeros(4, bool))) == {"train", "test"}


def test_the_share_that_classes_explain() -> None:
    assert explained(np.array([1.0, 1, 3, 3]), ["a", "a", "b", "b"]) == 1.0
    assert explained(np.array([1.0, 3, 1, 3]), ["a", "a", "b", "b"]) == 0.0
    assert explained(np.array([1.0, 1, 1]), ["a", "a", "b"]) is None
    assert explained(np.full(8000, 74.8), ["a", "b"] * 4000) is None  # their mean is not 74.8
    assert explained(np.array([1.0, 2, 3]), ["a", "a", "a"]) is None
    assert explained(np.array([1.0, np.nan, 3, 3]), ["a", "a", "b", "b"]) == 1.0
