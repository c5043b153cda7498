"""What an image looks like, in numbers."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from comp.data.drift.appearance import (
    appearance,
    appearance_values,
    header_statistics,
    pixel_statistics,
)


def textured(seed: int = 0, shape: tuple[int, ...] = (40, 60)) -> np.ndarray:
    return np.random.default_rng(seed).integers(40, 160, shape).astype(np.uint8)


def test_each_statistic_follows_its_change_and_brightness_moves_nothing_else() -> None:
    plain = pixel_statistics(textured())
    brighter = pixel_statistics(textured() + np.uint8(50))
    assert float(brighter["brightness"]) == pytest.approx(float(plain["brightness"]) + 50)
    rest = {name for name in plain if name != "brightness"}
    for name in rest:
        assert float(brighter[name]) == pytest.approx(float(plain[name]), abs=1e-3), name
    blurred = pixel_statistics(cv2.GaussianBlur(textured(), (0, 0), 1.5))
    assert float(blurred["sharpness"]) < 0.1 * float(plain["sharpness"])
    assert float(blurred["contrast"]) < float(plain["contrast"])
    assert float(blurred["detail 1 px"]) < float(plain["detail 1 px"]) - 1


def test_colours_and_grey() -> None:
    red = np.zeros((20, 20, 3), np.uint8)
    red[..., 0] = 200
    assert pixel_statistics(red)["saturation"] == 1
    assert pixel_statistics(red)["red - blue"] == 200
    grey = textured(shape=(20, 20))
    same = pixel_statistics(np.stack([grey] * 3, axis=2))
    assert (same["saturation"], same["red - blue"]) == (0, 0)
    assert same == pixel_statistics(grey) == pixel_statistics(grey[..., None])


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 2), (3, 700), (5, 5, 4)])
def test_any_shape_is_measured(shape: tuple[int, ...]) -> None:
    assert all(np.isfinite(value) for value in pixel_statistics(textured(shape=shape)).values())  # type: ignore[arg-type]


@pytest.mark.parametrize("quality", [30, 75, 92])
def test_the_quality_of_a_jpeg(tmp_path: Path, quality: int) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(textured()).save(path, quality=quality)
    header = header_statistics(path)
    assert float(header["JPEG quality"]) == pytest.approx(quality, abs=1)
    assert (header["format"], header["mode"], header["width"]) == ("JPEG", "L", 60)


def test_files_of_other_kinds_have_what_they_have(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", textured())
    (tmp_path / "b.png").write_bytes(b"not an image")
    assert appearance(textured(), tmp_path / "a.npy")["format"] == "NPY"
    assert appearance(textured(), tmp_path / "a.npy")["width"] == 60
    assert header_statistics(tmp_path / "b.png") == {"format": "other"}
    assert header_statistics(tmp_path / "missing.png") == {}


def test_values_have_a_column_for_each_property_and_none_that_is_constant() -> None:
    images = [{"a": 1.0, "format": "PNG", "b": 5.0}, {"a": 2.0, "format": "JPEG", "b": 5.0}]
    values, names = appearance_values([*images, {"format": "PNG", "b": 5.0}])
    assert names == ("a", "format JPEG", "format PNG")
    np.testing.assert_array_equal(values, [[1, 0, 1], [2, 1, 0], [np.nan, 0, 1]])
