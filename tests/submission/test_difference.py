from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import pytest

from comp.submission.difference import id_differences


def words(ids: Sequence[str | None], expected: Sequence[str]) -> list[str]:
    return id_differences(pl.Series("id", ids, pl.String), pl.Series("id", expected, pl.String))


def pixels(image: str, height: int = 3, width: int = 4, start: int = 1) -> list[str]:
    rows, columns = range(start, start + height), range(start, start + width)
    return [f"{image}_{row}_{column}" for row in rows for column in columns]


PAGES = [*pixels("110"), *pixels("7"), *pixels("95")]


def test_the_same_ids_differ_in_nothing() -> None:
    assert words(PAGES, PAGES) == []
    assert words([], []) == []


def test_missing_and_unknown_ids_are_counted_and_the_first_is_named() -> None:
    ids = ["x", *PAGES[1:5], *PAGES[8:], "y"]
    assert words(ids, PAGES) == [
        "34 rows, the sample has 36",
        "4 ids are missing, the first is 110_1_1",
        "2 ids are unknown, the first is x",
    ]


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (["110", "7"], "image 95 is missing (all its 12 ids)"),
        (["7"], "images 110 and 95 are missing (all their 24 ids)"),
    ],
)
def test_images_that_are_missing_as_a_whole_are_named(left: list[str], said: str) -> None:
    ids = [i for i in PAGES if i.split("_")[0] in left]
    assert words(ids, PAGES) == [f"{len(ids)} rows, the sample has 36", said]


def test_an_image_and_single_ids_that_are_missing_are_told_apart() -> None:
    assert words([i for i in PAGES[:-12] if i != "7_2_2"], PAGES)[1:] == [
        "image 95 is missing (all its 12 ids)",
        "1 id is missing, the first is 7_2_2",
    ]


def test_of_many_images_some_are_named() -> None:
    many = [i for number in range(1, 8) for i in pixels(str(number))]
    assert words(pixels("1"), many)[1] == "images 2, 3, 4 and 3 more are missing (all their 72 ids)"


def test_an_image_that_the_sample_does_not_know_is_named() -> None:
    assert words([*PAGES, *pixels("8")], PAGES)[1:] == ["image 8 is unknown (all its 12 ids)"]


def test_a_file_of_something_else_is_told_by_its_first_id() -> None:
    assert words(["b.png", "c.png"], ["1_1_1", "1_1_2"]) == [
        "all its ids are unknown: the first is b.png, the sample begins with 1_1_1"
    ]


@pytest.mark.parametrize(
    ("mine", "sample", "said"),
    [
        (pixels("a", start=0), pixels("a"), "the ids are 0-based but the sample is 1-based"),
        (pixels("a"), pixels("a", start=0), "the ids are 1-based but the sample is 0-based"),
        (pixels("a_5", start=0), pixels("a_5"), "the ids are 0-based but the sample is 1-based"),
        (pixels("a", start=4), pixels("a", start=5), "the ids are one too small"),
        (["0", "1", "2"], ["1", "2", "3"], "the ids are 0-based but the sample is 1-based"),
        (["i9", "i10"], ["i8", "i9"], "the ids are one too large"),
        (["i00", "i01"], ["i01", "i02"], "the ids are 0-based but the sample is 1-based"),
        (["i099", "i100"], ["i098", "i099"], "the ids are one too large"),
        (
            [f"a_{r}_{c}" for r in (1, 2) for c in (0, 1)],
            [f"a_{r}_{c}" for r in (1, 2) for c in (1, 2)],
            "the last numbers of the ids are 0-based but the sample is 1-based",
        ),
        (
            [f"a_{r}_{c}" for r in (0, 1) for c in (1, 2)],
            [f"a_{r}_{c}" for r in (1, 2) for c in (1, 2)],
            "the rows in the ids are 0-based but the sample is 1-based",
        ),
    ],
)
def test_ids_that_begin_at_another_number_are_explained(
    mine: list[str], sample: list[str], said: str
) -> None:
    assert words(mine, sample) == [said]


def test_what_else_is_wrong_is_said_beside_another_first_number() -> None:
    ids = [*pixels("110", start=0), *pixels("7", start=0)]
    ids[0], ids[5] = ids[5], ids[0]
    assert words(ids, PAGES) == [
        "24 rows, the sample has 36",
        "the ids are 0-based but the sample is 1-based",
        "image 95 is missing (all its 12 ids)",
        "the order differs: rows 1 and 6 are swapped (110_1_1 and 110_0_0)",
    ]


def test_one_odd_number_is_no_other_first_number() -> None:
    assert words(["a_1", "a_2", "a_4"], ["a_1", "a_2", "a_3"]) == [
        "1 id is missing, the first is a_3",
        "1 id is unknown, the first is a_4",
    ]


def test_duplicates_are_named_with_their_rows() -> None:
    ids = [*PAGES[:5], PAGES[0], *PAGES[6:], PAGES[0], PAGES[1]]
    assert words(ids, PAGES) == [
        "38 rows, the sample has 36",
        "1 id is missing, the first is 110_2_2",
        "2 ids occur more than once, the first is 110_1_1 (rows 1 and 6)",
    ]


@pytest.mark.parametrize(("one", "other"), [(9, 10), (0, 35)])
def test_two_swapped_rows_are_named(one: int, other: int) -> None:
    ids = list(PAGES)
    ids[one], ids[other] = ids[other], ids[one]
    assert words(ids, PAGES) == [
        f"the order differs: rows {one + 1} and {other + 1} are swapped "
        f"({ids[one]} and {ids[other]})"
    ]


def test_of_any_other_order_the_first_row_is_named() -> None:
    ids = [*PAGES[:4], *PAGES[5:8], PAGES[4], *PAGES[8:]]
    assert words(ids, PAGES) == [
        "the order differs: row 5 is 110_2_2, the sample has 110_2_1 there"
    ]


def test_a_file_that_is_sorted_as_text_is_recognised() -> None:
    expected = [str(number) for number in range(1, 31)]
    assert words(sorted(expected), expected) == [
        "the order differs: the file is sorted as text, the sample is not: "
        "row 2 is 10, the sample has 2 there"
    ]


def test_the_order_is_judged_beside_missing_ids() -> None:
    ids = ["c", "b", "d", "e"]
    assert words(ids, ["a", "b", "c", "d", "e"])[1:] == [
        "1 id is missing, the first is a",
        "the order differs: rows 1 and 2 are swapped (c and b)",
    ]


def test_an_empty_id_is_shown_as_such_and_a_long_one_cut() -> None:
    assert words([None, "b"], ["a", "b"])[1] == "1 id is unknown, the first is empty"
    (_, unknown) = words(["x" * 1000, "b"], ["a", "b"])
    assert unknown == f"1 id is unknown, the first is {'x' * 60}..."


def test_no_rows_at_all() -> None:
    assert words([], PAGES) == [
        "0 rows, the sample has 36",
        "images 110, 7 and 95 are missing (all their 36 ids)",
    ]


def test_a_sample_without_rows() -> None:
    assert words(["1", "2"], []) == [
        "2 rows, the sample has 0",
        "2 ids are unknown, the first is 1",
    ]
