"""Columns that give the target away."""

from __future__ import annotations

import numpy as np
import pytest

from comp.data.audit.table_giveaways import find_giveaways
from comp.data.columns.matrices import Matrix

RNG = np.random.default_rng(0)
NOISE = RNG.normal(size=300)


def matrix(**columns: np.ndarray) -> Matrix:
    values = np.stack(list(columns.values()), axis=1)
    return Matrix(
        values=values, names=tuple(columns), categorical=np.zeros(len(columns), dtype=bool)
    )


@pytest.mark.parametrize(
    "target",
    [(NOISE > 0).astype(int), np.digitize(NOISE, [-1, 0, 1]), NOISE, np.exp(5 * NOISE)],
    ids=["two classes", "grades", "numbers", "skewed"],
)
def test_a_column_of_the_target_is_found_and_noise_is_not(target: np.ndarray) -> None:
    x = matrix(noise=RNG.normal(size=300), leak=NOISE, near=NOISE + RNG.normal(size=300))
    (finding,) = find_giveaways(x, target, range(300))
    (name,) = finding.names
    assert name.startswith("leak (")


def test_gaps_that_mean_a_class_give_it_away() -> None:
    x = matrix(gap=np.where(NOISE > 0, np.nan, RNG.normal(size=300)))
    (finding,) = find_giveaways(x, (NOISE > 0).astype(int), range(300))
    assert finding.names == ("gap (AUC 1.0000)",)


def test_a_column_that_only_knows_groups_is_no_leak() -> None:
    groups = np.arange(300) // 10
    target = np.repeat(RNG.permutation(30) % 2, 10)
    x = matrix(group=groups.astype(float))
    assert find_giveaways(x, target, groups.tolist()) == []
    (finding,) = find_giveaways(x, target, range(300))
    assert finding.names[0].startswith("group (AUC ")


def test_few_rows_and_one_value_give_nothing() -> None:
    assert find_giveaways(matrix(a=NOISE[:10]), NOISE[:10], range(10)) == []
    assert find_giveaways(matrix(a=NOISE), np.ones(300), range(300)) == []
