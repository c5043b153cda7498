"""What the images of a run look like, as its networks get them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.drift.appearance import Appearance, appearance
from comp.data.images.cache import ImageReader
from comp.data.images.decode import displayable
from comp.data.images.decode_many import OnImage
from comp.data.images.prepare import spec_of
from comp.data.images.prepared import PreparedImages
from comp.data.images.raw import read_raw
from comp.data.images.values import ValueRange
from comp.signals import stop_if_requested

DECODED = 256
"""The shorter side in pixels that a JPEG keeps when it is decoded."""


def appearances(
    competition: Competition,
    config: RunConfig,
    images: PreparedImages,
    samples: Sequence[Sample],
    on_image: OnImage | None = None,
) -> list[Appearance]:
    """The statistics of the images of samples, in their order.

    Args:
        on_image: called with the number of images that are measured, and their total.
    """
    spec = competition.image_spec
    reader = None
    if images.cache and spec:
        reader = ImageReader(spec_of(spec, config), images.cache, images.value_range, images.root)
    found = []
    for sample in samples:
        stop_if_requested()
        path = sample.image_file
        pixels = reader(sample)["image"] if reader else _decoded(path, images.value_range)
        found.append(appearance(pixels, path))
        if on_image:
            on_image(len(found), len(samples))
    return found


def _decoded(path: Path, value_range: ValueRange | None) -> np.ndarray:
    """An image file as grey or colour."""
    return displayable(read_raw(path, at_least=DECODED), value_range, path)
