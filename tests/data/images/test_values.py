"""From values to 0..255: what is black, what is white, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from comp.data.images.raw import RawImage, Window
from comp.data.images.values import ValueRange, kind_of, own_range, to_8_bits
from comp.errors import DataError

PATH = Path("a.tif")
TWELVE = ValueRange({"uint16": (0.0, 4095.0)})


def scaled(values: object, value_range: ValueRange | None = None, **more) -> np.ndarray:
    array = np.atleast_2d(np.asarray(values))
    return to_8_bits(RawImage(array, **more), value_range, PATH)


def test_types_of_values():
    kinds = {"uint8": None, "uint16": "uint16", "int16": "integer", "int32": "integer"}
    kinds |= {"float32": "float", "float64": "float", "int8": "integer"}

    assert {name: kind_of(np.zeros(1, name)) for name in kinds} == kinds


def test_8_bits_stay_as_they_are():
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)

    assert to_8_bits(RawImage(values), TWELVE, PATH) is values


def test_12_bits_keep_every_grey_level():
    values = np.arange(4096, dtype=np.uint16)

    np.testing.assert_array_equal(scaled(values, TWELVE)[0], np.repeat(np.arange(256), 16))


def test_16_bits_without_a_range_keep_their_upper_8():
    values = np.array([0, 255, 256, 0xABCD, 65535], np.uint16)

    np.testing.assert_array_equal(scaled(values), [[0, 0, 1, 0xAB, 255]])


@pytest.mark.parametrize("kind", [np.int32, np.float32, np.float64])
def test_a_range_of_any_values_is_linear_and_clips(kind: type):
    known = ValueRange({"integer": (-1000.0, 3000.0), "float": (-1000.0, 3000.0)})
    values = np.array([-5000, -1000, 1000, 3000, 9000], kind)

    np.testing.assert_array_equal(scaled(values, known), [[0, 0, 128, 255, 255]])


def test_a_range_that_was_set_is_that_of_16_bits_too():
    known = ValueRange({"uint16": (100.0, 355.0)}, fixed=True)

    np.testing.assert_array_equal(
        scaled(np.array([0, 100, 200, 355, 9000], np.uint16), known), [[0, 0, 100, 255, 255]]
    )


def test_a_negative_is_turned_after_the_range():
    values = np.array([0, 4095], np.uint16)

    np.testing.assert_array_equal(scaled(values, TWELVE, negative=True), [[255, 0]])


def test_opacity_has_the_range_of_its_type_and_not_that_of_the_colours():
    values = np.array([[[4095, 0, 0, 65535], [4095, 4095, 4095, 32768]]], np.uint16)

    made = to_8_bits(RawImage(values, alpha=True), TWELVE, PATH)

    np.testing.assert_array_equal(made, [[[255, 0, 0, 255], [255, 255, 255, 128]]])


def test_a_window_is_used_unless_a_range_is_set():
    values = np.array([-200, 40, 300], np.int32)
    window = Window(center=40, width=400, function="LINEAR_EXACT")
    found = ValueRange({"integer": (-200.0, 300.0)})
    fixed = ValueRange({"integer": (-200.0, 300.0)}, fixed=True)

    np.testing.assert_array_equal(scaled(values, found, window=window), [[0, 128, 255]])
    np.testing.assert_array_equal(scaled(values, fixed, window=window), [[0, 122, 255]])


def test_the_windows_of_the_standard():
    """Values of the pseudo-code in DICOM PS3.3, C.11.2.1.2.1: c = 2048, w = 4096."""
    values = np.array([0, 2048, 4095], np.uint16)

    np.testing.assert_array_equal(scaled(values, window=Window(2048, 4096)), [[0, 128, 255]])
    sigmoid = scaled(values, window=Window(2048, 4096, "SIGMOID"))
    np.testing.assert_array_equal(sigmoid, [[30, 128, 225]])


def test_a_window_of_8_bits_is_used_too():
    values = np.array([0, 50, 100, 200], np.uint8)

    made = scaled(values, window=Window(100, 100, "LINEAR_EXACT"))

    np.testing.assert_array_equal(made, [[0, 0, 128, 255]])


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.float32([0, 3000]), "float values from 0 to 3,000"),
        (np.float32([-0.5, 1]), "float values from -0.5 to 1"),
        (np.int32([0, 256]), "integer values from 0 to 256"),
        (np.int16([-3, 7]), "integer values from -3 to 7"),
    ],
)
def test_nothing_is_clipped_by_a_range_that_is_not_known(values: np.ndarray, words: str):
    with pytest.raises(DataError, match=words):
        scaled(values)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(bad: float):
    with pytest.raises(DataError, match=r"a\.tif contains values that are not finite"):
        scaled(np.array([0.5, bad], np.float32), ValueRange({"float": (0.0, 1.0)}))


def test_a_type_that_the_run_did_not_have_is_refused():
    with pytest.raises(DataError, match="float values, and the images of the run have 16-bit"):
        scaled(np.float32([0, 1]), TWELVE)


def test_own_range_of_one_image():
    assert own_range(np.float32([[3, 9, np.nan]])).bounds == {"float": (3.0, 9.0)}
    assert own_range(np.float32([[3, 3]])).bounds == {"float": (3.0, 4.0)}
    assert own_range(np.uint8([[3]])) is None


def test_record_comes_back():
    known = ValueRange({"uint16": (0.0, 4095.0), "float": (-1.5, 2.0)}, True, "words")

    again = ValueRange.from_record(known.record())

    assert (again, again.sentence) == (known, "words")
    assert known.key() == {"uint16": [0.0, 4095.0], "float": [-1.5, 2.0], "fixed": True}
    assert ValueRange({}, True, "words").key() == {}
