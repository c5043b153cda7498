"""Targets that are numbers, masks or images: how they are distributed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from comp.exploration.columns import Summary, summary_of
from comp.exploration.histogram import Histogram, histogram
from comp.exploration.pictures import Pictures
from comp.exploration.subjects import Subjects
from comp.runs.progress import Reporter
from comp.signals import stop_if_requested

MOST_TARGETS = 12
"""Numbers of a sample that are described."""


@dataclass(frozen=True, kw_only=True)
class TargetLook:
    """The distribution of one number of each training sample. `empty` is the share of zeros."""

    name: str
    summary: Summary
    histogram: Histogram | None
    empty: float


@dataclass(frozen=True, kw_only=True)
class Targets:
    """What the targets are, and their distributions: of `samples` training samples.

    "numbers": the targets themselves. "masks": the share of the pixels that a class covers.
    "images": the root mean square difference of image and target, in grey levels of 255.
    """

    kind: Literal["numbers", "masks", "images"]
    samples: int
    looks: Sequence[TargetLook]


def describe_targets(subjects: Subjects, pictures: Pictures, reporter: Reporter) -> Targets | None:
    """Describe the targets of training samples; None if they are classes, or unknown.

    Args:
        subjects: training samples alone.
    """
    task = subjects.competition.task
    if task.output == "numbers":
        return _numbers(subjects) if not any(subjects.classes) else None
    names = task.labels or ("difference",)
    masks = is_masks(subjects)
    measured: list[list[float]] = []
    for done, sample in enumerate(subjects.samples, start=1):
        stop_if_requested()
        if isinstance(sample.target, Path):
            value = pictures.masks(sample) if masks else None
            if value is not None:
                measured.append(value.mean(axis=(0, 1)).tolist())
            elif not masks:
                measured.append(_difference(pictures.image(sample), pictures.target(sample)))
        reporter.images_decoded(done, len(subjects), "measuring targets of")
    measured = [row for row in measured if len(row) == len(names)]
    values = np.array(measured).reshape(-1, len(names))
    return _targets("masks" if masks else "images", {n: values[:, i] for i, n in enumerate(names)})


def is_masks(subjects: Subjects) -> bool:
    """Whether targets are masks, and not images of what the image shall become."""
    return subjects.competition.task.output == "image" and bool(subjects.competition.task.labels)


def _numbers(subjects: Subjects) -> Targets | None:
    targets = [s.target for s in subjects.samples if s.target is not None]
    rows = [np.atleast_1d(np.asarray(t, dtype=float)) for t in targets if not isinstance(t, Path)]
    width = min(map(len, rows), default=0)
    if not width:
        return None
    values = np.stack([row[:width] for row in rows])
    names = subjects.competition.task.labels
    names = names if len(names) == width else tuple(f"target {i + 1}" for i in range(width))
    return _targets("numbers", {name: values[:, i] for i, name in enumerate(names)})


def _targets(
    kind: Literal["numbers", "masks", "images"], values: Mapping[str, np.ndarray]
) -> Targets | None:
    looks = []
    for name, column in list(values.items())[:MOST_TARGETS]:
        summary = summary_of(column)
        if summary is not None:
            known = column[np.isfinite(column)]
            empty = round(float((known == 0).mean()), 5)
            shares = histogram({"train": column})
            looks.append(TargetLook(name=name, summary=summary, histogram=shares, empty=empty))
    count = len(next(iter(values.values()), ()))
    return Targets(kind=kind, samples=count, looks=looks) if looks else None


def _difference(image: np.ndarray | None, target: np.ndarray | None) -> list[float]:
    """The root mean square difference of two pictures, in grey levels; [] if it is not known."""
    if image is None or target is None or image.shape[:2] != target.shape[:2]:
        return []
    first, second = (_grey(picture) for picture in (image, target))
    return [float(np.sqrt(((first - second) ** 2).mean()))]


def _grey(picture: np.ndarray) -> np.ndarray:
    grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return np.asarray(grey, dtype=np.float32)
