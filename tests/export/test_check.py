"""The check of a file: other batches and sizes, and a difference that it does not let pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from comp.errors import RunError
from comp.export.check import (
    agreement,
    check_batches,
    check_samples,
    example_of,
    refuse_difference,
)
from comp.export.networks import Entries, RunReader, parts_of


def image_of(*shape: int) -> Entries:
    return {"image": np.zeros(shape, np.uint8)}


def ones(entries: Entries) -> np.ndarray:
    return np.ones((len(entries["image"]), 1), np.float32)


def test_one_sample_then_three_of_the_test_of_the_run(exports: Any) -> None:
    split, samples = check_samples(exports.run)
    loaded = RunReader(exports.run).load(parts_of(exports.run)[0])
    batches = check_batches(loaded, samples, dense=False)
    assert split == "test"
    assert [len(each["image"]) for each in batches] == [1, 3, 1]
    dense = check_batches(loaded, samples, dense=True)
    assert dense[-1]["image"].shape[1:3] not in {(64, 64)}
    assert len(set(dense[-1]["image"].shape[1:3])) == 2


def test_an_equal_file_passes_and_one_that_differs_is_refused() -> None:
    batches, expected = [image_of(2, 4, 4, 3)], [np.ones((2, 1))]
    found = agreement("test", batches, expected, ones)
    assert found.equal
    refuse_difference(found, "ONNX")
    off = agreement("test", batches, [expected[0] + 0.01], ones)
    with pytest.raises(RunError, match=r"ONNX file predicts something else than the run, by 0\.01"):
        refuse_difference(off, "ONNX")


def test_large_numbers_are_compared_by_their_size() -> None:
    batches, expected = [image_of(1, 4, 4, 3)], [np.full((1, 1), 200_000.0)]
    found = agreement("test", batches, expected, lambda _e: np.full((1, 1), 200_010.0))
    assert found.equal
    assert found.limit == pytest.approx(20.0)
    off = agreement("test", batches, expected, lambda _e: np.full((1, 1), 200_030.0))
    assert not off.equal


def test_a_number_that_is_not_finite_is_no_agreement() -> None:
    found = agreement(
        "test", [image_of(1, 4, 4, 3)], [np.ones((1, 1))], lambda _e: np.full((1, 1), np.nan)
    )
    assert not found.equal


def test_another_shape_and_a_file_that_cannot_run() -> None:
    batches = [image_of(1, 4, 4, 3)]
    with pytest.raises(RunError, match=r"returns the shape \(1, 1\) and the network \(1, 2\)"):
        agreement("test", batches, [np.ones((1, 2))], ones)

    def broken(_entries: Entries) -> np.ndarray:
        raise ValueError("a reason\nof two lines")

    with pytest.raises(RunError, match=r"image \(1, 4, 4, 3\) \(a reason\)"):
        agreement("test", batches, [np.ones((1, 1))], broken)


def test_the_example_of_a_dense_network_has_sides_that_differ() -> None:
    example = example_of(image_of(1, 258, 540, 2), dense=True, multiple=64)
    assert example["image"].shape == (2, 128, 192, 2)
    assert example_of(image_of(3, 7, 7, 3), dense=False, multiple=1)["image"].shape == (2, 7, 7, 3)
