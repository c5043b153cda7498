"""Scores of parts of the samples."""

from __future__ import annotations

import numpy as np
import pytest

from comp.review.slices import (
    Slicing,
    mean_measure,
    most_frequent,
    quarters,
    score_parts,
    weak_parts,
)


def sliced(parts: np.ndarray, **fields: bool) -> Slicing:
    labels = [f"part {index}" for index in range(int(parts.max()) + 1)]
    return Slicing(key="k", title="k", labels=labels, part_of=parts, **fields)


def lone(count: int) -> list[str]:
    return [f"g{index}" for index in range(count)]


def test_a_part_that_is_worse_is_weak_and_a_better_one_is_not() -> None:
    rng = np.random.default_rng(0)
    parts = np.arange(400) % 4
    values = 0.8 + 0.1 * rng.standard_normal(400) - 0.2 * (parts == 2)
    measure = mean_measure("m", "max", values)
    found = score_parts(measure, [sliced(parts)], lone(400))
    assert [part.label for part in weak_parts(found)] == ["part 2"]
    worse = found[2]
    assert worse.low is not None
    assert worse.high is not None
    assert worse.low < worse.value < worse.high < values.mean()
    assert worse.value == pytest.approx(values[parts == 2].mean())
    downward = score_parts(mean_measure("m", "min", -values), [sliced(parts)], lone(400))
    assert [part.label for part in weak_parts(downward)] == ["part 2"]


def test_among_many_parts_of_noise_hardly_one_is_weak() -> None:
    false, uncorrected = 0, 0
    for seed in range(5):
        rng = np.random.default_rng(seed)
        values = rng.standard_normal(600)
        slicings = [sliced(rng.permutation(600) % 4) for _ in range(10)]
        found = score_parts(mean_measure("m", "max", values), slicings, lone(600))
        uncorrected += sum(p.high is not None and p.high < values.mean() for p in found)
        assert len(found) == 40
        false += len(weak_parts(found))
    assert uncorrected > 1  # some look bad by chance
    assert false <= 1


def test_samples_of_one_group_are_no_proof() -> None:
    parts = np.repeat([0, 1], 100)
    groups = [f"g{index // 10}" for index in range(200)]
    rng = np.random.default_rng(0)
    values = rng.standard_normal(20).repeat(10) - 0.4 * parts
    measure = mean_measure("m", "max", values)
    whole = score_parts(measure, [sliced(parts)], groups)
    alone = score_parts(measure, [sliced(parts)], lone(200))
    assert whole[1].low is not None
    assert alone[1].low is not None
    assert whole[1].low < alone[1].low
    assert whole[1].groups == 10


def test_parts_that_are_too_small_are_not_scored_or_not_judged() -> None:
    parts = np.array([0] * 50 + [1] * 9 + [2] * 20)
    groups = [f"g{i}" for i in range(59)] + ["one"] * 20
    found = score_parts(mean_measure("m", "max", np.ones(79)), [sliced(parts)], groups)
    assert [part.label for part in found] == ["part 0", "part 2"]
    assert found[0].judged
    assert not found[1].judged
    within = score_parts(
        mean_measure("m", "max", np.ones(79)), [sliced(parts, by_sample=True)], groups
    )
    assert within[1].judged


def test_a_score_that_is_not_defined_is_no_part() -> None:
    parts = np.repeat([0, 1], 20)
    values = np.where(parts == 1, np.nan, 1.0)
    measure = mean_measure("m", "max", np.nan_to_num(values))
    found = score_parts(measure, [sliced(np.full(40, -1))], lone(40))
    assert found == []


def test_quarters_are_of_equal_size_and_keep_equal_values_together() -> None:
    ends, parts = quarters(np.arange(100.0))
    assert np.bincount(parts).tolist() == [25, 25, 25, 25]
    assert ends[0] == (0.0, 24.0)
    ends, parts = quarters(np.array([1.0] * 60 + [2.0] * 40))
    assert ends == [(1.0, 1.0), (2.0, 2.0)]
    assert np.bincount(parts).tolist() == [60, 40]
    ends, parts = quarters(np.array([np.nan, *np.arange(20.0)]))
    assert parts[0] == -1
    assert len(ends) == 2
    assert quarters(np.ones(100))[0] == []
    assert quarters(np.arange(12.0))[0] == []
    assert quarters(np.full(50, np.nan))[0] == []


def test_the_most_frequent_texts_are_parts() -> None:
    names, parts = most_frequent(["b", "a", "", "b", "c"], most=2)
    assert names == ["b", "a"]
    assert parts.tolist() == [0, 1, -1, 0, -1]
    assert most_frequent([])[0] == []
