"""Balanced folds of classes, labels and numbers."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comp.data.stratification import bin_count, first_component, iterative, quantile_bins, spread


@given(
    strata=st.lists(st.sampled_from("aaaaabbcdef"), min_size=2, max_size=60),
    k=st.integers(2, 6),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=60, deadline=None)
def test_members_of_each_class_are_in_different_folds(strata: list[str], k: int, seed: int) -> None:
    folds = spread(strata, k, seed)
    assert folds == spread(strata, k, seed)
    for name in {*strata, None}:
        counts = Counter(f for f, s in zip(folds, strata, strict=True) if name in (None, s))
        sizes = [counts[fold] for fold in range(k)]
        assert max(sizes) - min(sizes) <= 1


def test_spreading_depends_on_the_seed() -> None:
    strata = list("aaaabbbbccdd")
    assert len({tuple(spread(strata, 3, seed)) for seed in range(10)}) > 5


def labelled(count: int, seed: int) -> list[dict[str, int]]:
    """Units of one sample with independent labels of 2 to 50 %."""
    generator = random.Random(seed)
    shares = {"rare": 0.02, "some": 0.1, "half": 0.5}
    return [
        {"": 1} | {name: 1 for name, share in shares.items() if generator.random() < share}
        for _ in range(count)
    ]


@pytest.mark.parametrize("seed", range(5))
def test_labels_are_shared_out_more_evenly_than_by_chance(seed: int) -> None:
    units = labelled(1000, seed)
    folds = iterative(units, 5, seed)
    assert folds == iterative(units, 5, seed)
    for name in ("rare", "some", "half", ""):
        counts = Counter(f for f, unit in zip(folds, units, strict=True) if name in unit)
        sizes = [counts[fold] for fold in range(5)]
        assert max(sizes) - min(sizes) <= (3 if name else 40), name
    rare = Counter(f for f, unit in zip(folds, units, strict=True) if "rare" in unit)
    assert max(rare.values()) - min(rare[fold] for fold in range(5)) <= 1


def test_units_of_several_samples_count_as_their_samples() -> None:
    units = [{"": 8, "a": 8}, *[{"": 1, "a": 1}] * 8, *[{"": 2}] * 4]
    folds = iterative(units, 2, 0)
    other = 1 - folds[0]
    assert folds[1:9] == [other] * 8
    assert sorted(Counter(folds[9:]).values()) == [2, 2]


def test_units_without_a_label_even_the_sizes_out() -> None:
    folds = iterative([{"": 1}] * 10, 5, 3)
    assert sorted(folds) == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


def test_there_are_as_many_bins_as_enough_samples_allow() -> None:
    assert bin_count(49, 5, 5) == 0
    assert bin_count(50, 5, 5) == 2
    assert bin_count(10_000, 5, 5) == 10


def test_bins_have_equal_counts_and_hold_neighbours() -> None:
    values = np.random.default_rng(0).gamma(1, 10, (100, 1))
    bins = quantile_bins(values, 4)
    assert sorted(Counter(bins).values()) == [25] * 4
    ordered = [bins[i] for i in np.argsort(values[:, 0])]
    assert sum(a != b for a, b in pairwise(ordered)) == 3


def test_equal_numbers_are_in_one_bin() -> None:
    values = np.array([0.0] * 60 + list(range(1, 41)))[:, None]
    bins = quantile_bins(values, 5)
    assert len(set(bins[:60])) == 1
    assert len(set(bins)) >= 2


def test_several_numbers_are_ordered_by_what_they_share() -> None:
    generator = np.random.default_rng(1)
    shared = generator.normal(size=200)
    noise = generator.normal(size=(200, 3)) * 0.1
    values = np.column_stack([shared, -1000 * shared, np.full(200, 7.0)]) + noise * [1, 1000, 0]
    assert abs(np.corrcoef(first_component(values), shared)[0, 1]) > 0.99
    bins = quantile_bins(values, 4)
    means = sorted(shared[[b == name for b in bins]].mean() for name in set(bins))
    assert all(later - earlier > 0.4 for earlier, later in pairwise(means))
