"""Competitions whose images are rows of a CSV."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
from whole_run import tiny_config

from comp.tasks.pixel_table import pixel_table


def test_the_id_of_an_external_sample_ends_with_the_number_of_its_row(tmp_path: Path) -> None:
    """A run with external data ended with a ValueError about 'external-1/7'."""
    competition = pixel_table(
        name="x", title="X", kaggle="competitions/x", classes=("0", "1"), size=(8, 8)
    )
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
