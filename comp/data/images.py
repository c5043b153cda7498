"""Images from files, as uint8 arrays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from comp.competition import Sample
from comp.errors import DataError

if TYPE_CHECKING:
    from comp.competition import Competition, Item, Reader
    from comp.config import RunConfig

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})


def read_gray(path: Path) -> np.ndarray:
    """Read any image as grey: uint8 (H, W), 0 black to 255 white; alpha is laid on white.

    Raises:
        DataError: naming the file, when it is missing or cannot be decoded.
    """
    image = _decode(path)
    if image.ndim == 3:
        image = _on_white(image)
    if image.ndim == 3:
        grey = image.shape[2] == 1
        image = image[..., 0] if grey else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return np.ascontiguousarray(image)


def read_rgb(path: Path) -> np.ndarray:
    """Read any image as colour: uint8 (H, W, 3), red first.

    Raises:
        DataError: naming the file, when it is missing or cannot be decoded.
    """
    image = _decode(path)
    if image.ndim == 2:
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB))
    return np.asarray(cv2.cvtColor(_on_white(image), cv2.COLOR_BGR2RGB))


def _decode(path: Path) -> np.ndarray:
    """Decode a file: uint8, (H, W) or (H, W, C) in OpenCV's channel order."""
    try:
        data = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    except OSError as error:
        raise DataError(f"cannot read the image {path}: {error.strerror}") from None
    try:
        image = cv2.imdecode(data, _flags(data)) if data.size else None
    except cv2.error:
        image = None
    if image is None:
        raise DataError(f"{path} is not a readable image ({data.size} bytes): replace or remove it")
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    if image.dtype.kind != "f" and image.dtype != np.uint8:
        raise DataError(f"{path} holds {image.dtype} values: save it with 8 or 16 bits")
    return np.asarray(image) if image.dtype == np.uint8 else _stretch(image)


def _flags(data: np.ndarray) -> int:
    """How to decode a file: a JPEG turned as its camera was held, anything else as it is."""
    jpeg = data[:2].tobytes() == b"\xff\xd8"
    return cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH if jpeg else cv2.IMREAD_UNCHANGED


def _on_white(image: np.ndarray) -> np.ndarray:
    if image.shape[2] not in (2, 4):
        return image
    alpha = image[..., -1:].astype(np.float32) / 255
    return (image[..., :-1] * alpha + 255 * (1 - alpha)).round().astype(np.uint8)


def _stretch(image: np.ndarray) -> np.ndarray:
    """Floating-point images hold 0..1."""
    unit = np.clip(np.nan_to_num(image), 0, 1)
    return np.asarray((unit * 255).round(), dtype=np.uint8)


def write_image(path: Path, image: np.ndarray) -> None:
    """Write uint8 (H, W) or (H, W, 3), red first, in the format of the path's suffix.

    Raises:
        DataError: when the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    ordered = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    try:
        done, data = cv2.imencode(path.suffix, ordered)
    except cv2.error:
        done = False
    if not done:
        raise DataError(f"cannot write an image of shape {image.shape} to {path}")
    path.write_bytes(data.tobytes())


def image_files(folder: Path) -> list[Path]:
    """Every image below `folder`, by suffix, sorted; hidden files and folders are left out."""
    found = (p for p in folder.rglob("*") if p.is_file() and p.suffix.lower() in SUFFIXES)
    return sorted(
        p for p in found if not any(s.startswith((".", "__")) for s in p.relative_to(folder).parts)
    )


def loose_samples(folder: Path) -> Sequence[Sample]:
    """The images of a folder that is no competition's, as samples named by their path below it.

    Raises:
        DataError: when there is no image, or two differ in their suffix alone.
    """
    files = image_files(folder)
    if not files:
        raise DataError(f"no image under {folder}: looked for {', '.join(sorted(SUFFIXES))}")
    ids = [path.relative_to(folder).with_suffix("").as_posix() for path in files]
    twice = {i for i in ids if ids.count(i) > 1} if len(set(ids)) < len(ids) else set()
    if twice:
        raise DataError(f"several images are named '{min(twice)}' in {folder}: rename one")
    return [Sample(id=i, image=path) for i, path in zip(ids, files, strict=True)]


def reader_of(
    competition: Competition, samples: Sequence[Sample], config: RunConfig, folder: Path
) -> Reader:
    """The competition's own reader over all samples, or the default one."""
    return competition.reader(samples, config, folder) if competition.reader else read_item


def read_item(sample: Sample) -> Item:
    """The default reader: the colour image, and the target as an image or as a number."""
    item = {"image": read_rgb(sample.image)}
    if isinstance(sample.target, Path):
        item["target"] = read_rgb(sample.target)
    elif sample.target is not None:
        item["target"] = np.float32(sample.target).reshape(1)
    return item
