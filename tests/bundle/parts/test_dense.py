"""Rows of predicted images, one at a time, with broken images in their place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from comp.bundle.parts.dense import DenseRows, ImageFile, dense_parts
from comp.bundle.parts.dense_rows import pixels_by_image
from comp.bundle.parts.images import Image
from comp.errors import DataError

IMAGES = [Image(name, Path(f"{name}.png")) for name in "abcde"]


def parts(broken: set[int], size: tuple[int, int] | None = None) -> list[tuple[str, float, Any]]:
    """Id, mean and shape of each part; image i has the value i everywhere."""

    def predicted() -> Iterator[tuple[int, Image, np.ndarray]]:
        for number, image in enumerate(IMAGES):
            if number not in broken:
                yield number, image, np.full((2, 3, 1), number, np.float32)

    def rows_of(image: Image, values: np.ndarray) -> dict[str, Any]:
        return {"row": (image.id, float(values.mean()), values.shape)}

    gone = {number: IMAGES[number] for number in broken}
    found = dense_parts(IMAGES, predicted(), gone, rows_of, lambda _image: size)
    return [part["row"] for part in found]


@pytest.mark.parametrize("broken", [set(), {0}, {4}, {1, 3}, {0, 1, 2, 3}])
def test_rows_keep_their_order_and_broken_images_get_the_mean(broken: set[int]) -> None:
    found = parts(broken)
    mean = np.mean([number for number in range(5) if number not in broken])
    assert [name for name, _, _ in found] == list("abcde")
    values = [mean if number in broken else number for number in range(5)]
    assert [value for _, value, _ in found] == pytest.approx(values)


def test_a_broken_image_of_known_size_gets_that_size() -> None:
    assert parts({2}, (7, 5))[2] == ("c", pytest.approx(2.0), (7, 5, 1))
    assert parts({2}, None)[2][2] == (2, 3, 1)


def test_without_a_prediction_there_is_no_mean() -> None:
    with pytest.raises(DataError, match="no image of the test"):
        parts({0, 1, 2, 3, 4})


def test_only_one_image_is_in_memory_until_its_rows_are_taken() -> None:
    alive: list[int] = []

    def predicted() -> Iterator[tuple[int, Image, np.ndarray]]:
        for number, image in enumerate(IMAGES):
            alive.append(number)
            yield number, image, np.zeros((2, 2, 1), np.float32)

    found = dense_parts(IMAGES, predicted(), {}, lambda _i, _v: {}, lambda _i: None)
    next(found)
    assert alive == [0]


def test_the_file_of_predictions_has_an_array_for_each_image(tmp_path: Path) -> None:
    bundle = {"decision": {"kind": "none"}, "rows": {"kind": "own"}}
    with ImageFile(tmp_path / "new" / "p.npz") as file:
        rows = DenseRows(bundle, pixels_by_image(["x_2_3", "y_1_1"]), file)
        for name, side in (("x", 2), ("y", 5)):
            file.add(name, np.full((side, side, 1), side, np.float32))
    with np.load(tmp_path / "new" / "p.npz") as found:
        assert found["ids"].tolist() == ["x", "y"]
        assert found.files == ["0", "1", "ids"]
        assert (found["1"].shape, found["1"].dtype) == ((5, 5, 1), np.float32)
    assert rows.size(Image("x", Path())) == (2, 3)


def test_without_a_path_no_file_is_written() -> None:
    with ImageFile(None) as file:
        file.add("x", np.zeros(2))
    assert file.ids == []
