"""Image statistics as features for drift."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence

from comp.contract.sample import Sample
from comp.data.drift.appearance import Appearance, appearance_values
from comp.data.drift.drift import Drift, Sides, measure_drift
from comp.data.drift.separation import fit_linear


def image_drift(sides: Sides, images: Sequence[Appearance]) -> Drift:
    """Compare the images of train and test.

    Args:
        images: what each sample of `sides.samples` looks like.

    Raises:
        DataError: all images look the same.
    """
    values, names = appearance_values(images)
    return measure_drift("image statistics", sides, values, names, fit_linear)


def own_images(samples: Sequence[Sample]) -> list[Sample]:
    """The samples with an image file of their own: a file of several samples, such as a table of
    pixels, says nothing of one of them."""
    files = [os.fspath(sample.image) if sample.image else "" for sample in samples]
    counts = Counter(files)
    return [s for s, file in zip(samples, files, strict=True) if file and counts[file] == 1]
