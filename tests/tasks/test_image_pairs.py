"""Competitions of images to images."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from whole_run import tiny_config

from comp.contract import registry
from comp.contract.competition import Competition
from comp.data.images.prepare import make_reader, prepare_images
from comp.data.location import DataSource
from comp.errors import DataError
from comp.pipeline.run import run
from comp.runs.progress import Silent
from comp.submission.blank import check_rows
from comp.tasks.image_pairs import build, crop_and_flip, image_pairs
from comp.workspace import Workspace
from tests.fakes import layouts
from tests.fakes.layouts import image

NAMES: dict[str, Any] = {"name": "x", "title": "X", "kaggle": "competitions/x"}


def competition(**fields: Any) -> Competition:
    """A competition of grey pages."""
    return image_pairs(**NAMES | fields)


def test_images_with_the_same_target_are_one_group(tmp_path: Path) -> None:
    layouts.denoising(tmp_path)
    groups = [sample.group for sample in competition().samples(tmp_path, "train")]
    assert [groups[i] == groups[i + 1] for i in range(7)] == [True, False] * 3 + [True]


def test_test_images_in_the_order_of_the_submission(tmp_path: Path) -> None:
    layouts.denoising(tmp_path)
    path = tmp_path / "sampleSubmission.csv"
    head, *lines = path.read_text().splitlines()
    path.write_text("\n".join([head, *lines[144:], *lines[:144]]))
    found = competition()
    test = found.samples(tmp_path, "test")
    assert [(sample.id, sample.size) for sample in test] == [("101", (12, 12)), ("100", (12, 12))]
    check_rows(found, tmp_path, test)


def test_an_image_without_target_is_refused(tmp_path: Path) -> None:
    layouts.denoising(tmp_path)
    (tmp_path / "train_cleaned" / "3.png").unlink()
    with pytest.raises(DataError, match=r"has no image.*'3'"):
        competition().samples(tmp_path, "train")


def test_a_target_without_image_is_refused(tmp_path: Path) -> None:
    layouts.denoising(tmp_path)
    image(tmp_path / "train_cleaned" / "99.png")
    with pytest.raises(DataError, match=r"has no image.*'99'"):
        competition().samples(tmp_path, "train")


def test_other_columns_in_the_sample_submission_are_refused(tmp_path: Path) -> None:
    layouts.denoising(tmp_path)
    with pytest.raises(
        DataError, match="has the columns id, value, and the plugin writes id, grey"
    ):
        competition(value_column="grey").samples(tmp_path, "test")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"channels": 2}, "use 1 for grey images, or 3"),
        ({"channels": 3}, "channels = 3 needs rows"),
        ({"sample_submission": None}, "sample_submission = None needs rows"),
    ],
)
def test_contradictions_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        competition(**fields)


def test_synthetic_data_fits(tmp_path: Path) -> None:
    found = competition()
    found.draw_synthetic(tmp_path, np.random.default_rng(0))
    assert len(found.samples(tmp_path, "train")) == 20
    check_rows(found, tmp_path, found.samples(tmp_path, "test"))
    pickle.dumps(found)


def test_a_run_ends_with_a_checked_submission(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    layouts.denoising(tmp_path / "data")
    found = competition()
    monkeypatch.setattr(registry, "competitions", lambda: {"x": found})
    config = tiny_config(found, {"max_steps": 2, "predict": {"tta": "none"}})
    source = DataSource((tmp_path / "data").resolve(), synthetic=False)
    summary = run(config, source, Workspace.at(tmp_path), Silent())
    assert summary.submission.read_text().count("\n") == 289


def test_image_and_target_are_cropped_and_flipped_together() -> None:
    found = competition()
    config = tiny_config(found, {"image": {"size": 8}, "augment": {"vertical": True}})
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 1), dtype=np.uint8)
    for seed in range(5):
        out = crop_and_flip(config, train=True)({"image": pixels, "target": pixels}, seed)
        assert out["image"].shape[:2] == (8, 8)
        assert np.array_equal(np.squeeze(out["image"]), np.squeeze(out["target"]))
    same = crop_and_flip(config, train=False)({"image": pixels, "target": pixels}, 0)
    assert np.array_equal(same["image"], pixels)


def test_the_network_starts_with_the_image_itself() -> None:
    import torch

    config = tiny_config(competition())
    pixels = torch.rand(1, 1, 40, 50)
    with torch.no_grad():
        assert torch.equal(build(config, channels=1).eval()(pixels), pixels)


def test_targets_of_more_bits_than_their_images_are_not_clipped(tmp_path: Path) -> None:
    """The range of the images alone, 0 to 1023, made all these targets white."""
    found = competition()
    for folder, high in (("train", 1000), ("train_cleaned", 60_000)):
        (tmp_path / folder).mkdir()
        for i in range(3):
            values = np.linspace(0, high, 144).reshape(12, 12).astype(np.uint16)
            cv2.imwrite(str(tmp_path / folder / f"{i}.png"), values)
    listed, config = found.samples(tmp_path, "train"), tiny_config(found)
    prepared = prepare_images(found, config, listed, tmp_path / "caches", None)
    prepared.write_pointer(tmp_path)
    item = make_reader(found, listed, config, tmp_path)(listed[0])
    assert len(np.unique(item["target"])) > 100
    assert (item["image"].max(), item["target"].max()) == (1000 >> 8, 60_000 >> 8)
