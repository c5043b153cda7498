"""Find the image cache of some files, or write it: decode, resize and hash each of them once."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from comp.contract.competition import ImageSpec
from comp.contract.sample import Sample
from comp.data.images import eviction
from comp.data.images.cache_index import BAD, INDEX, PIXELS, Entry, sorted_rows, write_index
from comp.data.images.check import check_images
from comp.data.images.decode_many import (
    OnImage,
    file_digest,
    map_in_threads,
    read_resized,
    shape_record,
)
from comp.data.images.file_states import file_state
from comp.data.images.file_table import FileTable
from comp.data.images.formats import READ_ERROR
from comp.data.images.jpeg import encode_jpeg
from comp.data.images.old_caches import find_old_cache, is_old, old_bad_images
from comp.data.images.prepared import relative_keys
from comp.data.images.values import ValueRange
from comp.errors import DataError, DiskError
from comp.files import read_json, write_json

FORMAT = 3
"""Part of the key; increase it when the layout of a cache or the result of resizing changes."""
Stored = tuple[np.ndarray | bytes | str, tuple[int, ...]]
"""An image as it is stored, or why it cannot be read; and its shape, (H, W, C)."""


@dataclass(frozen=True)
class Reading:
    """How the images of a cache are read: `shape` says it, as JSON, and `read` does it."""

    shape: Mapping[str, Any]
    read: Callable[[str], Stored]


def resized(spec: ImageSpec, value_range: ValueRange | None) -> Reading:
    """Images of the size of the network's input."""
    return Reading(shape_record(spec, value_range), partial(_resized, spec, value_range))


def _resized(spec: ImageSpec, value_range: ValueRange | None, path: str) -> Stored:
    try:
        image = read_resized(Path(path), replace(spec, stored="raw"), value_range)
    except DataError as error:
        return str(error), ()
    return encode_jpeg(image) if spec.stored == "jpeg" else image, image.shape


def find_cache(
    caches: Path, table: FileTable, reading: Reading, workers: int | None = None
) -> tuple[Path | None, FileTable]:
    """The complete cache of the files of a table, None if there is none, and the table.

    Files are hashed only if there is a cache of the same shape.
    """
    shape = reading.shape
    alike = [cache for cache in eviction.list_caches(caches) if cache.shape == shape]
    if not alike:
        return None, table
    table = table if table.is_known else table.hashed(workers)
    content = table.content
    found = [c.path for c in alike if c.content == content and c.files == table.files.key]
    cache = next(filter(is_usable, found), None)
    return cache or find_old_cache(caches, table, shape), table


def cache_name(content: str, shape: Mapping[str, Any]) -> str:
    """The folder of a cache: the start of a SHA-256, in hex, of what decides its content."""
    facts = json.dumps([FORMAT, content, shape], sort_keys=True)
    return hashlib.sha256(facts.encode()).hexdigest()[:24]


def is_usable(cache: Path) -> bool:
    """Whether a complete cache exists. A damaged cache, or one that lacks an image because of a
    temporary read error, is removed."""
    if not cache.is_dir():
        return False
    try:
        messages = bad_images(cache).values()
        facts = read_json(cache / eviction.FACTS)
        size, count = facts["bytes"], np.load(cache / INDEX, mmap_mode="r").shape[1]
        usable = not any(message.startswith(READ_ERROR) for message in messages)
        usable = usable and (cache / PIXELS).stat().st_size == size and count == facts["images"]
    except (OSError, EOFError, ValueError, LookupError, TypeError, AttributeError):
        usable = False
    if not usable:
        shutil.rmtree(cache, ignore_errors=True)
    return bool(usable)


def bad_images(cache: Path) -> dict[str, str]:
    """The images of a cache that cannot be read, by their names, with the reasons."""
    return old_bad_images(cache) if is_old(cache) else dict(read_json(cache / BAD))


def write_cache(
    caches: Path,
    table: FileTable,
    reading: Reading,
    limit: int,
    on_image: OnImage | None = None,
    workers: int | None = None,
) -> tuple[Path, FileTable]:
    """Decode, resize and hash all files of a table into a new cache; returns it, and the table with
    their digests. If another run has written the same cache meanwhile, that one stays.

    Raises:
        OSError: the cache cannot be written, or has more bytes than `limit`.
        DiskError: the disk is full.
    """
    shape, part = reading.shape, caches / f".{uuid4().hex[:16]}.part"
    part.mkdir(parents=True)
    try:
        images = _read_files(table, reading.read, on_image, workers)
        table, bad = _write_pixels(part, table, images, limit)
        facts = {
            "source": os.path.commonpath(
                [str(Path(table.files.path_of(i)).parent) for i in range(len(table.files))]
            ),
            "images": len(table.files) - len(bad),
            "shape": shape,
            "bytes": (part / PIXELS).stat().st_size,
            "made": datetime.now().astimezone().isoformat(timespec="seconds"),
            "files": table.files.key,
            "content": table.content,
        }
        write_json(part / eviction.FACTS, facts)
        (part / eviction.USED).touch()
        return _in_place(part, caches / cache_name(table.content, shape)), table
    finally:
        shutil.rmtree(part, ignore_errors=True)


def disk_reason(error: OSError | DiskError) -> str:
    """Why a cache cannot be written."""
    return str(getattr(error, "strerror", None) or error)


def _in_place(part: Path, target: Path) -> Path:
    """Rename the folder of a new cache, unless it exists."""
    try:
        part.rename(target)
    except OSError:
        if not is_usable(target):
            part.rename(target)
    return target


def _write_pixels(
    folder: Path, table: FileTable, images: Iterator[tuple[int, Stored, bytes]], limit: int
) -> tuple[FileTable, dict[str, str]]:
    """Write the pixels and the index of a new cache, and return the table with the digests, and the
    images that cannot be read."""
    order, packed, bad = array("Q"), array("Q"), dict[str, str]()
    digests: list[tuple[int, bytes]] = []
    with (folder / PIXELS).open("wb") as stream:
        for i, (stored, shape), digest in images:
            digests.append((i, digest))
            if isinstance(stored, str):
                bad[table.files.path_of(i)] = stored
                continue
            data = stored if isinstance(stored, bytes) else np.ascontiguousarray(stored).data
            size = len(data) if isinstance(data, bytes) else data.nbytes
            order.append(i)
            dtype = stored.dtype if isinstance(stored, np.ndarray) else np.dtype(np.uint8)
            stream.write(bytes(-stream.tell() % dtype.itemsize))
            height, width, channels = shape
            entry = Entry(stream.tell(), size, height, width, channels, dtype)
            packed.extend(entry.packed())
            stream.write(data)
            if stream.tell() > limit:
                raise OSError(f"its images have more than {limit / 1e9:.3g} GB")
        stream.flush()
        os.fsync(stream.fileno())
    names = table.files.names[:, np.asarray(order, dtype=np.int64)]
    write_index(folder, sorted_rows(names, packed), relative_keys(bad, table.files.root))
    return table.with_digests(digests), bad


def _read_files(
    table: FileTable,
    read: Callable[[str], Stored],
    on_image: OnImage | None = None,
    workers: int | None = None,
) -> Iterator[tuple[int, Stored, bytes]]:
    """Yield the number of each file, in the order of the paths, what `read` makes of it, and its
    digest. A file that changes meanwhile counts as one that cannot be read now."""
    files, order = table.files, table.files.by_path()
    numbers = {files.path_of(i): i for i in order}

    def read_one(path: str) -> tuple[Stored, bytes]:
        stored = read(path)
        digest = file_digest(path)
        if file_state(path) != tuple(files.states[:, numbers[path]].tolist()):
            stored = f"{READ_ERROR} {path}: it changed while it was read", ()
        return stored, digest

    found = map_in_threads(read_one, list(numbers), workers)
    for done, (i, (stored, digest)) in enumerate(zip(order, found, strict=True), start=1):
        yield i, stored, digest
        if on_image:
            on_image(done, len(order))


def checked(
    samples: Sequence[Sample],
    table: FileTable,
    channels: int,
    value_range: ValueRange | None,
    on_image: OnImage | None,
    workers: int | None,
) -> tuple[dict[str, str], FileTable]:
    """Images that cannot be read, by their names, where no cache can be kept; and the table.

    They are decoded once: a later run with the same files reads what was found.
    """
    table = table if table.is_known else table.hashed(workers)
    root, bounds = table.files.root, value_range.key() if value_range else {}

    def find() -> dict[str, str]:
        found = check_images(
            samples,
            skip_bad=True,
            on_image=on_image,
            workers=workers,
            value_range=value_range,
            channels=channels,
        )
        return relative_keys(found, root)

    what = json.dumps(["bad", channels, bounds])
    if any(isinstance(sample.target, Path) for sample in samples):
        return find(), table  # the table does not know the targets
    return table.remembered(what, find, lambda bad: not _may_heal(bad)), table


def _may_heal(bad: Mapping[str, str]) -> bool:
    return any(message.startswith(READ_ERROR) for message in bad.values())
