"""Whole runs whose inputs are 32 x 80 pixels, with marks whose place is known."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest
import torch
from torch import nn
from whole_run import WholeRun, tiny_config, whole_run

from comp.contract import registry
from comp.contract.competition import Competition
from comp.data.images.decode import write_image
from comp.data.location import DataSource
from comp.errors import ConfigError
from comp.pipeline.run import run
from comp.runs.progress import Silent
from comp.tasks.classification import image_classification
from comp.tasks.pixel_table import pixel_table
from comp.tasks.segmenter import segmenter
from comp.workspace import Workspace

SIZE = (32, 80)
STILL: Mapping[str, Any] = {
    "max_steps": 8,
    "image": {"size": list(SIZE), "interpolation": "bilinear"},
    "augment": {"flip": False, "rotate": 0.0, "shift": 0.0, "scale": 0.0},
    "optim": {"name": "sgd", "lr": 20.0, "schedule": "constant", "weight_decay": 0.0},
    "loader": {"batch_size": 4},
}
TRAIN, TEST = 8, 2
RIGHT = [i % 2 for i in range(TRAIN + TEST)]
"""1: the mark of the image is at the top right, 0: at the bottom left."""


class Corners(nn.Module):
    """Logistic regression on how much brighter the top right quarter is than the bottom left."""

    shapes: ClassVar[set[tuple[int, ...]]] = set()

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(1, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        self.shapes.add(tuple(image.shape[-2:]))
        height, width = SIZE
        top_right = image[..., : height // 2, width // 2 :].mean((1, 2, 3))
        bottom_left = image[..., height // 2 :, : width // 2].mean((1, 2, 3))
        out: torch.Tensor = self.head((top_right - bottom_left)[:, None])
        return out


class Bright(nn.Module):
    """A mask of the bright pixels, after a threshold is learned."""

    training_shapes: ClassVar[set[tuple[int, ...]]] = set()
    shapes: ClassVar[set[tuple[int, ...]]] = set()

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 1, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        (self.training_shapes if self.training else self.shapes).add(tuple(image.shape[-2:]))
        out: torch.Tensor = self.conv(image)
        return out


@pytest.fixture(autouse=True)
def no_shapes_yet() -> None:
    for shapes in (Corners.shapes, Bright.shapes, Bright.training_shapes):
        shapes.clear()


def marked(right: int, height: int, width: int) -> np.ndarray:
    """Grey (height, width) with a bright mark in a corner, a quarter as high and as wide."""
    image = np.full((height, width), 40, np.uint8)
    rows = slice(height // 4) if right else slice(-(height // 4), None)
    image[rows, slice(-(width // 4), None) if right else slice(width // 4)] = 230
    return image


def names(split: str) -> list[tuple[str, int]]:
    """(id, whether its mark is at the right) of all images of a split."""
    numbers = range(TRAIN) if split == "train" else range(TRAIN, TRAIN + TEST)
    return [(f"i{i:02}", RIGHT[i]) for i in numbers]


def draw_labels(root: Path, _rng: np.random.Generator) -> None:
    for split in ("train", "test"):
        for name, right in names(split):
            write_image(root / split / f"{name}.png", marked(right, 50, 125))
    table = {"id": [n for n, _ in names("train")], "label": ["lr"[r] for _, r in names("train")]}
    pl.DataFrame(table).write_csv(root / "train.csv")
    blank = pl.DataFrame({"id": [n for n, _ in names("test")], "label": "l"})
    blank.write_csv(root / "sample_submission.csv")


def draw_rows(root: Path, _rng: np.random.Generator) -> None:
    """The same, in the columns of a CSV: images of 20 x 50 pixels."""
    for split in ("train", "test"):
        pixels = np.stack([marked(right, 20, 50).ravel() for _, right in names(split)])
        frame = pl.DataFrame(pixels, schema=[f"pixel{i}" for i in range(1000)], orient="row")
        if split == "train":
            labels = pl.Series("label", ["lr"[right] for _, right in names(split)])
            frame = frame.insert_column(0, labels)
        frame.write_csv(root / f"{split}.csv")
    rows = pl.DataFrame({"ImageId": range(1, TEST + 1), "Label": "l"})
    rows.write_csv(root / "sample_submission.csv")


def draw_masks(root: Path, _rng: np.random.Generator) -> None:
    """Images of 40 x 100 pixels, and masks of their marks."""
    for split in ("train", "test"):
        for name, right in names(split):
            image = marked(right, 40, 100)
            write_image(root / split / "images" / f"{name}.png", image)
            if split == "train":
                write_image(root / "train" / "masks" / f"{name}.png", (image > 128) * np.uint8(255))
    blank = pl.DataFrame({"id": [n for n, _ in names("test")], "rle_mask": ""})
    blank.write_csv(root / "sample_submission.csv")
    pl.DataFrame({"id": [n for n, _ in names("train")]}).write_csv(root / "train.csv")


def finished(
    competition: Competition,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *layers: Mapping[str, Any],
) -> WholeRun:
    monkeypatch.setattr(registry, "competitions", lambda: {competition.name: competition})
    return whole_run(competition, folder, STILL, *layers)


TEXTS: dict[str, Any] = {
    "name": "toy",
    "title": "Toy",
    "kaggle": "competitions/toy",
    "model": lambda _config: Corners(),
}
LABELS = TEXTS | {"id_column": "id"}


@pytest.mark.parametrize("policy", ["squash", "partial"])
def test_a_classifier_sees_marks_where_they_are(
    policy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    competition = image_classification(
        classes=("l", "r"), draw_synthetic=draw_labels, metric="accuracy", **LABELS
    )
    layer = {"image": {"resize": policy, "crop_pct": 1.0}, "augment": {"area": 0.9}}
    done = finished(competition, tmp_path, monkeypatch, layer)

    assert Corners.shapes == {SIZE}
    predictions, _ = done.stacked()
    assert (predictions[:, 0] > 0.5).tolist() == [right == 1 for _, right in names("train")]
    assert done.card["cv_score"] == 1
    assert done.submission["label"].to_list() == ["lr"[right] for _, right in names("test")]


def test_images_in_the_columns_of_a_table_are_read_line_by_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    competition = pixel_table(classes=("l", "r"), size=(20, 50), draw_synthetic=draw_rows, **TEXTS)
    done = finished(competition, tmp_path, monkeypatch)

    assert Corners.shapes == {SIZE}
    assert done.card["cv_score"] == 1
    assert done.submission["Label"].to_list() == ["lr"[right] for _, right in names("test")]


def test_masks_are_predicted_where_the_marks_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Crops of 32 x 80 pixels train, and images of 40 x 100 pixels are predicted, in tiles and from
    all eight copies."""
    texts = TEXTS | {"model": lambda _config: Bright()}
    competition = segmenter(draw_synthetic=draw_masks, **texts)
    settings = {"predict": {"tta": "dihedral", "tile": 64, "overlap": 16}, "max_steps": 20}
    done = finished(competition, tmp_path, monkeypatch, settings)

    assert Bright.training_shapes == {SIZE}
    assert Bright.shapes == {(40, 64), (64, 40)}
    for name, right in names("train"):
        chances = done.oof[name]
        assert chances.shape == (40, 100, 1)
        assert np.array_equal(chances[..., 0] > 0.5, marked(right, 40, 100) > 128)
    (first, right), *_ = names("test")
    runs = [int(n) for n in done.submission.filter(id=first)["rle_mask"].item().split()]
    columns = range(75, 100) if right else range(25)
    top = 0 if right else 30
    assert runs == [number for x in columns for number in (40 * x + top + 1, 10)]


def test_turned_copies_are_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    competition = image_classification(classes=("l", "r"), metric="accuracy", **LABELS)
    monkeypatch.setattr(registry, "competitions", lambda: {"toy": competition})
    draw_labels(tmp_path / "data", np.random.default_rng(0))
    config = tiny_config(competition, STILL, {"predict": {"tta": "dihedral"}})
    workspace = tmp_path / "work"
    workspace.mkdir()
    with pytest.raises(ConfigError, match=r"predict\.tta = dihedral turns images by 90 degrees"):
        run(config, DataSource(tmp_path / "data", False), Workspace.at(workspace), Silent())
    assert list(workspace.iterdir()) == []
