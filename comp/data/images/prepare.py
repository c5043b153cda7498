"""Prepare the images of a run: decode each once, find unreadable ones, and make the reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from comp.config.schema import RunConfig
from comp.contract.competition import Competition, ImageSpec
from comp.contract.sample import Reader, Sample
from comp.data.images.cache import build_cache, image_reader
from comp.data.images.check import check_images
from comp.data.images.check_files import check_files
from comp.data.images.decode_many import (
    OnImage,
    absolute_image_path,
    absolute_image_paths,
    absolute_sample_paths,
)
from comp.data.images.equalize import EqualizedReader
from comp.data.images.find_range import find_value_range
from comp.data.images.items import read_item, read_masked_item
from comp.data.images.prepared import PreparedImages
from comp.data.images.values import ValueRange


def prepare_images(
    competition: Competition,
    config: RunConfig,
    samples: Sequence[Sample],
    caches: Path,
    on_image: OnImage | None,
    skip_bad: bool = False,
    known_range: ValueRange | None = None,
    root: Path | None = None,
) -> PreparedImages:
    """Find the range of values, and decode the images into a cache under `caches`, if the
    competition has an image spec.

    Without a cache the images are only checked: with `skip_bad`, if they have more than 8 bits, or
    if the competition has its own reader, which may read all images at once. `known_range` is the
    range of a finished run whose folds predict these samples, and `root` the folder of their data,
    to which paths on disk are relative.

    Raises:
        DataError: an image cannot be decoded, unless `skip_bad`; or it does not fit `known_range`.
    """
    value_range = data_range(competition, config, samples, known_range)
    prepared = PreparedImages(value_range=value_range, root=root)
    if competition.reader:
        with TemporaryDirectory() as scratch:
            prepared.write_pointer(Path(scratch))
            make = partial(make_reader, competition, config=config, folder=Path(scratch))
            skipped = check_files(samples, make, skip_bad=skip_bad, on_image=on_image)
        return replace(prepared, skipped=skipped)
    if competition.image_spec and config.image.cache:
        spec = spec_of(competition.image_spec, config)
        return build_cache(
            samples,
            spec,
            caches,
            skip_bad=skip_bad,
            on_image=on_image,
            value_range=value_range,
            root=root,
        )
    if not skip_bad and not (value_range and value_range.bounds):
        return prepared
    channels = competition.image_spec(config).channels if competition.image_spec else 3
    skipped = check_images(
        samples, skip_bad=skip_bad, on_image=on_image, value_range=value_range, channels=channels
    )
    return replace(prepared, skipped=skipped)


def data_range(
    competition: Competition,
    config: RunConfig,
    samples: Sequence[Sample],
    known: ValueRange | None = None,
) -> ValueRange | None:
    """The range of values that all images of a run share, None if they have 8 bits.

    Target images that the default reader reads as pictures are among them. Label images are not:
    they are read as they are. A plugin's own reader finds the range in its folder, with
    `PreparedImages.read_pointer`, and is free not to use it.
    """
    setting = None if config.image.range == "auto" else config.image.range
    paths = set(absolute_image_paths(samples))
    if not competition.reader and not competition.image_spec:
        paths |= {path for sample in samples for path in absolute_sample_paths(sample)}
    module = getattr(competition.reader, "__module__", "")
    own = competition.reader is not None and not module.startswith("comp.")
    found = find_value_range(sorted(paths), setting, known, strict=not own)
    if found and own and found.sentence:
        words = f"{found.sentence}; the competition's own reader may do otherwise"
        return replace(found, sentence=words)
    return found


def without_skipped(samples: Sequence[Sample], skipped: Mapping[str, str]) -> list[Sample]:
    """The samples whose image is not a key of `skipped` (absolute path -> reason)."""
    return [s for s in samples if s.image is None or absolute_image_path(s) not in skipped]


def make_reader(
    competition: Competition,
    samples: Sequence[Sample],
    config: RunConfig,
    folder: Path,
    root: Path | None = None,
) -> Reader:
    """The competition's own reader, a reader of resized images, or the default reader.

    `folder` is the reader's folder in the run, and `root` that of the data; None: where it was when
    the run prepared its images.
    """
    if competition.image_spec and not competition.reader:
        return image_reader(samples, spec_of(competition.image_spec, config), folder, root)
    if competition.reader:
        reader = competition.reader(samples, config, folder)
    else:
        value_range = PreparedImages.read_pointer(folder).value_range
        reader = partial(read_item, value_range=value_range) if value_range else read_item
    how = config.image.equalize
    return reader if how == "none" else EqualizedReader(reader, how)


def spec_of(image_spec: Callable[[RunConfig], ImageSpec], config: RunConfig) -> ImageSpec:
    """The image spec of a competition, with the `image.equalize` of the run."""
    spec, how = image_spec(config), config.image.equalize
    return spec if how == "none" else replace(spec, equalize=how)


def masked_reader(_samples: Sequence[Sample], _config: RunConfig, folder: Path) -> Reader:
    """A `Competition.reader` of colour images and label images, with the range of the run."""
    value_range = PreparedImages.read_pointer(folder).value_range
    return partial(read_masked_item, value_range=value_range)
