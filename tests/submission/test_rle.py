from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import cv2
import numpy as np
import polars as pl
import pytest

from comp.errors import DataError
from comp.submission.rle import READINGS, RleFormat, decode, detect_format, encode

COLUMN = RleFormat()
ROW_0 = RleFormat(order="row", base=0, empty="-1")
MASK = np.array([[0, 1, 1], [0, 1, 0]], np.uint8)


def test_pixels_are_numbered_down_the_columns_from_one_by_default() -> None:
    assert encode(MASK, COLUMN) == "3 3"
    assert encode(MASK, ROW_0) == "1 2 4 1"
    assert encode(MASK, RleFormat(order="row")) == "2 2 5 1"


def test_an_empty_mask_is_written_as_the_format_says() -> None:
    empty = np.zeros((2, 3), bool)
    assert (encode(empty, COLUMN), encode(empty, ROW_0)) == ("", "-1")
    assert encode(~empty, COLUMN) == "1 6"


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.float32])
def test_a_mask_may_have_one_channel_and_any_type(dtype: type) -> None:
    assert encode(MASK.astype(dtype)[..., None], COLUMN) == "3 3"


@pytest.mark.parametrize("order", ["column", "row"])
@pytest.mark.parametrize("base", [0, 1])
def test_what_is_encoded_is_decoded(order: str, base: int) -> None:
    form = RleFormat(order=order, base=base, empty="1 0")  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    for share in (0, 0.01, 0.5, 1):
        mask = (rng.random((7, 5)) < share).astype(np.uint8)
        back = decode(encode(mask, form), (7, 5), form)
        assert back.dtype == np.uint8
        assert np.array_equal(back, mask)


@pytest.mark.parametrize("cell", ["", "  ", None, float("nan"), "-1", "1 0", "0 0", "none"])
def test_blank_cells_and_marks_are_empty_masks(cell: str | float | None) -> None:
    assert not decode(cell, (2, 3), RleFormat(empty="none")).any()


def test_runs_may_touch() -> None:
    assert decode("1 2 3 1", (1, 4), COLUMN).tolist() == [[1, 1, 1, 0]]


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("3 2 1 1", "are not sorted"),
        ("1 3 3 1", "overlap at pixel 3"),
        ("1 3 1 3", "overlap at pixel 1"),
        ("0 2", "from pixel 0, and the first is 1"),
        ("5 3", "end at pixel 7, and the last is 6"),
        ("2 0 4 1", "a run of length 0"),
        ("2 -1", "a run of length -1"),
        ("1 2 3", "has 3 numbers, which are not pairs"),
        ("1,2", "is not a list of whole numbers"),
        ("1 2.5", "is not a list of whole numbers"),
        ("99999999999999999999 1", "is not a list of whole numbers"),
        ("PYf03m0=", "COCO's compressed form is not supported"),
        (7.5, "is not a text of run lengths"),
    ],
)
def test_what_is_no_list_of_runs_is_refused(cell: str | float, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        decode(cell, (2, 3), COLUMN)
    assert len(str(caught.value)) < 200


def test_masks_of_other_values_are_refused() -> None:
    with pytest.raises(DataError, match="the value 255: run lengths need masks of 0 and 1"):
        encode(MASK * 255, COLUMN)
    with pytest.raises(DataError, match=r"shape \(2, 3, 2\)"):
        encode(np.zeros((2, 3, 2)), COLUMN)


def blobs() -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [(rng.random((4, 6)) < 0.4).astype(np.uint8) * 255 for _ in range(5)]


@pytest.mark.parametrize(("order", "base"), READINGS)
def test_masks_decide_order_and_base(order: str, base: int) -> None:
    form = RleFormat(order=order, base=base)  # type: ignore[arg-type]
    masks = blobs()
    cells = [encode(mask > 0, form) for mask in masks]
    found, words = detect_format(cells, [(4, 6)] * 5, ["1 1"], masks)
    assert (found.order, found.base) == (order, base)
    assert words.startswith(
        f"run lengths in {order} order, first pixel {base}: 5 of 5 training masks are the same so"
    )


def test_masks_that_fit_several_orders_leave_column_order() -> None:
    """A full mask is the same in every order; only its first pixel can be seen."""
    full = np.ones((2, 2), np.uint8)
    found, words = detect_format(["0 4"], [(2, 2)], masks=[full])
    assert (found.order, found.base) == ("column", 0)
    assert "nothing shows the order, which is taken as column" in words


def test_masks_of_other_images_are_refused() -> None:
    masks = blobs()
    cells = [encode(mask > 0, COLUMN) for mask in masks[::-1]]
    with pytest.raises(DataError, match=r"at most \d of 5 are the same, in any order"):
        detect_format(cells, [(4, 6)] * 5, masks=masks)
    with pytest.raises(DataError, match=r"a mask has the size \(4, 6\), its image \(6, 4\)"):
        detect_format(cells, [(6, 4)] * 5, masks=masks)


def test_without_masks_the_first_or_the_last_pixel_decides_the_base() -> None:
    found, words = detect_format(["0 1", None], [(2, 2)] * 2)
    assert found.base == 0
    assert "a run starts at pixel 0 ('0 1')" in words
    found, words = detect_format(["2 1", "3 2"], [(2, 2)] * 2)
    assert found.base == 1
    assert "ends at pixel height x width ('3 2')" in words
    found, words = detect_format(["2 1"], [(2, 2)])
    assert (found.order, found.base) == ("column", 1)
    assert "nothing shows the first pixel, which is taken as 1" in words
    assert "nothing shows the order" in words


def test_runs_that_fit_no_base_are_refused() -> None:
    with pytest.raises(DataError, match="one run starts at pixel 0"):
        detect_format(["0 1", "4 1"], [(2, 2)] * 2)
    with pytest.raises(DataError, match="end at pixel 5, and the last is 4"):
        detect_format(["4 2"], [(2, 2)])


@pytest.mark.parametrize(
    ("cells", "sample", "empty"),
    [
        ([None, "1 1"], ["1 1", "1 1"], ""),
        (["-1", "1 1"], ["1 1", "1 1"], "-1"),
        ([None, "1 1"], ["-1", "-1"], "-1"),
        (["1 1"], ["1 0", "1 0"], "1 0"),
        (["-1", "1 1"], ["", ""], ""),
        (["1 1"], ["1 1"], ""),
    ],
)
def test_the_sample_then_the_training_table_decide_the_empty_mask(
    cells: list[str | None], sample: list[str], empty: str
) -> None:
    """ "1 1" in a sample submission is a placeholder, not an empty mask."""
    assert detect_format(cells, [(2, 2)] * len(cells), sample)[0].empty == empty


def test_the_salt_data_has_column_order_from_one() -> None:
    path = Path(os.environ.get("COMP_SALT_DATA", ""))
    if not path.is_file():
        pytest.skip("COMP_SALT_DATA names no zip file")
    with zipfile.ZipFile(path) as archive:
        tables = [
            pl.read_csv(io.BytesIO(archive.read(name)), infer_schema=False)
            for name in ("train.csv", "sample_submission.csv")
        ]
        train, sample = (table["rle_mask"].to_list() for table in tables)
        names = [f"train/masks/{name}.png" for name in tables[0]["id"]]
        data = [np.frombuffer(archive.read(name), np.uint8) for name in names]
    masks = [cv2.imdecode(part, cv2.IMREAD_GRAYSCALE) for part in data]
    form, words = detect_format(train, [(101, 101)] * len(masks), sample, masks)
    assert form == RleFormat(order="column", base=1, empty="")
    assert "training masks are the same so" in words
    assert [encode(decode(cell, (101, 101), form), form) for cell in train] == [
        cell or "" for cell in train
    ]
