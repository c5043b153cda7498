"""Images that were saved with numpy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from comp.data.images.decode import read_gray, read_image, read_rgb
from comp.data.images.raw import read_raw
from comp.data.images.values import ValueRange
from comp.errors import DataError

RNG = np.random.default_rng(0)


def saved(path: Path, array: np.ndarray) -> Path:
    np.save(path, array)
    return path


@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 1), (20, 30, 3), (20, 30, 7), (20, 30, 64)])
def test_an_array_is_an_image(tmp_path: Path, shape: tuple[int, ...]):
    array = RNG.integers(0, 256, shape, np.uint8)
    channels = shape[2] if len(shape) == 3 else 1

    image = read_image(saved(tmp_path / "a.npy", array), channels)

    np.testing.assert_array_equal(image, array.reshape(*shape[:2], channels))


def test_grey_and_colour_are_converted_as_of_other_files(tmp_path: Path):
    grey = RNG.integers(0, 256, (20, 30), np.uint8)

    np.testing.assert_array_equal(read_rgb(saved(tmp_path / "a.npy", grey)), np.dstack([grey] * 3))
    colour = np.zeros((1, 1, 3), np.uint8) + np.uint8([255, 0, 0])
    assert read_gray(saved(tmp_path / "b.npy", colour)) == 76


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_other_channels_are_refused_with_what_was_found_and_is_needed(tmp_path: Path, channels):
    path = saved(tmp_path / "a.npy", np.zeros((20, 30, 4), np.uint8))

    with pytest.raises(DataError) as caught:
        read_image(path, channels)

    assert str(caught.value) == (
        f"{path} has 4 channels, and {channels} are needed: set image.channels = 4, or save it "
        f"with {channels}"
    )


def test_a_suffix_is_not_needed(tmp_path: Path):
    saved(tmp_path / "a.npy", np.full((9, 9), 7, np.uint8)).rename(tmp_path / "a.png")

    assert (read_gray(tmp_path / "a.png") == 7).all()


def test_truth_is_white(tmp_path: Path):
    image = read_gray(saved(tmp_path / "a.npy", np.array([[True, False]])))

    np.testing.assert_array_equal(image, [[255, 0]])


@pytest.mark.parametrize("kind", [">u2", "<u2", np.int16, np.int64, np.float16, np.float64])
def test_deep_values_have_the_range_of_the_data(tmp_path: Path, kind: object):
    path = saved(tmp_path / "a.npy", np.array([[0, 1000, 2000]], kind))
    bounds = dict.fromkeys(("uint16", "integer", "float"), (0.0, 2000.0))

    np.testing.assert_array_equal(read_gray(path, ValueRange(bounds)), [[0, 128, 255]])


def test_channels_first_are_refused_with_advice(tmp_path: Path):
    path = saved(tmp_path / "a.npy", np.zeros((5, 64, 64), np.uint8))

    with pytest.raises(DataError, match=r"looks like channels first: save array\.transpose"):
        read_raw(path)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros(5), "float64 of shape (5,)"),
        (np.zeros((2, 2, 2, 2), np.uint8), "uint8 of shape (2, 2, 2, 2)"),
        (np.zeros((0, 4), np.uint8), "shape (0, 4)"),
        (np.zeros((4, 4), complex), "complex128"),
        (np.array([["a"]]), "<U1"),
        (np.zeros((40, 40, 65), np.uint8), "65 channels, more than 64"),
    ],
)
def test_what_is_no_image_is_refused(tmp_path: Path, array: np.ndarray, words: str):
    with pytest.raises(DataError) as caught:
        read_raw(saved(tmp_path / "a.npy", array))
    assert words in str(caught.value)
    assert str(tmp_path / "a.npy") in str(caught.value)


def test_pickled_objects_are_not_loaded(tmp_path: Path):
    np.save(tmp_path / "a.npy", np.array([[{}]]), allow_pickle=True)

    with pytest.raises(DataError, match=r"a\.npy is not a readable image"):
        read_raw(tmp_path / "a.npy")


@pytest.mark.parametrize("keep", [9, 60, 300])
def test_a_cut_file_is_refused(tmp_path: Path, keep: int):
    path = saved(tmp_path / "a.npy", np.zeros((30, 30), np.uint8))
    path.write_bytes(path.read_bytes()[:keep])

    with pytest.raises(DataError, match=r"a\.npy is not a readable image"):
        read_raw(path)
