"""When a corner stands out, on maps that the test draws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from comp.explanations.corner import CORNERS, CornerFocus, corner_focus
from comp.explanations.explained import ExplainedSample

SIDE = 32
RNG = np.random.default_rng(0)


def sample(number: int, heat: np.ndarray, target: str = "cat") -> ExplainedSample:
    return ExplainedSample(
        id=f"s{number}",
        split="train",
        fold=0,
        truth=target,
        decision=target,
        wrong=False,
        target=target,
        probability=0.9,
        network=0.9,
        image=np.zeros((*heat.shape, 3), np.uint8),
        signed=heat,
        heat=heat.astype(np.float32),
    )


def corner(name: str = "bottom left") -> np.ndarray:
    heat = np.full((SIDE, SIDE), 0.01)
    rows = slice(0, 6) if name.startswith("top") else slice(-6, None)
    columns = slice(0, 6) if name.endswith("left") else slice(-6, None)
    heat[rows, columns] = 1
    return heat


def middle() -> np.ndarray:
    heat = np.full((SIDE, SIDE), 0.01)
    row, column = RNG.integers(6, 18, 2)
    heat[row : row + 8, column : column + 8] = 1
    return heat


def focus_of(make: Callable[[int], np.ndarray], count: int = 8) -> CornerFocus:
    found = corner_focus([sample(number, make(number)) for number in range(count)])
    assert found is not None
    return found


def test_each_corner_is_named() -> None:
    for name in CORNERS:
        found = focus_of(lambda _number, name=name: corner(name))
        assert found.corner == name
        assert found.stands_out
        assert found.share > 0.7
        assert found.pointing == found.samples == 8
        assert found.expected == 1 / 16


def test_ordinary_maps_do_not_stand_out() -> None:
    assert not focus_of(lambda _number: middle()).stands_out
    assert not focus_of(lambda _number: RNG.random((SIDE, SIDE))).stands_out
    assert not focus_of(lambda number: corner(CORNERS[number % 4])).stands_out
    half = focus_of(lambda number: corner() if number % 2 else middle())
    assert (half.pointing, half.stands_out) == (4, False)
    assert not focus_of(lambda _number: corner() + corner("top right")).stands_out


def test_a_few_samples_say_nothing_and_empty_maps_are_left_out() -> None:
    assert not focus_of(lambda _number: corner(), count=5).stands_out
    assert corner_focus([]) is None
    assert corner_focus([sample(0, np.zeros((SIDE, SIDE)))]) is None


def test_the_class_that_stands_out_is_told() -> None:
    maps = [sample(n, middle(), "dog") for n in range(8)]
    maps += [sample(n, corner(), "cat") for n in range(8)]
    found = corner_focus(maps)
    assert found is not None
    assert (found.label, found.samples) == ("cat", 8)


def test_a_corner_decides_only_if_covering_it_alone_matters() -> None:
    found = focus_of(lambda _number: corner())
    assert not found.decides
    covered = replace(found, probability=0.95, covered=0.3, covered_other=0.94)
    assert covered.decides
    assert "from 0.95 to 0.30" in covered.words
    assert not replace(covered, covered=0.9).decides
    assert not replace(covered, covered_other=0.4).decides


def test_maps_that_are_not_square() -> None:
    heat = np.full((16, 48), 0.01)
    heat[:4, -12:] = 1
    assert focus_of(lambda _number: heat).corner == "top right"
