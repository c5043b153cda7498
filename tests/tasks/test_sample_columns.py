"""Columns of weights and times, in every table that a competition reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from comp.contract.competition import Competition
from comp.errors import DataError
from comp.tasks.classification import image_classification
from comp.tasks.pixel_table import pixel_table
from comp.tasks.sample_columns import NO_COLUMNS, SampleColumns
from comp.tasks.segmenter import segmenter

NAMED: dict[str, Any] = {"name": "x", "title": "X", "kaggle": "competitions/x"}
COLUMNS = {"weight_column": "trust", "time_column": "year"}
BOTH = SampleColumns("trust", "year")
TABLE = Path("train.csv")


@pytest.mark.parametrize(
    "competition",
    [
        image_classification(classes=("a", "b"), group_column="of", **COLUMNS, **NAMED),
        pixel_table(classes=("0", "1"), size=(4, 4), **COLUMNS, **NAMED),
        segmenter(**COLUMNS, **NAMED),
        segmenter(masks=None, classes=("a", "b"), class_column="kind", **COLUMNS, **NAMED),
    ],
    ids=["images", "pixels", "masks", "run lengths"],
)
def test_samples_have_the_weights_and_times_of_their_table(
    competition: Competition, tmp_path: Path
) -> None:
    competition.draw_synthetic(tmp_path, np.random.default_rng(0))
    samples = competition.samples(tmp_path, "train")
    frame = pl.read_csv(tmp_path / "train.csv", infer_schema=False)
    rows = frame.unique(frame.columns[0], keep="first", maintain_order=True).to_dicts()
    if "label" in frame.columns and frame.columns[0] == "label":
        rows = frame.to_dicts()  # pixels: one row is one image
    by_time = {float(row["year"]): float(row["trust"]) for row in rows}
    assert {sample.time: sample.weight for sample in samples} == by_time
    assert len(by_time) == len(samples)
    assert set(by_time.values()) == {1.0, 2.0}
    assert all(s.weight == 1 and s.time is None for s in competition.samples(tmp_path, "test"))


def test_without_columns_samples_get_nothing() -> None:
    assert NO_COLUMNS.names == []
    assert NO_COLUMNS.fields(TABLE, ["a", "b"], {}) == [{}, {}]
    assert NO_COLUMNS.drawn(3) == {}


def test_times_are_numbers_if_all_are() -> None:
    times = SampleColumns(time="year")
    numbers = times.fields(TABLE, ["a", "b"], {"year": ["9", "10.5"]})
    texts = times.fields(TABLE, ["a", "b"], {"year": ["2024", " 2024-05-31"]})
    assert [row["time"] for row in numbers] == [9.0, 10.5]
    assert [row["time"] for row in texts] == ["2024", "2024-05-31"]


def test_dates_of_digits_are_refused_unless_the_year_is_first() -> None:
    times = SampleColumns(time="year")
    with pytest.raises(DataError, match=r"'20112023' look like dates DDMMYYYY, .* or 20112023\.0"):
        times.fields(TABLE, ["a", "b"], {"year": ["20112023", " 05012024"]})
    for cells in (["20231120", "20240105"], ["20112023.0", "5012024.0"], ["7", "05012024"]):
        rows = times.fields(TABLE, ["a", "b"], {"year": cells})
        assert [row["time"] for row in rows] == list(map(float, cells))


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"trust": ["1", "much"], "year": ["1", "2"]}, "the trust 'much' of 'b' is not a number"),
        ({"trust": [None, "1"], "year": ["1", "2"]}, r"the trust '' of 'a' is not a number \(1"),
        ({"trust": ["1", "1"], "year": ["1", " "]}, "the year ' ' of 'b' is blank"),
    ],
)
def test_cells_that_say_nothing_are_refused(cells: dict[str, list[Any]], words: str) -> None:
    with pytest.raises(DataError, match=words):
        BOTH.fields(TABLE, ["a", "b"], cells)


def test_the_rows_of_an_image_must_agree() -> None:
    cells = {"trust": ["1", "1", "2"], "year": ["5", "5", "5"]}
    assert BOTH.of_images(TABLE, ["a", "a", "b"], cells)["b"] == {"weight": 2.0, "time": 5.0}
    with pytest.raises(DataError, match=r"rows of 'a' have the weights 1\.0 and 2\.0"):
        BOTH.of_images(TABLE, ["a", "b", "a"], cells)


def test_an_image_without_a_row_has_no_time_to_guess(tmp_path: Path) -> None:
    competition = segmenter(masks=None, time_column="year", **NAMED)
    competition.draw_synthetic(tmp_path, np.random.default_rng(0))
    path = tmp_path / "train.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], *lines[2:]]))
    with pytest.raises(DataError, match=r"no row for the image 'train000' \(1 .* no year: add"):
        competition.samples(tmp_path, "train")


def test_columns_without_a_table_are_refused() -> None:
    with pytest.raises(ValueError, match="'year' needs a table"):
        segmenter(table=None, time_column="year", **NAMED)
