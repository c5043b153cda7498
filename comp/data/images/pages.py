"""Whole images and masks from a cache: decoded once, and mapped into memory where they are read.

A large image is mapped for itself, so that a crop reads only the rows that it needs. A change of
the array stays in the memory of its process, like that of any other image that a reader returns.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from comp.data.images.cache_index import PIXELS, open_index
from comp.data.images.file_list import name_hash

COPIED = 1 << 18
"""Bytes up to which an image is copied, which is faster than to map it."""


@dataclass(frozen=True)
class Pages:
    """The cached images and masks of a run; without a `cache`, all are read from their files."""

    cache: Path | None = None
    root: Path | None = None
    """The folder of the data, to which paths in the cache are relative."""

    def read(self, path: Path, decode: Callable[[Path], np.ndarray]) -> np.ndarray:
        """The image of a file, (H, W, C): from the cache, or as `decode` returns it."""
        found = self._cached(path)
        return decode(path) if found is None else found

    def _cached(self, path: Path) -> np.ndarray | None:
        if self.cache is None:
            return None
        try:
            index = open_index(self.cache)
            entry = index.find(name_hash(os.path.abspath(path), self.root))  # noqa: PTH100
            if entry is None:
                return None
            start, size, *shape, dtype = entry
            if size <= COPIED:
                flat = np.array(index.pixels[start : start + size])
                return flat.view(dtype).reshape(shape)
            mapped = np.memmap(self.cache / PIXELS, dtype, "c", start, tuple(shape))
            return mapped.view(np.ndarray)
        except (OSError, ValueError, LookupError):  # another run removed it to make room
            return None


NO_PAGES = Pages()
