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
