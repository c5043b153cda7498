"""The number of draws, and their weights in blocks."""

from __future__ import annotations

import numpy as np
import pytest

from comp.inference import draws
from comp.inference.draws import CheapScore, blocks, columns_of, drawn_scores, draws_for
from comp.inference.measures import group_draws

GROUPS = [f"g{i // 2}" for i in range(12)]


def test_the_number_of_draws_depends_on_the_size_alone() -> None:
    assert draws_for(100, 1) == 1000
    assert draws_for(100, 1, most=300) == 300
    assert draws_for(10**9, 10) == 200
    assert draws_for(10**9, 10, share=0.5) == 100
    assert draws_for(0, 0) == 1000


@pytest.mark.parametrize("room", [1, 4 * 12 * 3, 1 << 20])
def test_blocks_have_the_weights_of_the_draws(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    monkeypatch.setattr(draws, "_BLOCK", room)
    found = list(blocks(group_draws(GROUPS, 10, 0)))
    assert np.array_equal(np.concatenate(found), list(group_draws(GROUPS, 10, 0)))
    assert len(found) == {1: 10, 144: 4}.get(room, 1)


def test_scores_of_many_draws_are_those_of_each() -> None:
    values = np.arange(12.0)
    alone = CheapScore(one=lambda w: float(w @ values), columns=2)
    many = CheapScore(one=alone.one, columns=3, many=lambda w: w.T @ values)
    first, second = drawn_scores([alone, many], group_draws(GROUPS, 9, 0))
    assert np.array_equal(first, second)
    assert first.tolist() == [w @ values for w in group_draws(GROUPS, 9, 0)]
    assert columns_of(alone, many, lambda w: 0.0) == 6


def test_only_scores_that_are_not_cheap_stop_at_the_time_limit() -> None:
    cheap = CheapScore(one=lambda w: 1.0)
    assert drawn_scores([cheap], group_draws(GROUPS, 9, 0), limit_s=0).shape == (1, 9)
    assert drawn_scores([lambda w: 1.0], group_draws(GROUPS, 9, 0), limit_s=-1).shape == (1, 1)
