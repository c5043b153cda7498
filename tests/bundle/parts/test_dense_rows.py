"""Run lengths and rows of pixels, as comp writes them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from comp.bundle.describe_dense import dense_rows
from comp.bundle.parts.dense_rows import Places, mask_rows, pixel_rows_of, pixels_by_image
from comp.contract.sample import Sample
from comp.errors import DataError
from comp.submission.rle import RleFormat, decode
from comp.submission.write import pixel_rows
from comp.tasks.segmenter import segmenter

FORMS = [
    RleFormat(),
    RleFormat(base=0, empty="-1"),
    RleFormat(order="row", empty="1 0"),
    RleFormat(order="row", base=0, empty=" "),
]
COLUMNS: dict[str, dict[str, Any]] = {
    "one class": {"classes": ("a",)},
    "in the id": {"classes": ("a", "b", "x_b")},
    "in a column": {"classes": ("a", "b", "c"), "class_column": "class"},
    "one column each": {"classes": ("a", "b"), "rle_column": None},
    "some classes": {"classes": ("a", "b", "c"), "submit": ("c", "a")},
}
PIXELS = {"kind": "pixels", "id_column": "id", "value_column": "value"}


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("kind", COLUMNS)
def test_rows_of_masks_are_those_of_comp(kind: str, form: RleFormat) -> None:
    names = {"name": "toy", "title": "Toy", "kaggle": "competitions/toy"}
    competition = segmenter(**names, **COLUMNS[kind], rle=form)
    files: Any = competition.rows.__self__  # type: ignore[attr-defined]
    rng = np.random.default_rng(0)
    decision = (rng.random((5, 7, competition.task.outputs)) < 0.4).astype(np.float32)
    decision[..., 0] = 0
    wanted = competition.rows(Sample(id="im_1"), decision, decision)
    assert mask_rows("im_1", decision, asdict(files.row_form)) == wanted
    texts = wanted.get("rle_mask", [])
    for label, text in zip(files.labels, texts, strict=False):
        plane = decision[..., competition.task.labels.index(label)]
        np.testing.assert_array_equal(decode(text, (5, 7), form), plane)


def test_rows_of_masks_of_another_size_are_those_of_comp() -> None:
    names = {"name": "toy", "title": "Toy", "kaggle": "competitions/toy"}
    decision = (np.random.default_rng(0).random((9, 12, 1)) < 0.4).astype(np.float32)
    whole = segmenter(**names).rows(Sample(id="im_1"), decision, decision)
    competition = segmenter(**names, submit_size=(3, 5))
    wanted = competition.rows(Sample(id="im_1"), decision, decision)
    section = dense_rows(competition)
    assert section
    assert mask_rows("im_1", decision, section) == wanted != whole
    del section["size"]  # as an older bundle, or the plugin's own `portable`
    assert mask_rows("im_1", decision, section) == whole


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 1)])
def test_rows_of_pixels_are_those_of_comp(shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).random(shape).astype(np.float32)
    found, wanted = pixel_rows_of("p_1", image, PIXELS), pixel_rows("p_1", image)
    assert found["id"] == wanted["id"].to_list()
    assert found["value"].tolist() == wanted["value"].to_list()


def test_rows_of_pixels_follow_the_sample_submission() -> None:
    image = np.arange(12, dtype=np.float32).reshape(3, 4)
    places = pixels_by_image(["a_b_2_1", "a_b_1_4", "9_1_1", "a_b_3_3"])
    assert list(places) == ["a_b", "9"]
    found = pixel_rows_of("a_b", image, PIXELS, places["a_b"])
    assert found["id"] == ["a_b_2_1", "a_b_1_4", "a_b_3_3"]
    assert found["value"].tolist() == [4, 3, 10]
    assert places["a_b"].size == (3, 4)


def test_pixels_in_several_blocks_are_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("comp.bundle.parts.dense_rows.ROWS", 3)
    ids = [f"{name}_{row}_{column}" for name in "ab" for row in (1, 2) for column in (1, 2)]
    assert {name: places.rows.tolist() for name, places in pixels_by_image(ids).items()} == {
        "a": [1, 1, 2, 2],
        "b": [1, 1, 2, 2],
    }


def test_a_pixel_outside_of_the_image_is_an_error() -> None:
    places = Places(np.array([3]), np.array([1]))
    with pytest.raises(DataError, match=r"x_3_1, and the image has 2 x 5"):
        pixel_rows_of("x", np.zeros((2, 5)), PIXELS, places)


@pytest.mark.parametrize("wrong", ["a", "a_1", "a_0_1", "a_x_1"])
def test_other_ids_than_those_of_pixels_are_an_error(wrong: str) -> None:
    with pytest.raises(DataError, match="<image>_<row>_<column>"):
        pixels_by_image(["a_1_1", wrong])
