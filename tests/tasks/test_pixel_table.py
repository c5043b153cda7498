"""Competitions whose images are rows of a CSV."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from whole_run import tiny_config

from comp.errors import DataError
from comp.submission.blank import check_rows
from comp.tasks.pixel_table import pixel_table

FIELDS: dict[str, Any] = {
    "name": "x",
    "title": "X",
    "kaggle": "competitions/x",
    "classes": ("0", "1"),
}


def test_the_id_of_an_external_sample_ends_with_the_number_of_its_row(tmp_path: Path) -> None:
    """A run with external data ended with a ValueError about 'external-1/7'."""
    competition = pixel_table(size=(8, 8), **FIELDS)
    competition.draw_synthetic(tmp_path, np.random.default_rng(0))
    samples = competition.samples(tmp_path, "train")
    assert competition.reader is not None
    reader = competition.reader(samples, tiny_config(competition), tmp_path)
    reader = pickle.loads(pickle.dumps(reader))  # noqa: S301
    external = reader(replace(samples[6], id=f"external-1/{samples[6].id}"))
    own = reader(samples[6])
    assert external.keys() == own.keys()
    assert all(np.array_equal(external[key], own[key]) for key in own)
    assert not np.array_equal(own["image"], reader(samples[5])["image"])


@pytest.mark.parametrize(("size", "expected"), [(4, (4, 4)), ((3, 4), (3, 4)), ([4, 3], (4, 3))])
def test_the_size_is_height_and_width_or_the_side_of_a_square(
    tmp_path: Path, size: Any, expected: tuple[int, int]
) -> None:
    competition = pixel_table(size=size, **FIELDS)
    competition.draw_synthetic(tmp_path, np.random.default_rng(0))
    columns = pl.read_csv(tmp_path / "test.csv", n_rows=0).columns
    assert len(columns) == expected[0] * expected[1]
    table = pl.read_csv(tmp_path / "test.csv").row(0)
    sample = competition.samples(tmp_path, "test")[0]
    sides = [4 * n for n in expected]
    image_settings = {"size": sides, "channels": 1, "interpolation": "nearest"}
    config = tiny_config(competition, {"image": image_settings})
    assert competition.reader is not None
    image = competition.reader([sample], config, tmp_path)(sample)["image"]
    assert image[::4, ::4, 0].tolist() == np.reshape(table, expected).tolist()


@pytest.mark.parametrize("size", [(0, 5), (1, 2, 3), "28", None])
def test_a_wrong_size_is_refused(size: Any) -> None:
    with pytest.raises(ValueError, match="write the side of a square"):
        pixel_table(size=size, **FIELDS)


def test_a_metric_that_the_submission_does_not_fit_is_refused() -> None:
    """The default for two classes was AUC, and the submission had classes."""
    plain = pixel_table(size=1, **FIELDS)
    assert plain.metric.name == "accuracy"
    with pytest.raises(ValueError, match="the metric AUC compares probabilities, and pixel_table"):
        pixel_table(size=1, metric="auc", **FIELDS)
    assert pixel_table(size=1, metric="auc", rows=plain.rows, **FIELDS).metric.name == "AUC"


def test_the_submission_has_the_columns_and_ids_of_its_sample(tmp_path: Path) -> None:
    fields = {"id_column": "id", "submission_label": "label", "first_id": 0}
    for competition, header in (
        (pixel_table(size=8, **FIELDS), ["ImageId", "Label"]),
        (pixel_table(size=8, **FIELDS, **fields), ["id", "label"]),
    ):
        root = tmp_path / header[0]
        root.mkdir()
        competition.draw_synthetic(root, np.random.default_rng(0))
        test = competition.samples(root, "test")
        check_rows(competition, root, test)
        rows = competition.rows(test[0], np.zeros(1), np.zeros(1))
        sample = pl.read_csv(root / "sample_submission.csv")
        assert list(rows) == sample.columns == header
        assert rows[header[0]] == [str(sample[0, 0])]


@pytest.mark.parametrize(
    ("header", "cell", "words"),
    [
        ("label", "7", "row 1 has the label '7', which is not one of the classes 0, 1 .1 "),
        ("digit", "1", "no column 'label', only digit, pixel0: correct label_column in the plugin"),
    ],
)
def test_faults_of_labels_name_what_there_is(
    tmp_path: Path, header: str, cell: str, words: str
) -> None:
    (tmp_path / "train.csv").write_text(f"{header},pixel0\n{cell},0\n")
    competition = pixel_table(size=1, **FIELDS)
    with pytest.raises(DataError, match=words):
        competition.samples(tmp_path, "train")


def test_labels_may_have_a_decimal_point(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("label,pixel0\n1.0,0\n 0,0\n")
    samples = pixel_table(size=1, **FIELDS).samples(tmp_path, "train")
    assert [(s.target, s.stratum) for s in samples] == [(1.0, "1"), (0.0, "0")]


def test_rows_that_are_not_in_the_order_of_their_ids_are_refused(tmp_path: Path) -> None:
    """The class of image 10 was written for id 1."""
    competition = pixel_table(size=(8, 8), id_column="id", first_id=0, **FIELDS)
    competition.draw_synthetic(tmp_path, np.random.default_rng(0))
    path, rows = tmp_path / "test.csv", pl.read_csv(tmp_path / "test.csv")
    numbers = pl.Series("ID", range(rows.height))
    rows.insert_column(0, numbers).write_csv(path)
    assert len(competition.samples(tmp_path, "test")) == rows.height
    named = rows["ID"].cast(pl.String).str.zfill(4)
    rows.with_columns(named.alias("ID")).write_csv(path)
    assert len(competition.samples(tmp_path, "test")) == rows.height
    shuffled = rows.sort(pl.col("ID").cast(pl.String), descending=True)
    shuffled.write_csv(path)
    with pytest.raises(DataError, match=r"the ID .* stands where .* not in the order of their ids"):
        competition.samples(tmp_path, "test")
