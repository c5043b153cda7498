"""Hash, decode and resize many image files in several threads.

OpenCV, Pillow and hashlib release the interpreter lock while they work, so threads run in parallel.
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
from typing import Any, TypeVar

import numpy as np

from comp.contract.competition import ImageSpec
from comp.contract.sample import Sample
from comp.data.cores import cores
from comp.data.images.decode import read_image
from comp.data.images.equalize import equalized
from comp.data.images.prepared import relative_key
from comp.data.images.raw import read_raw
from comp.data.images.resize import resize_image, size_before_crop
from comp.data.images.values import ValueRange, check_finite
from comp.errors import DataError
from comp.files import sha256

OnImage = Callable[[int, int], None]
"""(images done, total images) -> None."""

T = TypeVar("T")


def absolute_image_path(sample: Sample) -> str:
    """The absolute path of a sample's image, the key of caches; links are not followed."""
    return os.path.abspath(sample.image_file)  # noqa: PTH100


def absolute_sample_paths(sample: Sample) -> list[str]:
    """The absolute paths of a sample's image and of its target image, if it has them."""
    paths = [path for path in (sample.image, sample.target) if isinstance(path, Path)]
    return [os.path.abspath(path) for path in paths]  # noqa: PTH100


def absolute_image_paths(samples: Sequence[Sample]) -> list[str]:
    """The absolute paths of the samples' images, sorted, without duplicates."""
    return sorted({absolute_image_path(sample) for sample in samples if sample.image})


def file_state(path: str) -> tuple[int, int]:
    """Size in bytes and time of change in nanoseconds; zeros if the file cannot be found."""
    try:
        status = Path(path).stat()
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


def cache_keys(
    paths: Sequence[str],
    spec: ImageSpec,
    version: int,
    workers: int | None = None,
    value_range: ValueRange | None = None,
    root: Path | None = None,
) -> list[str]:
    """The names of a cache: the start of a SHA-256, in hex, of the spec, of the range of values if
    the images have more than 8 bits, and of the path and bytes of every image.

    Paths in `root` are relative to it. The second name, if it differs, is that of an earlier
    version, whose paths are absolute.
    """
    facts = [version, shape_record(spec, value_range)]
    start = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    digests = list(map_in_threads(_digest, paths, workers))
    names = []
    for base in (root, None):
        total = start.copy()
        for path, digest in zip(paths, digests, strict=True):
            key = relative_key(path, base)
            total.update(f"{key}\0{digest}\n".encode(errors="surrogateescape"))
        names.append(total.hexdigest()[:24])
    return list(dict.fromkeys(names))


def cache_key(
    paths: Sequence[str],
    spec: ImageSpec,
    version: int,
    workers: int | None = None,
    value_range: ValueRange | None = None,
    root: Path | None = None,
) -> str:
    """The name of a new cache, the first of `cache_keys`."""
    return cache_keys(paths, spec, version, workers, value_range, root)[0]


def shape_record(spec: ImageSpec, value_range: ValueRange | None) -> dict[str, Any]:
    """Everything besides the files that decides the content of a cache, as JSON."""
    bounds = value_range.key() if value_range else {}
    size = spec.size if isinstance(spec.size, int) else list(spec.size)
    shape = asdict(spec) | {"size": size} | ({"range": bounds} if bounds else {})
    if spec.equalize == "none":  # caches of older versions do not have this key
        del shape["equalize"]
    return shape


def read_resized(path: Path, spec: ImageSpec, value_range: ValueRange | None = None) -> np.ndarray:
    """Read and resize an image: uint8 (h, w, C).

    Raises:
        DataError: the file is missing, or cannot be decoded.
    """
    longest = max(size_before_crop(spec))
    image = read_image(path, spec.channels, longest, value_range)
    return resize_image(equalized(image, spec.equalize), spec)


def decode_images(
    paths: Sequence[str],
    spec: ImageSpec | None,
    on_image: OnImage | None,
    workers: int | None = None,
    value_range: ValueRange | None = None,
    channels: int | None = None,
) -> Iterator[tuple[str, np.ndarray | str]]:
    """Yield each path with its resized image, or with the message of the error.

    Without `spec`, images have the smallest size that the decoder can give; with `channels` they
    are converted to them, else they are only decoded. `workers` is the number of threads, None for
    one per core, at most 8; `on_image` is called after each image.
    """
    read = partial(_read, spec=spec, value_range=value_range, channels=channels)
    images = map_in_threads(read, paths, workers)
    for done, pair in enumerate(zip(paths, images, strict=True), start=1):
        yield pair
        if on_image:
            on_image(done, len(paths))


def _read(
    path: str, spec: ImageSpec | None, value_range: ValueRange | None, channels: int | None
) -> np.ndarray | str:
    try:
        if spec:
            return read_resized(Path(path), spec, value_range)
        if channels:
            return read_image(Path(path), channels, 1, value_range)
        values = read_raw(Path(path), "L", at_least=1).values
        check_finite(values, Path(path))
        return values
    except DataError as error:
        return str(error)


def _digest(path: str) -> str:
    try:
        return sha256(Path(path))
    except OSError:
        return "unreadable"


def map_in_threads(
    function: Callable[[str], T], paths: Sequence[str], workers: int | None
) -> Iterator[T]:
    """Yield `function(path)` in the order of `paths`; at most 16 results per thread are waiting."""
    count = workers or min(8, cores())
    with ThreadPoolExecutor(count) as pool:
        for start in range(0, len(paths), 16 * count):
            yield from pool.map(function, paths[start : start + 16 * count])
