"""Checks of the masks and the sample submission of a segmentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from comp.errors import DataError
from comp.tasks.mask_checks import (
    check_classes,
    check_empty_mark,
    check_some_inside,
    mask_reading,
)
from comp.tasks.segmentation import segmentation

EXCLUSIVE = segmentation(("background", "cell"), exclusive=True)
HERE = Path("masks")


@pytest.mark.parametrize(
    ("task", "strata", "words"),
    [
        (segmentation(), ["empty"] * 3, "masks has 3 training masks, and all are empty"),
        (segmentation(("a", "b")), ["empty", "unreadable"], "has 1 training masks, and all are em"),
        (EXCLUSIVE, ["background"] * 3, "all have only the class 'background'"),
    ],
)
def test_masks_that_teach_nothing_are_refused(task, strata: list[str], words: str) -> None:
    with pytest.raises(DataError, match=words):
        check_some_inside(HERE, strata, task)


@pytest.mark.parametrize(
    ("task", "strata"),
    [
        (segmentation(), ["empty", "to 5%"]),
        (segmentation(), ["to 5%"] * 2),
        (segmentation(("a", "b")), ["a"] * 2),
        (EXCLUSIVE, ["background and cell"] * 2),
        (segmentation(), ["unreadable"]),
        (segmentation(), []),
    ],
)
def test_other_masks_are_accepted(task, strata: list[str]) -> None:
    check_some_inside(HERE, strata, task)


def test_the_classes_of_an_image_may_have_any_order() -> None:
    pairs = list(zip(["t0", "t1", "t0", "t1"], ["a", "b", "b", "a"], strict=True))
    check_classes(HERE, pairs, ["a", "b"])
    check_classes(HERE, [("t0", ""), ("t1", "")], ["a", "b"])
    for classes in (["a", "c"], ["a", "None"], ["a", "a"], ["a"], ["a", "b", "b"]):
        with pytest.raises(DataError, match="for 't0', but the plugin writes a, b: correct"):
            check_classes(HERE, [("t0", name) for name in classes], ["a", "b"])


@pytest.mark.parametrize("cells", [["-1", "1 2"], [" -1 ", None]])
def test_the_training_table_decides_the_mark_if_the_sample_does_not(
    tmp_path: Path, cells: list[str | None]
) -> None:
    sample = tmp_path / "sample.csv"
    for text in ("1 1", "5 3"):
        sample.write_text(f"id,rle\na,{text}\n")
        with pytest.raises(DataError, match=r"RleFormat.empty='-1'."):
            check_empty_mark(HERE, cells, sample, ["rle"], "")
        check_empty_mark(HERE, cells, sample, ["rle"], "-1")
    for text in ("", "-1"):
        sample.write_text(f"id,rle\na,{text}\n")
        check_empty_mark(HERE, cells, sample, ["rle"], "")
    with pytest.raises(DataError, match="writes ''"):
        check_empty_mark(HERE, cells, None, ["rle"], "")
    check_empty_mark(HERE, ["1 2", "", None], None, ["rle"], "-1")


def test_a_task_says_how_its_masks_are_read() -> None:
    assert mask_reading(segmentation()) == {"channels": 1, "grey": True}
    assert mask_reading(segmentation(("a", "b", "c"))) == {"channels": 3, "grey": False}
    assert mask_reading(EXCLUSIVE) == {"channels": 1, "grey": False}
