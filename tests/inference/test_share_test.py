"""Whether the decided classes of the test differ from those out of fold by more than chance."""

from __future__ import annotations

import numpy as np
import pytest

from comp.inference.share_test import (
    LEVEL,
    DecidedClasses,
    decided_shares,
    design_effect,
    shares_p_value,
)

DRAWS = 100


def draw(
    rng: np.random.Generator, shares: list[float], test_shares: list[float], per_group: int
) -> DecidedClasses:
    """Groups whose samples all have one class; two networks that agree on the test."""
    held_out = np.repeat(rng.choice(len(shares), 600 // per_group, p=shares), per_group)
    test = np.repeat(rng.choice(len(shares), 240 // per_group, p=test_shares), per_group)
    return DecidedClasses(
        held_out=held_out,
        groups=[str(index // per_group) for index in range(len(held_out))],
        test=np.stack([test, test]),
        weights=np.array([0.5, 0.5]),
        test_groups=[str(index) for index in range(len(test))],
    )


def alarms(shares: list[float], test_shares: list[float], per_group: int) -> int:
    rng = np.random.default_rng(0)
    drawn = [draw(rng, shares, test_shares, per_group) for _ in range(DRAWS)]
    return sum(shares_p_value(each, len(shares)) < LEVEL for each in drawn)


@pytest.mark.parametrize("shares", [[0.3, 0.7], [0.9, *[0.01] * 10]])
@pytest.mark.parametrize("per_group", [1, 6])
def test_without_a_shift_at_most_the_level_is_called_one(
    shares: list[float], per_group: int
) -> None:
    """At a level of 1 %, 5 or more of 100 have a probability of 0.3 %."""
    assert alarms(shares, shares, per_group) <= 4


def test_a_shift_is_seen() -> None:
    assert alarms([0.3, 0.7], [0.5, 0.5], 1) > 0.9 * DRAWS
    assert alarms([0.3, 0.7], [0.7, 0.3], 6) > 0.9 * DRAWS


def test_the_design_effect_of_equal_samples_is_their_number() -> None:
    values = np.repeat(np.random.default_rng(0).integers(0, 2, 500), 4).astype(float)
    groups = [str(index // 4) for index in range(len(values))]
    assert design_effect(values, groups) == pytest.approx(4)
    assert design_effect(values, [str(index) for index in range(len(values))]) == 1
    assert design_effect(np.ones(5), list("aabbc")) == 1


def test_shares_of_decisions() -> None:
    assert decided_shares(np.array([0, 2, 2, 2]), 4).tolist() == [0.25, 0, 0.75, 0]
