"""What the images look like: sizes, shapes, light, and what of it depends on the class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from comp.data.drift.appearance import Appearance
from comp.exploration.histogram import Histogram, explained, histogram, series_of
from comp.exploration.subjects import Named, Subjects

MEASURES = (
    *("width", "height", "aspect ratio", "brightness", "contrast", "sharpness", "saturation"),
    *("bits per pixel", "JPEG quality"),
)
"""Statistics of `comp.data.drift.appearance` that are shown."""
ENDS = ("brightness", "contrast", "sharpness", "aspect ratio")
"""Measures whose lowest and highest images are shown."""
EXTREMES = 6
SIZES = 10
"""Most frequent sizes that are listed."""
TELLING = 0.1
"""Share of the variance of a measure that the classes explain from which it is worth a word."""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A number of each image. `explained` is the share of its variance that the classes of the
    training images explain, None without; `lowest` and `highest` are the images at its
    ends, if they are shown."""

    name: str
    low: float
    median: float
    high: float
    histogram: Histogram | None
    explained: float | None = None
    lowest: Sequence[Named] = ()
    highest: Sequence[Named] = ()

    @property
    def varies(self) -> bool:
        """Whether not all images have the same value."""
        return self.low < self.high


@dataclass(frozen=True, kw_only=True)
class ImageSize:
    """A size in pixels, and how many images have it."""

    width: int
    height: int
    images: int


@dataclass(frozen=True, kw_only=True)
class Looks:
    """All measures of the images that were measured. `sizes` are the most frequent of
    `different_sizes`; there are none if images are rows of a table. `low` and `high` of a measure
    are its extremes."""

    images: int
    sizes: Sequence[ImageSize]
    different_sizes: int
    formats: Mapping[str, int]
    measures: Sequence[Measure]

    @property
    def telling(self) -> list[Measure]:
        """The measures that say something about the class, the one that says most first."""
        found = [m for m in self.measures if (m.explained or 0) >= TELLING]
        return sorted(found, key=lambda measure: -(measure.explained or 0))


def image_looks(subjects: Subjects, looks: Mapping[int, Appearance]) -> Looks | None:
    """Describe images.

    Args:
        looks: what the image of a row looks like; rows may be missing. None if there are none.
    """
    rows = sorted(looks)
    if not rows:
        return None
    own = subjects.take(rows)
    found = [looks[row] for row in rows]
    sizes = Counter((_whole(look, "width"), _whole(look, "height")) for look in found)
    sizes.pop((0, 0), None)
    measures = [_measure(own, name, found) for name in MEASURES]
    return Looks(
        images=len(rows),
        sizes=[
            ImageSize(width=width, height=height, images=count)
            for (width, height), count in sizes.most_common(SIZES)
        ],
        different_sizes=len(sizes),
        formats=dict(Counter(_kind(look) for look in found).most_common()),
        measures=[measure for measure in measures if measure],
    )


def _whole(look: Appearance, name: str) -> int:
    value = look.get(name, 0)
    return int(value) if isinstance(value, float | int) else 0


def _kind(look: Appearance) -> str:
    return " ".join(str(look[name]) for name in ("format", "mode") if name in look) or "rows"


def _measure(own: Subjects, name: str, looks: Sequence[Appearance]) -> Measure | None:
    values = np.array([_number(look.get(name)) for look in looks])
    known = np.isfinite(values)
    if not known.any() or (name == "saturation" and not values[known].any()):
        return None
    test = np.array([split == "test" for split in own.splits])
    labelled = np.array([bool(names) for names in own.classes]) & ~test & known
    classes = [" ".join(own.classes[row]) for row in np.flatnonzero(labelled).tolist()]
    low, median, high = (_rounded(v) for v in np.percentile(values[known], [0, 50, 100]))
    order = [row for row in np.argsort(values, kind="stable").tolist() if known[row]]
    ends = name in ENDS and low < high
    return Measure(
        name=name,
        low=low,
        median=median,
        high=high,
        histogram=histogram(series_of(values, own.classes, test)),
        explained=explained(values[labelled], classes) if own.kind == "classes" else None,
        lowest=[own.named(row) for row in order[:EXTREMES]] if ends else (),
        highest=[own.named(row) for row in order[::-1][:EXTREMES]] if ends else (),
    )


def _number(value: object) -> float:
    return float(value) if isinstance(value, float | int) else float("nan")


def _rounded(value: float) -> float:
    return float(f"{value:.5g}")
