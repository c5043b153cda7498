"""Trained runs on drawn pictures in which the test knows what decides: a white square in a corner,
or a white disc at any place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import albumentations as A
import numpy as np
import pytest
import torch
from torch import nn
from toys import toy

from comp.config.schema import resolve
from comp.contract import registry
from comp.contract.competition import Competition
from comp.contract.metrics import ACCURACY
from comp.contract.sample import Sample, Split
from comp.data.images.decode import write_image
from comp.data.location import DataSource
from comp.pipeline.run import run
from comp.pipeline.run_oof import RunOof, read_run_oof
from comp.runs.folder import RunFolder
from comp.runs.progress import Silent
from comp.tasks.binary import binary
from comp.workspace import Workspace

SIDE = 64
SQUARE = (slice(3, 15), slice(49, 61))
"""Rows and columns of the white square, in the top right corner."""
RIM = 8
"""Pixels around the square that count as its rim: one cell of the map."""
SETTINGS = {
    "folds": 2,
    "max_steps": 40,
    "validations": 1,
    "device": "cpu",
    "optim": {"name": "adamw", "lr": 0.01},
    "loader": {"batch_size": 16},
    "predict": {"tta": "none"},
}
Draw = Callable[[np.ndarray, np.random.Generator], None]


class TinyNetwork(nn.Module):
    """Three convolutions of step 2, global pooling, and one number."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU()),
            *(nn.Conv2d(8, 16, 3, 2, 1), nn.ReLU()),
            *(nn.Conv2d(16, 16, 3, 2, 1), nn.ReLU()),
        )
        self.head = nn.Linear(16, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.head(self.features(image - 0.3).mean(dim=(2, 3)))
        return out


def white_square(image: np.ndarray, _rng: np.random.Generator) -> None:
    """The shortcut."""
    image[SQUARE] = 255


def white_disc(image: np.ndarray, rng: np.random.Generator) -> None:
    """A thing that may be anywhere."""
    rows, columns = np.ogrid[:SIDE, :SIDE]
    row, column = rng.integers(8, SIDE - 8, 2)
    image[(rows - row) ** 2 + (columns - column) ** 2 < 49] = 255


def draw(root: Path, mark: Draw, count: int = 48, test: int = 4) -> None:
    """Noise with a soft gradient; every other training picture has the mark."""
    rng = np.random.default_rng(0)
    for split, number in (("train", count), ("test", test)):
        for index in range(number):
            slope = np.linspace(rng.uniform(0, 60), rng.uniform(0, 60), SIDE)[:, None, None]
            image = (slope + rng.uniform(0, 90, (SIDE, SIDE, 3))).astype(np.uint8)
            if index % 2:
                mark(image, rng)
            write_image(root / split / f"{split[0]}{index:02d}-{index % 2}.png", image)


def samples(root: Path, split: Split) -> Sequence[Sample]:
    """The label is the end of the name."""
    paths = sorted((root / split).iterdir())
    if split == "test":
        return [Sample(id=path.stem, image=path) for path in paths]
    return [Sample(id=path.stem, image=path, target=float(path.stem[-1])) for path in paths]


def planted(model: Callable[[], nn.Module] = TinyNetwork, **fields: Any) -> Competition:
    """A competition named "toy" of plain and marked pictures."""
    base: dict[str, Any] = {
        "task": binary(("plain", "marked")),
        "metric": ACCURACY,
        "samples": samples,
        "pipeline": lambda _config, _train: A.Compose([]),
        "model": lambda _config: model(),
        "sample_submission": None,
    }
    return toy(**base | fields)


def train(
    root: Path, patch: pytest.MonkeyPatch, competition: Competition, mark: Draw, **settings: Any
) -> RunOof:
    """A finished run in `root`; the competition is registered as long as `patch` lasts."""
    patch.setattr(registry, "competitions", lambda: {"toy": competition})
    draw(root / "data", mark)
    config = resolve("toy", [SETTINGS, settings])
    workspace = Workspace.at(root)
    summary = run(config, DataSource(root / "data", False), workspace, Silent())
    return read_run_oof(RunFolder(summary.run_dir), workspace)


train_square = partial(train, mark=white_square)
train_disc = partial(train, mark=white_disc)
