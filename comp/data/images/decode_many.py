"""Hash, decode and resize many image files in several threads.

OpenCV, Pillow and hashlib release the interpreter lock while they work, so threads run in parallel.
"""

from __future__ import annotations

import hashlib
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
from comp.data.images.jpeg import as_jpeg
from comp.data.images.raw import read_raw
from comp.data.images.resize import resize_image, size_before_crop
from comp.data.images.values import ValueRange, check_finite
from comp.errors import DataError

OnImage = Callable[[int, int], None]
"""(images done, total images) -> None."""

T = TypeVar("T")


def absolute_image_path(sample: Sample) -> str:
    """The absolute path of a sample's image, the key of caches; links are not followed."""
    return absolute_path(sample.image or sample.image_file)


def absolute_path(path: Path | str) -> str:
    """The absolute path of a file; links are not followed."""
    text = str(path)
    plain = text[:1] == "/" and "/.." not in text  # a path has no other steps to remove
    return text if plain else os.path.abspath(text)  # noqa: PTH100


def absolute_sample_paths(sample: Sample) -> list[str]:
    """The absolute paths of a sample's image and of its target image, if it has them."""
    paths = [path for path in (sample.image, sample.target) if isinstance(path, Path)]
    return [absolute_path(path) for path in paths]


def absolute_image_paths(samples: Sequence[Sample]) -> list[str]:
    """The absolute paths of the samples' images, sorted, without duplicates."""
    return sorted({absolute_image_path(sample) for sample in samples if sample.image})


def file_digest(path: str) -> bytes:
    """The SHA-256 of a file; zeros if it cannot be read."""
    try:
        with Path(path).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()
    except OSError:
        return bytes(32)


def shape_record(spec: ImageSpec, value_range: ValueRange | None) -> dict[str, Any]:
    """Everything besides the files that decides the content of a cache, as JSON."""
    bounds = value_range.key() if value_range else {}
    size = spec.size if isinstance(spec.size, int) else list(spec.size)
    shape = asdict(spec) | {"size": size} | ({"range": bounds} if bounds else {})
    for key, usual in (("equalize", "none"), ("stored", "raw")):
        if shape[key] == usual:  # caches of older versions do not have these keys
            del shape[key]
    return shape


def read_resized(path: Path, spec: ImageSpec, value_range: ValueRange | None = None) -> np.ndarray:
    """Read and resize an image: uint8 (h, w, C).

    Raises:
        DataError: the file is missing, or cannot be decoded.
    """
    longest = max(size_before_crop(spec))
    image = read_image(path, spec.channels, longest, value_range)
    resized = resize_image(equalized(image, spec.equalize), spec)
    return as_jpeg(resized) if spec.stored == "jpeg" else resized


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


def map_in_threads(
    function: Callable[[str], T], paths: Sequence[str], workers: int | None
) -> Iterator[T]:
    """Yield `function(path)` in the order of `paths`; at most 16 results per thread are waiting."""
    count = workers or min(8, cores())
    with ThreadPoolExecutor(count) as pool:
        for start in range(0, len(paths), 16 * count):
            yield from pool.map(function, paths[start : start + 16 * count])
