"""Prepare the images of a run: decode each once, find unreadable ones, and make the reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from comp.config.schema import RunConfig
from comp.contract.competition import Competition, Reader, Sample
from comp.data.images.cache import PreparedImages, build_cache, image_reader
from comp.data.images.check import check_images
from comp.data.images.decode import read_item
from comp.data.images.decode_many import OnImage, absolute_image_path


def prepare_images(
    competition: Competition,
    config: RunConfig,
    samples: Sequence[Sample],
    caches: Path,
    on_image: OnImage | None,
    skip_bad: bool = False,
) -> PreparedImages:
    """Decode the images into a cache under `caches`, if the competition has an image spec.

    Without a cache the images are only checked, with `skip_bad` or if the competition has its own
    reader, which may read all images at once.

    Raises:
        DataError: an image cannot be decoded, unless `skip_bad`.
    """
    if competition.image_spec and config.image.cache:
        spec = competition.image_spec(config)
        return build_cache(samples, spec, caches, skip_bad=skip_bad, on_image=on_image)
    if skip_bad or competition.reader:
        return PreparedImages(None, check_images(samples, skip_bad=skip_bad, on_image=on_image))
    return PreparedImages(None)


def without_skipped(samples: Sequence[Sample], skipped: Mapping[str, str]) -> list[Sample]:
    """The samples whose image is not a key of `skipped` (absolute path -> reason)."""
    return [sample for sample in samples if absolute_image_path(sample) not in skipped]


def make_reader(
    competition: Competition, samples: Sequence[Sample], config: RunConfig, folder: Path
) -> Reader:
    """The competition's own reader, a reader of resized images, or the default reader.

    `folder` is the reader's folder in the run.
    """
    if competition.reader:
        return competition.reader(samples, config, folder)
    if competition.image_spec:
        return image_reader(samples, competition.image_spec(config), folder)
    return read_item
