"""Small competitions, without data, for tests of what needs a task or a metric."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from comp.contract.competition import Competition
from comp.contract.metric import Metric
from comp.contract.metrics import ACCURACY, rmse
from comp.contract.sample import Sample, Split
from comp.contract.task import Task
from comp.tasks.classification import image_classification, task_of
from comp.tasks.image_to_image import image_to_image

RMSE = Metric(name="RMSE", score=rmse, direction="min")


def values(outputs: int = 1) -> Task:
    """Numbers that are predicted as they are; the only loss is mse."""
    return Task(kind="numbers", outputs=outputs, losses=("mse",), make_loss=_mse)


def _mse(*_: Any) -> Any:
    from torch.nn.functional import mse_loss

    return mse_loss


def no_samples(_root: Path, _split: Split) -> Sequence[Sample]:
    """No samples at all."""
    return []


def draw_nothing(_root: Path, _rng: np.random.Generator) -> None:
    """An empty data set."""


def toy(task: Task | None = None, classes: Sequence[str] = (), **fields: Any) -> Competition:
    """A competition named "toy" of a task, of `classes`, or of images to images."""
    chosen = task or (task_of(classes) if classes else image_to_image())
    base: dict[str, Any] = {
        "name": "toy",
        "title": "Toy",
        "kaggle": "competitions/toy",
        "task": chosen,
        "metric": RMSE,
        "samples": no_samples,
        "pipeline": None,
        "model": None,
        "draw_synthetic": draw_nothing,
    }
    return Competition(**base | fields)


def toy_photos() -> Competition:
    """A competition named "toy" of photographs of two classes, which it can draw."""
    return image_classification(
        name="toy",
        title="Toy",
        kaggle="competitions/toy",
        classes=("a", "b"),
        metric=ACCURACY,
        labels="train.csv",
        images="train",
        test_images="test",
    )
