"""Runs over small images of two classes, in files, with predictions that the test gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import albumentations as A
import numpy as np
import pytest
from reported import ReportedRuns

from comp.contract.metrics import AUC
from comp.contract.sample import Sample
from comp.data.images.decode import write_image
from comp.tasks.binary import binary

Draw = Callable[[int], np.ndarray]
"""Index of a sample -> its image, uint8 (H, W, 3)."""


def noise(index: int) -> np.ndarray:
    """An image like no other, of 40 x 48 pixels."""
    coarse = np.random.default_rng(index).integers(0, 255, (10, 12, 3), dtype=np.uint8)
    return coarse.repeat(4, 0).repeat(4, 1)


def mirroring(_config: Any, train: bool) -> A.Compose:
    """Mirrors every image in training."""
    return A.Compose([A.HorizontalFlip(p=float(train))])


def two_pictured(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    count: int = 40,
    draw: Draw = noise,
    tests: int = 0,
    **fields: Any,
) -> tuple[ReportedRuns, dict[str, float], dict[str, int]]:
    """Runs over samples s0, s1, ... with images, of alternating classes, with good predictions and
    two folds; and test samples t0, t1, ..., whose images follow."""
    made = []
    for index in range(count + tests):
        path = folder / "images" / f"{index}.png"
        path.parent.mkdir(exist_ok=True)
        write_image(path, draw(index))
        made.append(Sample(id=f"s{index}", image=path, target=index % 2))
    test = [replace(s, id=f"t{i}", target=None) for i, s in enumerate(made[count:])]
    samples = made[:count]
    given = {"task": binary(("no", "yes")), "metric": AUC, "pipeline": mirroring} | fields
    runs = ReportedRuns(folder, monkeypatch, samples, test, **given)
    predictions = {s.id: 0.2 + 0.6 * (i % 2) + i / 1000 for i, s in enumerate(samples)}
    return runs, predictions, {s.id: (i // 2) % 2 for i, s in enumerate(samples)}
