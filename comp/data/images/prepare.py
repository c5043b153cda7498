"""The images of a run before it trains: decoded once, the bad ones found, read by one reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from comp.config.schema import RunConfig
from comp.contract.competition import Competition, Reader, Sample
from comp.data.images.cache import PreparedImages, build_cache, check_images, image_reader
from comp.data.images.decode import read_item
from comp.data.images.decode_many import OnImage, absolute


def prepare_images(
    competition: Competition,
    config: RunConfig,
    samples: Sequence[Sample],
    caches: Path,
    on_image: OnImage | None,
    skip_bad: bool = False,
) -> PreparedImages:
    """Decode the images of a competition that says in what shape it wants them, into a cache under
    `caches`. Where there is no cache to be only look for bad ones, if that is asked for, or if the
    competition has a reader of its own, which may want all images at once.

    Raises:
        DataError: naming the first image that cannot be decoded, unless `skip_bad`.
    """
    if competition.image_spec and config.image.cache:
        shape = competition.image_spec(config)
        return build_cache(samples, shape, caches, skip_bad=skip_bad, on_image=on_image)
    if skip_bad or competition.reader:
        return PreparedImages(None, check_images(samples, skip_bad=skip_bad, on_image=on_image))
    return PreparedImages(None)


def readable(samples: Sequence[Sample], skipped: Mapping[str, str]) -> list[Sample]:
    """The samples whose images can be decoded; `skipped` names the others by the image's path."""
    return [sample for sample in samples if absolute(sample) not in skipped]


def reader_of(
    competition: Competition, samples: Sequence[Sample], config: RunConfig, folder: Path
) -> Reader:
    """The competition's own reader over all samples, one that brings images to its shape, or one
    that reads them as they are; `folder` is where a run keeps what its readers need."""
    if competition.reader:
        return competition.reader(samples, config, folder)
    if competition.image_spec:
        return image_reader(samples, competition.image_spec(config), folder)
    return read_item
