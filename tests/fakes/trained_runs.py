"""Real tiny runs on the CPU that show one fault each: 32 x 32 pixels, a second to train."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import planted
import pytest

from comp.config.schema import resolve
from comp.contract import registry
from comp.contract.metric import Metric
from comp.contract.metrics import ACCURACY, LOG_LOSS
from comp.data.images.decode import write_image
from comp.data.location import DataSource
from comp.pipeline.run import run
from comp.review.facts import RunFacts, read_facts
from comp.runs.progress import Silent
from comp.workspace import Workspace

SIDE = 32
SETTINGS: Mapping[str, Any] = {
    "folds": 2,
    "device": "cpu",
    "validations": 1,
    "optim": {"name": "adamw", "lr": 0.01},
    "loader": {"batch_size": 16},
    "predict": {"tta": "none"},
}
Pictures = tuple[Sequence[np.ndarray], Sequence[int], Sequence[np.ndarray]]
"""Training images, their classes, test images."""


@dataclass(frozen=True)
class Case:
    """What is drawn, and how it is trained. The log loss shows small changes."""

    draw: Callable[[np.random.Generator], Pictures]
    settings: Mapping[str, Any]
    metric: Metric = LOG_LOSS


def train(case: Case, folder: Path, patch: pytest.MonkeyPatch) -> RunFacts:
    """Draw the pictures and train a run in `folder`."""
    competition = planted.planted(metric=case.metric)
    patch.setattr(registry, "competitions", lambda: {"toy": competition})
    images, labels, test = case.draw(np.random.default_rng(0))
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        write_image(folder / "data" / "train" / f"r{index:03d}-{label}.png", image)
    for index, image in enumerate(test):
        write_image(folder / "data" / "test" / f"t{index:03d}-0.png", image)
    config, workspace = resolve("toy", [SETTINGS, case.settings]), Workspace.at(folder)
    found = run(config, DataSource(folder / "data", False), workspace, Silent())
    return read_facts(found.run_id, workspace)


def noise(rng: np.random.Generator) -> np.ndarray:
    """An image without a meaning."""
    return np.asarray(rng.integers(0, 90, (SIDE, SIDE, 3)).astype(np.uint8))


def marked(rng: np.random.Generator, label: int, light: int) -> np.ndarray:
    """Noise, with a lighter square anywhere if it is of class 1."""
    image = noise(rng)
    row, column = rng.integers(0, SIDE - 12, 2)
    image[row : row + 12, column : column + 12] += np.uint8(light * label)
    return image


def guesses(rng: np.random.Generator) -> Pictures:
    """Images without a meaning, with random labels: only memory explains them."""
    labels = rng.permutation([0, 1] * 10).tolist()
    return [noise(rng) for _ in labels], labels, [noise(rng) for _ in range(4)]


def squares(
    rng: np.random.Generator,
    *,
    count: int = 60,
    ones: float = 0.5,
    light: int = 120,
    copies: int = 0,
) -> Pictures:
    """Images of two classes; `copies` images are there twice."""
    labels = [int(index < ones * count) for index in range(count)]
    images = [marked(rng, label, light) for label in labels]
    images += images[:copies]
    return images, [*labels, *labels[:copies]], [marked(rng, i % 2, light) for i in range(4)]


def lighter_test(rng: np.random.Generator) -> Pictures:
    """The test images are lighter."""
    images, labels, _ = squares(rng)
    return images, labels, [marked(rng, i % 2, 120) + np.uint8(30) for i in range(60)]


CASES: Mapping[str, Case] = {
    "overfitting": Case(
        guesses, {"max_steps": 120, "validations": 4, "loader": {"batch_size": 10}}
    ),
    "too few steps": Case(
        squares, {"max_steps": 24, "validations": 8, "optim": {"lr": 0.01, "schedule": "constant"}}
    ),
    "imbalance": Case(partial(squares, ones=0.12, light=4), {"max_steps": 20}, ACCURACY),
    "shift": Case(lighter_test, {"max_steps": 80}),
    "copies": Case(partial(squares, copies=6), {"max_steps": 80}),
}
