"""Where each image is in a cache: sorted arrays in one file, which every process maps into memory.

`index.npy` is uint64 (5, N): both halves of the hash of the name, first byte and number of bytes in
the file of pixels, and the shape in one number. A look-up reads a few pages of it. Caches of an
earlier version have `index.json`, which is read once and written as arrays beside it.
"""

from __future__ import annotations

import functools
import json
from array import array
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from comp.data.images.file_list import FileList, name_hashes, rows_of
from comp.errors import CompError
from comp.files import read_json, replacing, write_text

INDEX, BAD, PIXELS, STATES = "index.npy", "bad.json", "pixels.bin", "states.npy"
OLD_INDEX = "index.json"
NO_PIXELS = np.empty(0, dtype=np.uint8)
_SIDE = 24
"""Bits of a height and of a width in the shape; the last 16 have the channels and the type."""
DTYPES = (np.dtype(np.uint8), np.dtype(np.uint16))


class Entry(NamedTuple):
    """The place of an image in the file of pixels, and its shape."""

    start: int
    size: int
    height: int
    width: int
    channels: int
    dtype: np.dtype[Any] = DTYPES[0]

    def packed(self) -> tuple[int, int, int]:
        """The entry as the last three rows of an index."""
        shape = (self.height << _SIDE | self.width) << 16 | self.channels << 1
        return self.start, self.size, shape | DTYPES.index(self.dtype)


@dataclass(frozen=True)
class CacheIndex:
    """An open cache: its index, uint64 (5, N), and its pixels, uint8 (bytes,)."""

    rows: np.ndarray
    pixels: np.ndarray
    stored: str = "raw"
    """How images are stored: raw or jpeg."""

    def __len__(self) -> int:
        return int(self.rows.shape[1])

    def find(self, name: bytes) -> Entry | None:
        """The entry of an image by the hash of its name."""
        high, low = np.frombuffer(name, "<u8")
        i = int(np.searchsorted(self.rows[0], high))
        while i < len(self) and self.rows[0, i] == high:
            if self.rows[1, i] == low:
                start, size, shape = (int(value) for value in self.rows[2:, i])
                return _entry(start, size, shape)
            i += 1
        return None


def _entry(start: int, size: int, shape: int) -> Entry:
    sides, rest = shape >> 16, shape & 0xFFFF
    height, width = sides >> _SIDE, sides & (1 << _SIDE) - 1
    return Entry(start, size, height, width, rest >> 1, DTYPES[rest & 1])


@functools.lru_cache(maxsize=2)
def open_index(cache: Path) -> CacheIndex:
    """Map the index and the pixels of a cache into memory.

    Raises:
        OSError: the cache is gone.
        ValueError: it is damaged.
    """
    if (cache / INDEX).is_file():
        rows = np.asarray(_load(cache / INDEX))
        stored = read_json(cache / "facts.json")["shape"].get("stored", "raw")
    else:
        rows, stored = old_rows(read_json(cache / OLD_INDEX), None), "raw"
    pixels = np.memmap(cache / PIXELS, dtype=np.uint8, mode="r") if rows.size else NO_PIXELS
    return CacheIndex(rows, np.asarray(pixels), stored)


def sorted_rows(names: np.ndarray, packed: Sequence[int]) -> np.ndarray:
    """The index of images with these names, uint64 (2, N), and their packed entries in a row."""
    entries = np.asarray(packed, dtype=np.uint64).reshape(-1, 3)
    rows = np.concatenate([names, entries.T])
    return np.ascontiguousarray(rows[:, np.lexsort((rows[1], rows[0]))])


def write_index(cache: Path, rows: np.ndarray, bad: Mapping[str, str]) -> None:
    """Write the index of a cache, and the reasons of images that cannot be read, by their names."""
    write_text(cache / BAD, json.dumps(dict(bad)))  # names need not be UTF-8
    _save(cache / INDEX, rows)


def _save(path: Path, array: np.ndarray) -> None:
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.save(stream, array)


def _load(path: Path) -> np.ndarray:
    """An array, mapped into memory.

    Raises:
        OSError: the file is gone.
        ValueError: it is damaged.
    """
    try:
        return np.asanyarray(np.load(path, mmap_mode="r"))
    except EOFError as error:  # an empty file
        raise ValueError(str(error)) from None


def write_states(cache: Path, files: FileList) -> None:
    """Write today's size and time of change of the cached files, for machines without their table,
    if they are not the stored ones; a cache that cannot be written to stays as it is."""
    rows = rows_of(files.names, _load(cache / INDEX)[:2])
    states = files.states[:2, rows]
    with suppress(OSError, ValueError):
        if np.array_equal(_load(cache / STATES), states):
            return
    with suppress(OSError, CompError):
        _save(cache / STATES, states)


def have_states(cache: Path, files: FileList) -> bool:
    """Whether all cached files have the size and time of change of `write_states`."""
    rows = rows_of(_load(cache / INDEX)[:2], files.names)
    states = _load(cache / STATES)[:, rows[rows >= 0]]
    return bool((states == files.states[:2, rows >= 0]).all())


def old_rows(index: Mapping[str, Any], root: Path | None) -> np.ndarray:
    """The index of a cache of an earlier version, whose names can be absolute paths."""
    channels, images = index["shape"]["channels"], index["images"]
    packed = array("Q")
    for start, height, width, *_ in images.values():
        packed.extend(Entry(start, height * width * channels, height, width, channels).packed())
    return sorted_rows(name_hashes(images, root), packed)
