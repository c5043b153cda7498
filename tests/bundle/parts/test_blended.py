"""Several runs that read images in their own way, image by image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from comp.bundle.parts import blended
from comp.bundle.parts.blended import Blended, members_of
from comp.bundle.parts.images import Image
from comp.bundle.parts.predictions import Predicted

IMAGES = [Image(f"i{number}", Path(f"i{number}")) for number in range(4)]


class Member:
    """In place of `Predictor`: a run that predicts its value, except of some images."""

    def __init__(self, member: Any, *_: Any, **__: Any) -> None:
        self.value, self.without = member["value"], member["without"]
        self.workers, self.broken = 2, {}

    def __call__(self, images: Sequence[Image], _root: Path) -> Iterator[Predicted]:
        for number, image in enumerate(images):
            if number in self.without:
                self.broken[number] = image
            else:
                yield Predicted(number, image, np.array([self.value + number], np.float32))


def predicted(
    monkeypatch: pytest.MonkeyPatch, *members: tuple[float, float, set[int]]
) -> tuple[dict[int, float], set[int]]:
    """The predictions by number, and the broken images, of members (weight, value, without)."""
    monkeypatch.setattr(blended, "Predictor", Member)
    described = [{"weight": w, "value": v, "without": s} for w, v, s in members]
    found = Blended({"members": described, "networks": []}, Path(), [], print)
    values = {part.number: float(part.values[0]) for part in found(IMAGES, Path())}
    return values, set(found.broken)


def test_the_weighted_mean_of_the_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    values, broken = predicted(monkeypatch, (0.75, 0.0, set()), (0.25, 8.0, set()))
    assert values == {0: 2.0, 1: 3.0, 2: 4.0, 3: 5.0}
    assert broken == set()


@pytest.mark.parametrize(
    ("first", "second"),
    [({1}, set()), (set(), {1}), ({1, 3}, {0}), ({0, 1, 2, 3}, {2}), ({3}, {3})],
)
def test_an_image_without_a_prediction_of_one_run_is_broken(
    monkeypatch: pytest.MonkeyPatch, first: set[int], second: set[int]
) -> None:
    values, broken = predicted(monkeypatch, (1.0, 0.0, first), (1.0, 0.0, second))
    assert broken == first | second
    assert values == {number: float(number) for number in range(4) if number not in broken}


def test_a_run_alone_is_its_own_member() -> None:
    alone = {"networks": [{"weights": "a"}], "read": {}}
    assert members_of(alone) == [alone]
    networks = [{"weights": "a", "member": 0}, {"weights": "b", "member": 1}]
    several = members_of({"networks": networks, "read": 0, "members": [{"read": 1}, {"read": 2}]})
    assert [member["read"] for member in several] == [1, 2]
    assert [member["networks"] for member in several] == [networks[:1], networks[1:]]
