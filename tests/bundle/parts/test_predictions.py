from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from comp.bundle.parts.images import Image
from comp.bundle.parts.predictions import AHEAD, SHOWN, Predictor, Progress, read_ahead
from comp.errors import DataError

CPU = torch.device("cpu")


def images(count: int) -> list[Image]:
    """Images named by their numbers."""
    return [Image(str(number), Path(str(number))) for number in range(count)]


def read(image: Image) -> np.ndarray:
    """An image whose size and value follow from its number."""
    number = int(image.id)
    return np.full((2 + number // 10, 3, 1), number % 256, np.uint8)


class Sums:
    """In place of networks: the number of an image, and the size of its batch."""

    batches: list[int]

    def __init__(self) -> None:
        self.batches = []

    def __call__(self, pixels: Sequence[np.ndarray]) -> np.ndarray:
        assert len({one.shape for one in pixels}) == 1
        self.batches.append(len(pixels))
        return np.array([[one[0, 0, 0]] for one in pixels], np.float32)


def predictor(lines: list[str], networks: Any, devices: Sequence[torch.device] = (CPU,)) -> Any:
    """A predictor without the networks of a bundle."""
    bundle = {
        "predict": {"batch_size": 4, "precision": "fp32", "output": "numbers"},
        "activation": {"kind": "none", "arguments": {}},
        "networks": [],
        "read": {},
    }
    found = Predictor(bundle, Path(), devices, lines.append, workers=3)
    found.networks = dict.fromkeys(devices, networks)
    return found


def test_images_are_predicted_in_order_in_batches_of_one_size() -> None:
    lines: list[str] = []
    networks = Sums()
    found = list(predictor(lines, networks).predict(images(25), read))
    assert [one.number for one in found] == list(range(25))
    assert [int(one.values[0]) for one in found] == list(range(25))
    assert networks.batches == [4, 4, 2, 4, 4, 2, 4, 1]
    assert lines == ["predicted 25 of 25 images in 0 s"]


def test_two_devices_keep_the_order() -> None:
    devices = [torch.device("cpu"), torch.device("cpu", 0)]
    found = list(predictor([], Sums(), devices).predict(images(40), read))
    assert [one.number for one in found] == list(range(40))


def test_broken_images_are_left_out_and_said() -> None:
    def some(image: Image) -> np.ndarray:
        if image.id == "3":
            raise DataError("3 is torn")
        if image.id == "5":
            raise ValueError("a bug of a plugin")
        return read(image)

    class Infinite(Sums):
        def __call__(self, pixels: Sequence[np.ndarray]) -> np.ndarray:
            values = super().__call__(pixels)
            return np.where(values == 7, np.nan, values)

    lines: list[str] = []
    made = predictor(lines, Infinite())
    found = [one.number for one in made.predict(images(9), some)]
    assert found == [0, 1, 2, 4, 6, 8]
    assert sorted(made.broken) == [3, 5, 7]
    said = sorted(line for line in lines if line.startswith("broken"))
    assert said == [
        "broken 3: 3 is torn; it gets the mean prediction",
        "broken 5: 5: ValueError: a bug of a plugin; it gets the mean prediction",
        "broken 7: its prediction is not finite; it gets the mean prediction",
    ]


def test_many_broken_images_are_counted_and_more_than_half_are_an_error() -> None:
    def every_second(image: Image) -> np.ndarray:
        if int(image.id) % 2:
            return read(image)
        raise DataError("torn")

    lines: list[str] = []
    assert len(list(predictor(lines, Sums()).predict(images(100), every_second))) == 50
    named = [line for line in lines if line.startswith("broken")]
    assert len(named) == SHOWN + 1
    assert named[-1].startswith("broken 50 images in all")
    with pytest.raises(DataError, match="50 of 99 images of the test cannot be predicted"):
        list(predictor([], Sums()).predict(images(99), every_second))


def test_reading_is_ahead_of_the_networks_but_not_far() -> None:
    begun: list[str] = []
    several = threading.Barrier(3, timeout=120)

    def slow(image: Image) -> np.ndarray:
        begun.append(image.id)
        if len(begun) <= 3:
            several.wait()  # three images are read at the same time
        return read(image)

    found = read_ahead(images(500), slow, workers=3)
    assert isinstance(next(found), np.ndarray)
    deadline = time.monotonic() + 120
    while len(begun) < 3 * AHEAD and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert len(begun) == 3 * AHEAD
    found.close()


def test_progress_is_said_twice_a_minute() -> None:
    times = iter([0.0, 10.0, 31.0, 40.0, 61.5, 70.0])
    lines: list[str] = []
    progress = Progress(1000, lines.append, clock=lambda: next(times))
    for done in (100, 310, 400, 615, 1000):
        progress.show(done)
    assert lines == [
        "predicted 310 of 1,000 images in 31 s, about 69 s left",
        "predicted 615 of 1,000 images in 62 s, about 38 s left",
        "predicted 1,000 of 1,000 images in 70 s",
    ]
