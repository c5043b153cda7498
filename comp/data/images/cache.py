"""A cache of decoded and resized images: one binary file that every process maps into memory.

    <key>/pixels.bin     all images one after another, uint8 (h, w, C) each
    <key>/index.json     position of each image, size and time of its file, unreadable images
    <key>/facts.json     the fields that `comp cache` lists
    <key>/used           its time of change is the time of the last use

The key is a SHA-256 of the spec, of the range of values if images have more than 8 bits, and of the
path and bytes of every image, so the next run notices a changed image. Paths in the data of a run
are relative to its root. Within a run, and for a later prediction with it, size and time of change
of the file are compared instead of the bytes.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from comp.contract.competition import ImageSpec
from comp.contract.sample import Item, Sample
from comp.data.images import eviction
from comp.data.images.check import check_images, skipped_images
from comp.data.images.decode_many import (
    OnImage,
    absolute_image_path,
    absolute_image_paths,
    cache_keys,
    decode_images,
    file_state,
    read_resized,
    shape_record,
)
from comp.data.images.formats import READ_ERROR
from comp.data.images.items import numbers_of
from comp.data.images.prepared import (
    PreparedImages,
    absolute_key,
    absolute_keys,
    relative_key,
    relative_keys,
)
from comp.data.images.resize import largest_image_bytes
from comp.data.images.values import ValueRange
from comp.files import new_folder, read_json, write_json, write_text

PIXELS, INDEX = "pixels.bin", "index.json"
FORMAT = 2
"""Part of the key; increase it when the layout of a cache or the result of resizing changes."""


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

    def _read_cached(self, sample: Sample) -> np.ndarray | None:
        try:
            index, pixels = _open_cache(self.cache) if self.cache else ({}, _NO_PIXELS)
        except OSError:  # another run has removed the cache to make room
            return None
        entry = _entry(index, absolute_image_path(sample), self.root)
        if entry is None:
            return None
        start, height, width = entry[:3]
        channels = self.spec.channels
        flat = pixels[start : start + height * width * channels]
        return np.array(flat).reshape(height, width, channels)


_NO_PIXELS = np.empty(0, dtype=np.uint8)


@functools.lru_cache(maxsize=2)
def _open_cache(cache: Path) -> tuple[Mapping[str, list[int]], np.ndarray]:
    index = read_json(cache / INDEX)["images"]
    pixels = np.memmap(cache / PIXELS, dtype=np.uint8, mode="r") if index else _NO_PIXELS
    return index, np.asarray(pixels)


def _entry(index: Mapping[str, Any], path: str, root: Path | None) -> list[int] | None:
    """The entry of an image in an index; that of an earlier version has absolute paths."""
    entry = index.get(relative_key(path, root))
    return entry or index.get(path)


def image_reader(
    samples: Sequence[Sample], spec: ImageSpec, folder: Path, root: Path | None = None
) -> ImageReader:
    """The reader of a run's images, with the cache of `PreparedImages.read_pointer(folder, root)`.

    All images are read from their files if there is no cache, or if it has another spec or an older
    version (by size and time of change) of a sample's file.
    """
    prepared = PreparedImages.read_pointer(folder, root)
    cache, value_range, root = prepared.cache, prepared.value_range, prepared.root
    from_files = ImageReader(spec, None, value_range, root)
    try:
        index = read_json(cache / INDEX) if cache else {}
    except (OSError, ValueError):
        index = {}
    if not cache or index.get("shape") != shape_record(spec, value_range):
        return from_files
    paths = absolute_image_paths(samples)
    cached = {path: entry for path in paths if (entry := _entry(index["images"], path, root))}
    if any(tuple(entry[3:]) != file_state(path) for path, entry in cached.items()):
        return from_files
    eviction.mark_used(cache)
    return ImageReader(spec, cache, value_range, root)


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

    Raises:
        DataError: images cannot be decoded, unless `skip_bad`.
    """
    paths = absolute_image_paths(samples)
    keys = cache_keys(paths, spec, FORMAT, workers, value_range, root)
    target = next((folder / key for key in keys if _is_usable(folder / key)), folder / keys[0])
    no_cache_reason = ""
    try:
        if not target.is_dir():
            size = largest_image_bytes(spec) * len(paths)
            no_cache_reason = _make_room(folder, size, limit_bytes)
            if not no_cache_reason:
                _build(target, paths, spec, on_image, workers, value_range, root)
        index = {} if no_cache_reason else _updated_index(target, root)
    except OSError as error:
        no_cache_reason = f"no image cache can be kept in {folder}: {error.strerror or error}"
    if no_cache_reason:
        skipped = check_images(
            samples,
            skip_bad=skip_bad,
            on_image=on_image,
            workers=workers,
            value_range=value_range,
            channels=spec.channels,
        )
        return PreparedImages(None, skipped, no_cache_reason, value_range, root)
    eviction.mark_used(target)
    skipped = skipped_images(samples, absolute_keys(index["bad"], root), skip_bad)
    return PreparedImages(target, skipped, value_range=value_range, root=root)


def _make_room(folder: Path, needed: int, limit_bytes: int | None) -> str:
    """Make room for a new cache; return the reason if that is not possible, else ""."""
    limit = eviction.cache_limit_bytes(folder) if limit_bytes is None else limit_bytes
    if eviction.make_room(folder, needed, limit):
        return ""
    return f"{needed / 1e9:.3g} GB of images do not fit into the {limit / 1e9:.3g} GB for caches"


def _build(
    target: Path,
    paths: Sequence[str],
    spec: ImageSpec,
    on_image: OnImage | None,
    workers: int | None,
    value_range: ValueRange | None,
    root: Path | None,
) -> None:
    with new_folder(target) as folder:
        if folder is None:
            return
        images: dict[str, list[int]] = {}
        unreadable: dict[str, str] = {}
        states = {path: file_state(path) for path in paths}
        with (folder / PIXELS).open("wb") as stream:
            for path, image in decode_images(paths, spec, on_image, workers, value_range):
                if isinstance(image, str):
                    unreadable[path] = image
                    continue
                key = relative_key(path, root)
                images[key] = [stream.tell(), *image.shape[:2], *states[path]]
                stream.write(np.ascontiguousarray(image).data)
            size = stream.tell()
        shape = shape_record(spec, value_range)
        bad = relative_keys(unreadable, root)
        _write_index(folder, {"shape": shape, "images": images, "bad": bad})
        facts = {
            "source": os.path.commonpath([str(Path(path).parent) for path in paths]),
            "images": len(images),
            "shape": shape,
            "bytes": size,
            "made": datetime.now().astimezone().isoformat(timespec="seconds"),
        }
        write_json(folder / eviction.FACTS, facts)
        (folder / eviction.USED).touch()


def _write_index(cache: Path, index: Mapping[str, Any]) -> None:
    write_text(cache / INDEX, json.dumps(index))


def _is_usable(cache: Path) -> bool:
    """Whether a complete cache exists. A damaged cache, or one that lacks an image because of a
    temporary read error, is removed."""
    if not cache.is_dir():
        return False
    try:
        messages = read_json(cache / INDEX)["bad"].values()
        size = read_json(cache / eviction.FACTS)["bytes"]
        usable = not any(message.startswith(READ_ERROR) for message in messages)
        usable = usable and (cache / PIXELS).stat().st_size == size
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        usable = False
    if not usable:
        shutil.rmtree(cache, ignore_errors=True)
    return bool(usable)


def _updated_index(cache: Path, root: Path | None) -> Any:
    """The index of a cache, with today's size and time of change of files with the same bytes."""
    index = read_json(cache / INDEX)
    images = {
        key: [*entry[:3], *file_state(absolute_key(key, root))]
        for key, entry in index["images"].items()
    }
    if images != index["images"]:
        index["images"] = images
        _write_index(cache, index)
    return index
