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
from comp.data.images.cache import build_cache, image_reader, open_table
from comp.data.images.check import check_images, skipped_images
from comp.data.images.check_files import check_files
from comp.data.images.decode_many import (
    OnImage,
    absolute_image_path,
    absolute_image_paths,
    absolute_sample_paths,
)
from comp.data.images.equalize import EqualizedReader
from comp.data.images.file_table import FileTable
from comp.data.images.find_range import any_deep, find_value_range
from comp.data.images.items import ItemReader, MaskedReader
from comp.data.images.page_cache import build_pages, reads_pages, with_pages
from comp.data.images.prepared import PreparedImages
from comp.data.images.values import ValueRange
from comp.data.plugin_arrays import is_from_comp, with_own_features
from comp.errors import CompetitionError, ConfigError


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
    cached = bool(competition.image_spec and config.image.cache and not competition.reader)
    table = open_table(samples, caches, root) if cached else None
    value_range = data_range(competition, config, samples, known_range, table)
    prepared = PreparedImages(value_range=value_range, root=root)
    if competition.reader:
        return _prepare_own(competition, config, samples, caches, on_image, skip_bad, prepared)
    if competition.image_spec and table:
        return build_cache(
            samples,
            spec_of(competition.image_spec, config),
            caches,
            limit_bytes=cache_limit(config),
            skip_bad=skip_bad,
            on_image=on_image,
            value_range=value_range,
            root=root,
            table=table,
        )
    if not skip_bad and not (value_range and value_range.bounds):
        return prepared
    channels = competition.image_spec(config).channels if competition.image_spec else 3
    skipped = check_images(
        samples, skip_bad=skip_bad, on_image=on_image, value_range=value_range, channels=channels
    )
    return replace(prepared, skipped=skipped)


def _prepare_own(
    competition: Competition,
    config: RunConfig,
    samples: Sequence[Sample],
    caches: Path,
    on_image: OnImage | None,
    skip_bad: bool,
    prepared: PreparedImages,
) -> PreparedImages:
    """Prepare the images of a competition with a reader of its own: those of comp's readers are
    cached as they are, all others are only checked."""
    found = None
    with TemporaryDirectory() as scratch:
        prepared.write_pointer(Path(scratch))
        make = partial(own_reader, competition, config=config, folder=Path(scratch))
        if config.image.cache and reads_pages(competition):
            found = build_pages(
                samples,
                make([sample for sample in samples if sample.image]),
                caches,
                limit_bytes=cache_limit(config),
                on_image=on_image,
                root=prepared.root,
            )
        if found is None or found.pages is None:
            skipped = check_files(samples, make, skip_bad=skip_bad, on_image=on_image)
        else:
            left = [s for s in samples if found.left_out.intersection(absolute_sample_paths(s))]
            skipped = check_files(left, make, skip_bad=True) if left else {}
            skipped = skipped_images(samples, skipped, skip_bad)
    if found:
        prepared = replace(prepared, pages=found.pages, no_cache_reason=found.reason)
    return replace(prepared, skipped=skipped)


def cache_limit(config: RunConfig) -> int | None:
    """The limit of all caches in bytes; None for the usual one."""
    limit = config.image.cache_gb
    return None if limit == "auto" else round(limit * 1e9)


def data_range(
    competition: Competition,
    config: RunConfig,
    samples: Sequence[Sample],
    known: ValueRange | None = None,
    table: FileTable | None = None,
) -> ValueRange | None:
    """The range of values that all images of a run share, None if they have 8 bits.

    Target images are among them if the default reader reads them as pictures, or if they are the
    images themselves, restored. Label images are not: they are read as they are. A plugin's own
    reader finds the range in its folder, with `PreparedImages.read_pointer`, and is free not to use
    it.

    Args:
        table: what earlier runs know of the images.
    """
    setting = None if config.image.range == "auto" else config.image.range
    paths = partial(_ranged_paths, competition, samples)
    if table and not table.remembered("deep", lambda: any_deep(paths())):
        return find_value_range([], setting, known)
    module = getattr(competition.reader, "__module__", "")
    own = competition.reader is not None and not module.startswith("comp.")

    unread: list[str] = []

    def find() -> ValueRange | None:
        return find_value_range(paths(), setting, known, strict=not own, unread=unread)

    if table and not known:
        what = f"range {setting}"
        record = table.remembered(what, lambda: (r := find()) and r.record(), lambda _: not unread)
        return ValueRange.from_record(record) if record else None
    found = find()
    if found and own and found.sentence:
        words = f"{found.sentence}; the competition's own reader may do otherwise"
        return replace(found, sentence=words)
    return found


def _ranged_paths(competition: Competition, samples: Sequence[Sample]) -> list[str]:
    """The files that share a range of values."""
    paths = set(absolute_image_paths(samples))
    pictures = not competition.reader and not competition.image_spec
    if pictures or competition.task.restores:
        paths |= {path for sample in samples for path in absolute_sample_paths(sample)}
    return sorted(paths)


def without_skipped(samples: Sequence[Sample], skipped: Mapping[str, str]) -> list[Sample]:
    """The samples whose image is not a key of `skipped` (absolute path -> reason)."""
    if not skipped:
        return list(samples)
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
        reader = own_reader(competition, samples, config, folder)
        reader = with_pages(reader, samples, folder, root)
    else:
        reader = ItemReader(PreparedImages.read_pointer(folder).value_range)
    how = config.image.equalize
    return reader if how == "none" else EqualizedReader(reader, how)


def own_reader(
    competition: Competition, samples: Sequence[Sample], config: RunConfig, folder: Path
) -> Reader:
    """The competition's own reader. A plugin's reader gets copies of the features of samples.

    Raises:
        CompetitionError: making it changes the features of samples.
    """
    assert competition.reader
    if is_from_comp(competition.reader):
        return with_own_features(competition.reader(samples, config, folder))
    every = list(samples)
    before = [_cells(sample) for sample in every]
    reader = competition.reader(samples, config, folder)
    if any(_cells(s) != cells for s, cells in zip(every, before, strict=True)):
        raise CompetitionError(
            f"the reader of {competition.name} changes the features of samples, and each fold "
            "would change them again: change copies of them, or do it in samples()"
        )
    return with_own_features(reader)


def _cells(sample: Sample) -> tuple[object, ...]:
    """The columns and cells of a sample, which are not copied."""
    return (*sample.features, *sample.features.values())


def spec_of(image_spec: Callable[[RunConfig], ImageSpec], config: RunConfig) -> ImageSpec:
    """The image spec of a competition, with the `image.equalize` and the `image.cache` of the run.

    Raises:
        ConfigError: JPEG does not have as many channels.
    """
    spec, how = image_spec(config), config.image.equalize
    if how != "none":
        spec = replace(spec, equalize=how)
    if config.image.cache != "jpeg":
        return spec
    if spec.channels not in (1, 3):
        raise ConfigError(
            f"image.cache = jpeg keeps 1 or 3 channels, and the images have {spec.channels}: set "
            "image.cache = true"
        )
    return replace(spec, stored="jpeg")


def masked_reader(_samples: Sequence[Sample], _config: RunConfig, folder: Path) -> MaskedReader:
    """A `Competition.reader` of colour images and label images, with the range of the run."""
    return MaskedReader(PreparedImages.read_pointer(folder).value_range)
