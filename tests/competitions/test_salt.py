"""Salt: the drawn data, and what is known of the real data."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from comp.config.schema import resolve
from comp.contract import registry
from comp.data.images.masks import read_mask
from comp.inference.tta import resolve_tta, tta_note
from comp.submission.rle import RleFormat, decode
from competitions.salt import COMPETITION

REAL = Path(__file__).parents[3] / "shared" / "data" / "tgs-salt.zip"


def test_it_is_registered_and_scored_by_the_mean_precision() -> None:
    assert registry.get("salt") is COMPETITION
    assert COMPETITION.metric.name == "mAP of IoU"
    assert COMPETITION.metric.nearest_medals(0.82).startswith("beats median")


def test_images_are_mirrored_as_in_training() -> None:
    config = resolve("salt", [COMPETITION.defaults])
    assert resolve_tta(COMPETITION, config) == "hflip"
    assert tta_note(COMPETITION, config) == ""


def test_the_drawn_data_has_the_layout_of_the_real_data(tmp_path: Path) -> None:
    COMPETITION.draw_synthetic(tmp_path, np.random.default_rng(0))
    assert all((tmp_path / name).exists() for name in COMPETITION.layout)
    assert pl.read_csv(tmp_path / "train.csv").columns == ["id", "rle_mask"]
    assert pl.read_csv(tmp_path / "sample_submission.csv").columns == ["id", "rle_mask"]
    samples = COMPETITION.samples(tmp_path, "train")
    assert {sample.stratum for sample in samples} >= {"empty"} or len(samples) < 80


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables, 60 training images with masks and all test images of the real data."""
    if not REAL.is_file():
        pytest.skip("no real data")
    root = tmp_path_factory.mktemp("salt")
    with zipfile.ZipFile(REAL) as archive:
        archive.extractall(root)
    table = pl.read_csv(root / "train.csv", infer_schema=False)
    table.head(60).write_csv(root / "train.csv")
    return root


def test_the_masks_of_the_real_data_are_their_run_lengths(real: Path) -> None:
    cells = dict(pl.read_csv(real / "train.csv", infer_schema=False).iter_rows())
    samples = COMPETITION.samples(real, "train")
    assert len(samples) == 60
    for sample in samples:
        target = COMPETITION.task.encode(read_mask(sample.target))
        assert np.array_equal(decode(cells[sample.id], (101, 101), RleFormat()), target[..., 0])


def test_the_real_test_images_are_those_of_the_sample_submission(real: Path) -> None:
    samples = COMPETITION.samples(real, "test")
    assert len(samples) == 1000
    assert [sample.id for sample in samples[:2]] == ["00441f1cf2", "0061281eea"]
