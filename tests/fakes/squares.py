"""A run over small images with a bright square, as masks or as images to restore."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reported import ReportedRuns

from comp.contract.metrics import MAP_OF_IOU, RMSE
from comp.contract.sample import Sample
from comp.data.images.decode import write_image
from comp.data.images.items import read_item
from comp.review.facts import RunFacts
from comp.tasks.image_to_image import image_to_image
from comp.tasks.segmentation import segmentation

SIDE = 24


def mask(index: int) -> np.ndarray:
    """The mask of sample `index`, uint8 (24, 24, 1) of 0 and 1: a square of `index % 4` times 4
    pixels, so that every fourth is empty."""
    found = np.zeros((SIDE, SIDE, 1), dtype=np.uint8)
    found[2 : 2 + 4 * (index % 4), 2 : 2 + 4 * (index % 4)] = 1
    return found


def shifted(index: int) -> np.ndarray:
    """A probability for each pixel: the mask a pixel further right, 0.9 inside and 0.1 outside."""
    return (0.1 + 0.8 * np.roll(mask(index), 1, axis=1)).astype(np.float32)


def grey_item(sample: Sample) -> dict[str, np.ndarray]:
    """Image and target with one channel."""
    return {name: array[..., :1] for name, array in read_item(sample).items()}


def image_runs(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    count: int,
    *,
    restores: bool = False,
    predict: Callable[[int], np.ndarray] = shifted,
    broken: Collection[str] = (),
    diverged: Collection[str] = (),
    **fields: Any,
) -> RunFacts:
    """The facts of a run over samples s0, s1, ... in two folds.

    Args:
        restores: the task is to restore images; else it is to find masks.
        predict: the prediction of a sample, float32 (24, 24, 1).
        broken: samples whose image is damaged after the run.
        diverged: samples whose prediction is NaN.
    """
    samples = []
    for index in range(count):
        image, target = folder / f"image{index}.png", folder / f"target{index}.png"
        noise = np.random.default_rng(index).integers(0, 40, (SIDE, SIDE, 1))
        write_image(image, (180 * mask(index) + noise).astype(np.uint8))
        write_image(target, mask(index) * 255)
        samples.append(Sample(id=f"s{index}", image=image, target=target))
    task = image_to_image() if restores else segmentation(("square",))
    given: dict[str, Any] = {
        "task": task,
        "metric": RMSE if restores else MAP_OF_IOU,
        "reader": lambda *_: grey_item,
        **fields,
    }
    runs = ReportedRuns(folder, monkeypatch, samples, **given)
    predictions = {s.id: predict(i) for i, s in enumerate(samples)}
    folds = {s.id: i % 2 for i, s in enumerate(samples)}
    facts = runs.add("r", predictions, folds, fit=False)
    for sample in samples:
        if sample.id in broken and sample.image:
            sample.image.write_bytes(b"no image")
    assert facts.oof is not None
    found = {
        name: values * np.nan if name in diverged else values
        for name, values in facts.oof.predictions.items()
    }
    return replace(facts, oof=replace(facts.oof, predictions=found))
