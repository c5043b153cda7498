"""One range of values for a whole data set."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from comp.data.images import find_range
from comp.data.images.find_range import any_deep, find_value_range
from comp.data.images.formats import READ_ERROR
from comp.data.images.raw import RawImage
from comp.data.images.values import ValueRange
from comp.errors import DataError


def saved(folder: Path, *arrays: np.ndarray, suffix: str = "") -> list[str]:
    paths = []
    for i, array in enumerate(arrays):
        deep = array.dtype in (np.float32, np.int32)
        path = folder / f"{i}{suffix or ('.tif' if deep else '.png')}"
        if suffix == ".npy":
            np.save(path, array)
        else:
            Image.fromarray(array).save(path)
        paths.append(str(path))
    return paths


def values(low: float, high: float, kind: type) -> np.ndarray:
    return np.linspace(low, high, 96).reshape(8, 12).astype(kind)


def bounds(paths: list[str]) -> dict[str, tuple[float, float]]:
    found = find_value_range(paths, None)
    assert found is not None
    return dict(found.bounds)


@pytest.mark.parametrize(
    ("high", "white"),
    [
        *[(255, 255), (256, 1023), (1023, 1023), (4000, 4095)],
        *[(4095, 4095), (4096, 16383), (16384, 65535), (65535, 65535)],
    ],
)
@pytest.mark.parametrize("kind", [np.uint16, np.int32])
def test_whole_bits_of_the_largest_value_of_all_images(tmp_path: Path, kind, high, white):
    paths = saved(tmp_path, values(0, 40, kind), values(0, high, kind), values(0, 7, kind))

    name = "uint16" if kind is np.uint16 else "integer"
    assert bounds(paths) == {name: (0.0, float(white))}


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 0.4, (0, 1)),
        (0, 1, (0, 1)),
        (0, 200, (0, 255)),
        (0, 3000, (0, 3000)),
        (-1000, 400, (-1000, 400)),
        (-0.5, 0.5, (-0.5, 0.5)),
    ],
)
def test_floats_have_a_usual_range_or_their_own(tmp_path: Path, low, high, expected):
    paths = saved(tmp_path, values(low, high, np.float32), values(low / 2, high / 2, np.float32))

    assert bounds(paths) == {"float": expected}


def test_signed_integers_have_their_own_range(tmp_path: Path):
    assert bounds(saved(tmp_path, values(-1024, 3071, np.int32))) == {"integer": (-1024, 3071)}
    big = values(0, 2**20, np.int32)
    assert bounds(saved(tmp_path, big)) == {"integer": (0, 2**20)}


def test_one_file_in_a_hundred_does_not_decide(tmp_path: Path):
    paths = saved(tmp_path, *[values(0, 1000 + i, np.float32) for i in range(200)])
    paths += saved(tmp_path, *[values(0, 1e6, np.float32)], suffix=".npy")

    found = find_value_range(paths, None)

    assert found.bounds["float"][1] == 1198.0
    assert "of 201 have values outside, which are clipped" in found.sentence


def test_a_constant_image_has_a_range(tmp_path: Path):
    low, high = bounds(saved(tmp_path, np.full((4, 4), 700, np.float32)))["float"]

    assert low == 700 < high


def test_8_bit_images_have_none_and_only_their_first_bytes_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    colour = np.zeros((9, 9, 3), np.uint8)
    paths = [p for s in (".png", ".jpg", ".bmp", ".tif") for p in saved(tmp_path, colour, suffix=s)]
    (tmp_path / "bad.png").write_bytes(b"no image")

    def read(*_: object) -> None:
        raise AssertionError("an image was decoded")

    monkeypatch.setattr(find_range, "read_raw", read)

    assert find_value_range([*paths, str(tmp_path / "bad.png"), "/nowhere.png"], None) is None
    deep = saved(tmp_path, values(0, 9, np.uint16))
    with pytest.raises(AssertionError, match="was decoded"):
        find_value_range(deep, None)


def test_the_scan_of_16_bits_ends_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    paths = saved(tmp_path, *[values(0, 65535, np.uint16)] * 200)
    read, real = [], find_range.read_raw
    monkeypatch.setattr(find_range, "read_raw", lambda path: read.append(path) or real(path))

    assert find_value_range(paths, None, workers=1).bounds == {"uint16": (0, 65535)}
    assert len(read) <= 16


def test_types_have_their_own_ranges(tmp_path: Path):
    paths = saved(tmp_path, values(0, 4000, np.uint16))
    paths += saved(tmp_path, values(0, 1, np.float32), values(0, 255, np.uint8), suffix=".npy")

    found = find_value_range(paths, None)

    assert found.bounds == {"uint16": (0, 4095), "float": (0, 1)}
    assert found.sentence == (
        "images have 12-bit values (0 to 4,000 of 65,535): 0 to 4,095 becomes 0..255; "
        "images have float values (0 to 1): 0 to 1 becomes 0..255"
    )


def test_a_range_that_is_set_counts_for_all_types(tmp_path: Path):
    paths = saved(tmp_path, values(0, 4000, np.uint16), values(0, 300, np.float32))

    found = find_value_range(paths, [0, 1000])

    assert found.bounds == dict.fromkeys(("uint16", "integer", "float"), (0.0, 1000.0))
    assert found.fixed
    assert found.sentence == (
        "images have 16-bit values (0 to 4,000): image.range is 0 to 1,000, which becomes 0..255; "
        "1 of 1 have values outside, which are clipped; "
        "images have float values (0 to 300): image.range is 0 to 1,000, which becomes 0..255"
    )


def test_a_range_that_is_set_for_8_bits_has_no_effect_and_says_so(tmp_path: Path):
    found = find_value_range(saved(tmp_path, values(0, 255, np.uint8)), [0, 100])

    assert not found.bounds
    assert found.sentence == "image.range = [0.0, 100.0] has no effect: all images have 8 bits"


def test_the_range_of_a_run_is_kept_and_values_outside_are_told(tmp_path: Path):
    known = ValueRange({"uint16": (0.0, 4095.0)})
    paths = saved(tmp_path, values(0, 900, np.uint16), values(0, 5000, np.uint16))

    found = find_value_range(paths, None, known)

    assert found == known
    assert "(0 to 5,000): the range of the run is 0 to 4,095" in found.sentence
    assert found.sentence.endswith("1 of 2 have values outside, which are clipped")
    assert find_value_range(saved(tmp_path, values(0, 9, np.uint8)), None, known) == known


def test_a_type_that_a_run_did_not_have_is_refused(tmp_path: Path):
    known = ValueRange({"uint16": (0.0, 4095.0)})

    with pytest.raises(DataError, match=r"0\.tif has float values, and .* run have 16-bit values"):
        find_value_range(saved(tmp_path, values(0, 1, np.float32)), None, known)


def test_a_run_of_8_bits_finds_the_range_of_other_data(tmp_path: Path):
    paths = saved(tmp_path, values(0, 4000, np.uint16))

    for known in (None, ValueRange({}, True, "no effect")):
        assert find_value_range(paths, None, known).bounds == {"uint16": (0, 4095)}


def test_files_that_cannot_be_read_now_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = saved(tmp_path, values(0, 4000, np.uint16), values(0, 900, np.uint16))
    real = find_range.read_raw

    def failing(path: Path) -> RawImage:
        if path.name == "0.png":
            raise DataError(f"{READ_ERROR} {path}: Input/output error")
        return real(path)

    monkeypatch.setattr(find_range, "read_raw", failing)
    unread: list[str] = []
    found = find_value_range(paths, None, unread=unread)
    assert found
    assert found.bounds == {"uint16": (0.0, 1023.0)}
    assert unread == paths[:1]


def test_a_file_that_cannot_be_opened_now_may_be_deep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = saved(tmp_path, values(0, 200, np.uint8))
    assert not any_deep(paths)
    assert not any_deep([str(tmp_path / "missing.png")])
    real = Path.open

    def failing(self: Path, *args: Any, **options: Any) -> Any:
        if self.name == "0.png":
            raise OSError(errno.EIO, "Input/output error")
        return real(self, *args, **options)

    monkeypatch.setattr(Path, "open", failing)
    assert any_deep(paths)
