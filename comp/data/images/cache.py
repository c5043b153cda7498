"""A cache of decoded and resized images: one binary file that every process maps into memory.

    <key>/pixels.bin     all images one after another, uint8 (h, w, C) each, or as JPEG
    <key>/index.npy      where each image is, by the hash of its name
    <key>/states.npy     size and time of change of each file
    <key>/bad.json       images that cannot be read, with the reasons
    <key>/facts.json     the fields that `comp cache` lists
    <key>/used           its time of change is the time of the last use

The key is a SHA-256 of the spec, of the range of values if images have more than 8 bits, and of the
path and the bytes of every image, so the next run notices a changed image. The bytes are read once:
`comp.data.images.file_table` knows them while size and times of a file stay the same. Paths in the
data of a run are relative to its root.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from comp.contract.competition import ImageSpec
from comp.contract.sample import Item, Sample
from comp.data.images import eviction
from comp.data.images.cache_build import (
    bad_images,
    checked,
    disk_reason,
    find_cache,
    resized,
    write_cache,
)
from comp.data.images.cache_index import OLD_INDEX, PIXELS, have_states, open_index, write_states
from comp.data.images.check import skipped_images
from comp.data.images.decode_many import (
    OnImage,
    absolute_image_path,
    read_resized,
    shape_record,
)
from comp.data.images.file_list import FileList, list_files, name_hash
from comp.data.images.file_table import FileTable, are_unchanged
from comp.data.images.items import numbers_of
from comp.data.images.jpeg import decode_jpeg
from comp.data.images.old_caches import is_old, old_is_unchanged
from comp.data.images.prepared import PreparedImages, absolute_keys
from comp.data.images.resize import largest_image_bytes
from comp.data.images.values import ValueRange
from comp.errors import DiskError
from comp.files import read_json

__all__ = ["PIXELS", "ImageReader", "build_cache", "image_reader"]
JPEG_SHARE = 0.3
"""Expected bytes of images as JPEG, as a share of the raw pixels."""


@dataclass(frozen=True)
class ImageReader:
    """Reads resized images from a cache or, if it does not contain the image, from the file.

    It returns `image`, uint8 (h, w, C), a new array, `target`, float32 (T,), if the sample has
    numbers as target, and `features`, float32 (F,), if it has any. Each process maps the cache into
    memory at its first image.

    Raises:
        DataError: an image cannot be decoded.
    """

    spec: ImageSpec
    cache: Path | None = None
    value_range: ValueRange | None = None
    root: Path | None = None
    """The folder of the data, to which paths in the cache are relative."""

    def __call__(self, sample: Sample) -> Item:
        """Read one sample."""
        image = self._read_cached(sample)
        if image is None:
            image = np.array(read_resized(sample.image_file, self.spec, self.value_range))
        return {"image": image} | numbers_of(sample)

    def target_alone(self, sample: Sample) -> Item:
        """The numbers of a sample, without its image."""
        return numbers_of(sample)

    def _read_cached(self, sample: Sample) -> np.ndarray | None:
        if self.cache is None:
            return None
        try:
            index = open_index(self.cache)
        except (OSError, ValueError, LookupError):  # another run removed it to make room
            return None
        path = absolute_image_path(sample)
        entry = index.find(name_hash(path, self.root))
        if entry is None and self.root:  # a cache of an earlier version has absolute paths
            entry = index.find(name_hash(path, None))
        if entry is None:
            return None
        stored = index.pixels[entry.start : entry.start + entry.size]
        if len(stored) < entry.size:  # the file was cut
            return None
        if index.stored == "jpeg":
            return decode_jpeg(stored)
        return np.array(stored).reshape(entry.height, entry.width, entry.channels)


def image_reader(
    samples: Sequence[Sample], spec: ImageSpec, folder: Path, root: Path | None = None
) -> ImageReader:
    """The reader of a run's images, with the cache of `PreparedImages.read_pointer(folder, root)`.

    All images are read from their files if there is no cache, or if it has another spec or an older
    version (by size and times of change) of a sample's file.
    """
    prepared = PreparedImages.read_pointer(folder, root)
    cache, value_range, root = prepared.cache, prepared.value_range, prepared.root
    if cache and _is_valid(cache, samples, spec, value_range, root):
        eviction.mark_used(cache)
        return ImageReader(spec, cache, value_range, root)
    return ImageReader(spec, None, value_range, root)


def _is_valid(
    cache: Path,
    samples: Sequence[Sample],
    spec: ImageSpec,
    value_range: ValueRange | None,
    root: Path | None,
) -> bool:
    """Whether a cache has these images as the spec says, and their files did not change."""
    try:
        old = read_json(cache / OLD_INDEX) if is_old(cache) else None
        facts = old or read_json(cache / eviction.FACTS)
        if facts["shape"] != shape_record(spec, value_range):
            return False
        if old:
            return old_is_unchanged(old, samples, root)
        files = _files_of(samples, root)
        same = are_unchanged(cache.parent, facts["files"], facts["content"], root, files)
        return have_states(cache, files) if same is None else same
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _files_of(samples: Sequence[Sample], root: Path | None) -> FileList:
    return list_files([absolute_image_path(s) for s in samples if s.image], root)


def open_table(samples: Sequence[Sample], caches: Path, root: Path | None) -> FileTable:
    """What earlier runs know of the images of the samples."""
    return FileTable.open(caches, _files_of(samples, root))


def build_cache(
    samples: Sequence[Sample],
    spec: ImageSpec,
    folder: Path,
    *,
    limit_bytes: int | None = None,
    skip_bad: bool = False,
    on_image: OnImage | None = None,
    workers: int | None = None,
    value_range: ValueRange | None = None,
    root: Path | None = None,
    table: FileTable | None = None,
) -> PreparedImages:
    """Decode and resize the images of all samples into a cache, unless that cache already exists.

    Args:
        folder: contains all caches, each in a folder named by its key. Several runs can use it at
            the same time.
        limit_bytes: limit of all caches together; None is 20 GB or half of the free disk. If the
            upper bound of the new cache does not fit, even after removing old caches, the images
            are only checked.
        skip_bad: leave out images that cannot be decoded.
        on_image: called after each decoded image; not called if the cache exists.
        workers: number of threads; None is one per core, at most 8.
        value_range: the range of images with more than 8 bits.
        root: the folder of the data; paths in it are relative on disk.
        table: `open_table` of the samples, if it is at hand.

    Raises:
        DataError: images cannot be decoded, unless `skip_bad`.
    """
    table = table or open_table(samples, folder, root)
    reading, reason, cache = resized(spec, value_range), "", None
    try:
        cache, table = find_cache(folder, table, reading, workers)
        if cache is None:
            limit = eviction.cache_limit_bytes(folder) if limit_bytes is None else limit_bytes
            needed = round(largest_image_bytes(spec) * len(table.files))
            needed = round(needed * JPEG_SHARE) if spec.stored == "jpeg" else needed
            reason = _no_room(folder, needed, limit, spec)
            if not reason:
                cache, table = write_cache(folder, table, reading, limit, on_image, workers)
        if cache and not is_old(cache):
            write_states(cache, table.files)
        bad = bad_images(cache) if cache else {}
    except (OSError, DiskError) as error:
        cache, reason = None, f"no image cache can be kept in {folder}: {disk_reason(error)}"
    if cache is None:
        bad, table = checked(samples, table, spec.channels, value_range, on_image, workers)
    table.save()
    if cache:
        eviction.mark_used(cache)
    skipped = skipped_images(samples, absolute_keys(bad, root), skip_bad)
    return PreparedImages(cache, skipped, reason, value_range, root)


def _no_room(folder: Path, needed: int, limit: int, spec: ImageSpec) -> str:
    """Make room for a new cache; return the reason if that is not possible, else ""."""
    if eviction.make_room(folder, needed, limit):
        return ""
    words = f"{needed / 1e9:.3g} GB of images do not fit into the {limit / 1e9:.3g} GB for caches"
    ways = "set image.cache_gb"
    if spec.stored != "jpeg" and spec.channels in (1, 3):
        ways += ", or image.cache = jpeg, which needs a third and changes pixels a little"
    return f"{words}, so they are decoded in each epoch: {ways}"
