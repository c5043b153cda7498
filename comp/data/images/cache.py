"""Images decoded and resized once: a flat file of bytes that every process maps into memory.

    <key>/pixels.bin     the images one after another, uint8 (h, w, C) each
    <key>/index.json     where each image stands, how its file looked, and what was unreadable
    <key>/facts.json     what `comp cache` lists
    <key>/used           touched at each use

The key is a SHA-256 of the shape and of the path and the bytes of every image, so that a changed
image is seen at the next run. Within a run, and for a later prediction with it, size and time of
change stand for the bytes.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from comp.contract.competition import ImageSpec, Item, Sample
from comp.data.images import eviction as room
from comp.data.images.decode import UNREAD
from comp.data.images.decode_many import (
    OnImage,
    absolute,
    absolute_image_paths,
    decoded,
    files_of,
    key_of,
    read_shaped,
    stamp,
)
from comp.data.images.resize import largest_image_bytes
from comp.errors import DataError, RunError
from comp.files import new_folder, read_json, write_json, write_text

PIXELS, INDEX, POINTER = "pixels.bin", "index.json", "images.json"
FORMAT = 1
"""Raised when the layout of a cache, or what resizing gives, changes."""


@dataclass(frozen=True)
class PreparedImages:
    """What became of the images of a run.

    `cache` is the folder of the cache, None where there is none, and `remark` the reason where one
    was wanted; `skipped` says what is wrong with images that cannot be decoded, by absolute path.
    """

    cache: Path | None = None
    skipped: Mapping[str, str] = field(default_factory=dict)
    remark: str = ""

    def write_pointer(self, folder: Path) -> None:
        """Leave word in `folder` of where the images are, and of what was skipped."""
        cache = None if self.cache is None else str(self.cache.absolute())
        write_json(folder / POINTER, {"cache": cache, "skipped": dict(self.skipped)})

    @classmethod
    def read_pointer(cls, folder: Path) -> PreparedImages:
        """What `keep` left in `folder`; nothing cached and nothing skipped where it left nothing.

        Raises:
            RunError: when it cannot be read.
        """
        path = folder / POINTER
        if not path.is_file():
            return cls()
        try:
            found = read_json(path)
            return cls(Path(found["cache"]) if found["cache"] else None, dict(found["skipped"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunError(f"{path} is damaged ({error}): remove it, or run again") from None


@dataclass(frozen=True)
class ImageReader:
    """A reader of images in one shape, from a cache or, where that lacks one, from its file.

    It returns `image`, uint8 (h, w, C), an array of its own, and `target`, float32 (1,), where the
    sample has one. The cache is mapped into memory once a process, at the first image.

    Raises:
        DataError: naming the file, for an image that cannot be decoded.
    """

    shape: ImageSpec
    cache: Path | None = None

    def __call__(self, sample: Sample) -> Item:
        """Read one sample."""
        image = self._cached(sample)
        if image is None:
            image = np.array(read_shaped(sample.image, self.shape))
        item = {"image": image}
        if sample.target is not None:
            item["target"] = np.array([sample.target], dtype=np.float32)
        return item

    def _cached(self, sample: Sample) -> np.ndarray | None:
        try:
            index, pixels = _opened(self.cache) if self.cache else ({}, _NONE)
        except OSError:  # removed to make room for another run's
            return None
        entry = index.get(absolute(sample))
        if entry is None:
            return None
        start, height, width = entry[:3]
        channels = self.shape.channels
        flat = pixels[start : start + height * width * channels]
        return np.array(flat).reshape(height, width, channels)


_NONE = np.empty(0, dtype=np.uint8)


@functools.lru_cache(maxsize=2)
def _opened(cache: Path) -> tuple[Mapping[str, list[int]], np.ndarray]:
    index = read_json(cache / INDEX)["images"]
    pixels = np.memmap(cache / PIXELS, dtype=np.uint8, mode="r") if index else _NONE
    return index, np.asarray(pixels)


def image_reader(samples: Sequence[Sample], shape: ImageSpec, folder: Path) -> ImageReader:
    """The reader of a run's images, from the cache that `PreparedImages.write_pointer` noted in `folder`.

    Without one, or where it is gone, is of another shape, or holds an older state of one of the
    samples' files (by size and time of change), all images come from their files.
    """
    cache = PreparedImages.read_pointer(folder).cache
    try:
        index = read_json(cache / INDEX) if cache else {}
    except (OSError, ValueError):
        index = {}
    if not cache or index.get("shape") != asdict(shape):
        return ImageReader(shape)
    known = [path for path in absolute_image_paths(samples) if path in index["images"]]
    if any(tuple(index["images"][path][3:]) != stamp(path) for path in known):
        return ImageReader(shape)
    room.touch(cache)
    return ImageReader(shape, cache)


def build_cache(
    samples: Sequence[Sample],
    shape: ImageSpec,
    folder: Path,
    *,
    limit_bytes: int | None = None,
    skip_bad: bool = False,
    on_image: OnImage | None = None,
    workers: int | None = None,
) -> PreparedImages:
    """Decode and resize the images of all samples into a cache, or find the one that is there.

    Args:
        folder: where caches stand, each in a folder named by its key. Several runs at once are
            safe: each finds what the first made.
        limit_bytes: what all caches may take together; None is 20 GB or half of the free disk.
            Where an upper bound of the new one does not fit, even with the least recently used
            removed, the images are only checked.
        skip_bad: leave out images that cannot be decoded.
        on_image: called after each image that is decoded; not where the cache is found.
        workers: threads; None is one a core, at most 8.

    Raises:
        DataError: without `skip_bad`, for images that cannot be decoded: how many, and the first.
    """
    paths = absolute_image_paths(samples)
    target = folder / key_of(paths, shape, FORMAT, workers)
    remark = ""
    try:
        if not _usable(target):
            remark = _no_room(folder, largest_image_bytes(shape) * len(paths), limit_bytes)
            if not remark:
                _build(target, paths, shape, on_image, workers)
        index = {} if remark else _renewed(target)
    except OSError as error:
        remark = f"no image cache can be kept in {folder}: {error.strerror or error}"
    if remark:
        skipped = check_images(samples, skip_bad=skip_bad, on_image=on_image, workers=workers)
        return PreparedImages(None, skipped, remark)
    room.touch(target)
    return PreparedImages(target, _refused(samples, index["bad"], skip_bad))


def check_images(
    samples: Sequence[Sample],
    *,
    skip_bad: bool = False,
    on_image: OnImage | None = None,
    workers: int | None = None,
) -> dict[str, str]:
    """Decode the images and target images of all samples and keep none.

    Returns what is wrong with those that cannot be decoded, by the absolute path of the image.

    Raises:
        DataError: without `skip_bad`, for images that cannot be decoded: how many, and the first.
    """
    paths = sorted({path for sample in samples for path in files_of(sample)})
    images = decoded(paths, None, on_image, workers)
    return _refused(samples, {path: i for path, i in images if isinstance(i, str)}, skip_bad)


def _refused(samples: Sequence[Sample], bad: Mapping[str, str], skip_bad: bool) -> dict[str, str]:
    """The bad images, in the order of the samples, where they may be skipped."""
    skipped = {absolute(s): bad[path] for s in samples for path in files_of(s) if path in bad}
    if skipped and not skip_bad:
        count = f"{len(skipped)} of {len(absolute_image_paths(samples))} images cannot be decoded, the first"
        raise DataError(f"{count}: {next(iter(skipped.values()))}; --skip-bad goes on without them")
    return skipped


def _no_room(folder: Path, needed: int, limit_bytes: int | None) -> str:
    """Why a new cache has no room; "" where it has, or room could be made."""
    limit = room.cache_limit_bytes(folder) if limit_bytes is None else limit_bytes
    if room.make_room(folder, needed, limit):
        return ""
    return f"{needed / 1e9:.3g} GB of images do not fit into the {limit / 1e9:.3g} GB for caches"


def _build(
    target: Path,
    paths: Sequence[str],
    shape: ImageSpec,
    on_image: OnImage | None,
    workers: int | None,
) -> None:
    with new_folder(target) as aside:
        if aside is None:
            return
        images: dict[str, list[int]] = {}
        bad: dict[str, str] = {}
        stamps = {path: stamp(path) for path in paths}
        with (aside / PIXELS).open("wb") as stream:
            for path, image in decoded(paths, shape, on_image, workers):
                if isinstance(image, str):
                    bad[path] = image
                    continue
                images[path] = [stream.tell(), *image.shape[:2], *stamps[path]]
                stream.write(np.ascontiguousarray(image).data)
            size = stream.tell()
        _write_index(aside, {"shape": asdict(shape), "images": images, "bad": bad})
        facts = {
            "source": os.path.commonpath([str(Path(path).parent) for path in paths]),
            "images": len(images),
            "shape": asdict(shape),
            "bytes": size,
            "made": datetime.now().astimezone().isoformat(timespec="seconds"),
        }
        write_json(aside / room.FACTS, facts)
        (aside / room.USED).touch()


def _write_index(cache: Path, index: Mapping[str, Any]) -> None:
    write_text(cache / INDEX, json.dumps(index))


def _usable(cache: Path) -> bool:
    """Whether there is a whole cache; one that is damaged, or lacks an image that the disk did not
    give at the time, is removed."""
    if not cache.is_dir():
        return False
    try:
        bad = read_json(cache / INDEX)["bad"].values()
        whole = not any(reason.startswith(UNREAD) for reason in bad)
        whole = whole and (cache / PIXELS).stat().st_size == read_json(cache / room.FACTS)["bytes"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        whole = False
    if not whole:
        shutil.rmtree(cache, ignore_errors=True)
    return bool(whole)


def _renewed(cache: Path) -> Any:
    """The index of a cache; files of the same bytes that were written anew since are noted."""
    index = read_json(cache / INDEX)
    images = {path: [*entry[:3], *stamp(path)] for path, entry in index["images"].items()}
    if images != index["images"]:
        index["images"] = images
        _write_index(cache, index)
    return index
