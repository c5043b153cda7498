"""Images from files, as uint8 arrays."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import JpegImagePlugin

from comp.competition import Sample
from comp.errors import DataError

if TYPE_CHECKING:
    from comp.competition import Item

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})
_REDUCED = {
    2: (cv2.IMREAD_REDUCED_COLOR_2, cv2.IMREAD_REDUCED_GRAYSCALE_2),
    4: (cv2.IMREAD_REDUCED_COLOR_4, cv2.IMREAD_REDUCED_GRAYSCALE_4),
    8: (cv2.IMREAD_REDUCED_COLOR_8, cv2.IMREAD_REDUCED_GRAYSCALE_8),
}


def read_gray(path: Path) -> np.ndarray:
    """Read any image as grey: uint8 (H, W), 0 black to 255 white; alpha is laid on white.

    Raises:
        DataError: naming the file, when it is missing or cannot be decoded.
    """
    return _gray(_decode(path))


def read_rgb(path: Path) -> np.ndarray:
    """Read any image as colour: uint8 (H, W, 3), red first.

    Raises:
        DataError: naming the file, when it is missing or cannot be decoded.
    """
    return _rgb(_decode(path))


def read_image(path: Path, channels: int, at_least: int | None = None) -> np.ndarray:
    """Read any image quickly: uint8 (H, W, channels), 1 channel of grey or 3, red first.

    A JPEG is decoded straight to grey where grey is wanted, and to a half, a quarter or an eighth
    of its size where its shorter side stays at `at_least` pixels or more.

    Raises:
        DataError: naming the file, when it is missing or cannot be decoded.
    """
    image = _decode(path, lambda data: _quick_flags(data, channels, at_least))
    return _gray(image)[..., None] if channels == 1 else _rgb(image)


def _gray(image: np.ndarray) -> np.ndarray:
    if image.ndim == 3:
        image = _on_white(image)
    if image.ndim == 3:
        grey = image.shape[2] == 1
        image = image[..., 0] if grey else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return np.ascontiguousarray(image)


def _rgb(image: np.ndarray) -> np.ndarray:
    if image.ndim == 2:
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB))
    return np.asarray(cv2.cvtColor(_on_white(image), cv2.COLOR_BGR2RGB))


def _flags(data: np.ndarray) -> int:
    """How to decode a file: a JPEG turned as its camera was held, anything else as it is."""
    return cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH if _is_jpeg(data) else cv2.IMREAD_UNCHANGED


def _quick_flags(data: np.ndarray, channels: int, at_least: int | None) -> int:
    """How to decode a file to no more than is wanted of it."""
    if not _is_jpeg(data):
        return _flags(data)
    try:
        header = JpegImagePlugin.JpegImageFile(io.BytesIO(data))  # type: ignore[arg-type]
    except (SyntaxError, OSError, ValueError):
        return _flags(data)
    grey = channels == 1 or header.mode == "L"
    reductions = [r for r in _REDUCED if at_least and min(header.size) >= r * at_least]
    if reductions:
        return _REDUCED[max(reductions)][grey]
    return cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR


def _is_jpeg(data: np.ndarray) -> bool:
    return data[:2].tobytes() == b"\xff\xd8"


def _decode(path: Path, flags: Callable[[np.ndarray], int] = _flags) -> np.ndarray:
    """Decode a file: uint8, (H, W) or (H, W, C) in OpenCV's channel order."""
    try:
        data = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    except OSError as error:
        raise DataError(f"cannot read the image {path}: {error.strerror}") from None
    try:
        image = cv2.imdecode(data, flags(data)) if data.size else None
    except cv2.error:
        image = None
    if image is None:
        raise DataError(f"{path} is not a readable image ({data.size} bytes): replace or remove it")
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    if image.dtype.kind != "f" and image.dtype != np.uint8:
        raise DataError(f"{path} holds {image.dtype} values: save it with 8 or 16 bits")
    return np.asarray(image) if image.dtype == np.uint8 else _stretch(image)


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


def read_item(sample: Sample) -> Item:
    """The default reader: the colour image, and the target as an image or as a number."""
    item = {"image": read_rgb(sample.image)}
    if isinstance(sample.target, Path):
        item["target"] = read_rgb(sample.target)
    elif sample.target is not None:
        item["target"] = np.float32(sample.target).reshape(1)
    return item
