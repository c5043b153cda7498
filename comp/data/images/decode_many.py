"""Many image files at once: hashed, decoded and resized by a few threads.

OpenCV, Pillow and hashlib let go of the interpreter while they work, so that threads do.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from comp.contract.competition import ImageSpec, Sample
from comp.data.cores import cores
from comp.data.images.decode import read_image
from comp.data.images.resize import resized, side_of
from comp.errors import DataError
from comp.files import sha256

OnImage = Callable[[int, int], None]
"""(images done, images in all)."""

T = TypeVar("T")


def absolute(sample: Sample) -> str:
    """The absolute path of a sample's image, by which caches know it; links are not followed."""
    return os.path.abspath(sample.image)  # noqa: PTH100


def files_of(sample: Sample) -> list[str]:
    """The absolute paths of a sample's image and, where that is one, of its target image."""
    target = sample.target
    return [absolute(sample), *([os.path.abspath(target)] if isinstance(target, Path) else [])]  # noqa: PTH100


def absolute_image_paths(samples: Sequence[Sample]) -> list[str]:
    """The absolute paths of the samples' images, each once, sorted."""
    return sorted({absolute(sample) for sample in samples})


def stamp(path: str) -> tuple[int, int]:
    """Size in bytes and time of change in nanoseconds; zeros where there is no such file."""
    try:
        found = Path(path).stat()
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


def key_of(paths: Sequence[str], shape: ImageSpec, version: int, workers: int | None = None) -> str:
    """A short SHA-256, in hex, of the shape and of the path and the bytes of every image."""
    total = hashlib.sha256(json.dumps([version, asdict(shape)], sort_keys=True).encode())
    for path, digest in zip(paths, _mapped(_digest, paths, workers), strict=True):
        total.update(f"{path}\0{digest}\n".encode(errors="surrogateescape"))
    return total.hexdigest()[:24]


def read_shaped(path: Path, shape: ImageSpec) -> np.ndarray:
    """Read an image in a shape: uint8 (h, w, C).

    Raises:
        DataError: naming the file, when it is missing or cannot be decoded.
    """
    return resized(read_image(path, shape.channels, side_of(shape)), shape)


def decoded(
    paths: Sequence[str],
    shape: ImageSpec | None,
    on_image: OnImage | None,
    workers: int | None = None,
) -> Iterator[tuple[str, np.ndarray | str]]:
    """Yield each path with its image in a shape, or with the reason why it cannot be decoded.

    Without a shape images come as small as they can be. `workers` threads decode, None is one a
    core, at most 8; `on_image` is called after each image.
    """
    images = _mapped(partial(_read, shape=shape), paths, workers)
    for done, pair in enumerate(zip(paths, images, strict=True), start=1):
        yield pair
        if on_image:
            on_image(done, len(paths))


def _read(path: str, shape: ImageSpec | None) -> np.ndarray | str:
    try:
        return read_shaped(Path(path), shape) if shape else read_image(Path(path), 1, at_least=1)
    except DataError as error:
        return str(error)


def _digest(path: str) -> str:
    try:
        return sha256(Path(path))
    except OSError:
        return "unreadable"


def _mapped(function: Callable[[str], T], paths: Sequence[str], workers: int | None) -> Iterator[T]:
    """`function` of every path, in order, by a few threads; few results wait in memory."""
    count = workers or min(8, cores())
    with ThreadPoolExecutor(count) as pool:
        for start in range(0, len(paths), 16 * count):
            yield from pool.map(function, paths[start : start + 16 * count])
