"""Decode the images of samples to find those that cannot be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from comp.contract.sample import Sample
from comp.data.images.decode_many import (
    OnImage,
    absolute_image_path,
    absolute_image_paths,
    absolute_sample_paths,
    decode_images,
)
from comp.data.images.values import ValueRange
from comp.errors import DataError


def check_images(
    samples: Sequence[Sample],
    *,
    skip_bad: bool = False,
    on_image: OnImage | None = None,
    workers: int | None = None,
    value_range: ValueRange | None = None,
    channels: int | None = None,
) -> dict[str, str]:
    """Decode the images and target images of all samples without storing them.

    With `channels`, images that cannot be converted to them, or to 8 bits, are unreadable too.

    Returns the error messages of images that cannot be decoded, by the absolute path of the image.

    Raises:
        DataError: images cannot be decoded, unless `skip_bad`.
    """
    paths = sorted({path for sample in samples for path in absolute_sample_paths(sample)})
    images = decode_images(paths, None, on_image, workers, value_range, channels)
    unreadable = {path: image for path, image in images if isinstance(image, str)}
    return skipped_images(samples, unreadable, skip_bad)


def skipped_images(
    samples: Sequence[Sample],
    unreadable: Mapping[str, str],
    skip_bad: bool,
    problem: str = "images cannot be decoded",
) -> dict[str, str]:
    """Image path -> error message, in the order of the samples; a DataError unless `skip_bad`."""
    if not unreadable:
        return {}
    skipped = {
        absolute_image_path(sample): unreadable[path]
        for sample in samples
        for path in absolute_sample_paths(sample)
        if path in unreadable
    }
    if skipped and not skip_bad:
        total = len(absolute_image_paths(samples))
        raise DataError(
            f"{len(skipped)} of {total} {problem}, the first: "
            f"{next(iter(skipped.values()))}; or leave them out with --skip-bad"
        )
    return skipped
