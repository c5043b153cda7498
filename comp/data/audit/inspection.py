"""Inspect images one by one: can a run read them, and do they have unusual properties?"""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from comp.data.audit.findings import Finding, Severity, findings_of
from comp.data.audit.near_duplicates import Signature, compute_signature
from comp.data.cores import cores
from comp.data.images.decode import MAX_FILE_BYTES, MAX_PIXELS, read_gray, read_rgb
from comp.data.images.decode_many import OnImage
from comp.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = {
    ".jpg": ("JPEG", "MPO"),
    ".jpeg": ("JPEG", "MPO"),
    ".png": ("PNG",),
    ".bmp": ("BMP", "DIB"),
    ".tif": ("TIFF",),
    ".tiff": ("TIFF",),
    ".webp": ("WEBP",),
    ".gif": ("GIF",),
}
"""Suffix -> expected formats, in Pillow's names."""

MIN_SIDE = 8
"""An image with a shorter side, in pixels, has an extreme size."""
MAX_ASPECT = 20
"""An image with a larger ratio of its sides has an extreme size."""
TRUNCATION_WORDS = ("truncated", "unexpected end", "end of file", "not enough")
"""Words of Pillow's messages about files that end too early."""
ORIENTATION = 274
"""The EXIF tag of the camera's orientation; 1 is upright."""

KINDS: dict[str, tuple[Severity, str, str]] = {
    "unreadable": (
        "error",
        "files that cannot be read, or are not images",
        "correct the reason in brackets, or replace or remove the file",
    ),
    "truncated": (
        "error",
        "truncated images; most programs show their upper part without a warning",
        "fetch them again, or remove them",
    ),
    "damaged": ("error", "images with damaged content", "fetch them again, or remove them"),
    "refused": (
        "error",
        "images that a run does not read",
        "correct the reason in brackets, or remove them",
    ),
    "suffix": (
        "warning",
        "images with another format than their suffix; they are read by their content",
        "rename them: other programs may use the suffix",
    ),
    "16-bit": (
        "warning",
        "images with more than 8 bits per channel; only the upper 8 bits are used",
        "convert them to 8 bits first, if the lower bits contain the image",
    ),
    "cmyk": (
        "warning",
        "images in CMYK colours, which programs convert to RGB differently",
        "save them as RGB",
    ),
    "alpha": (
        "warning",
        "images with transparency; transparent areas become white",
        "look at one of them: transparent areas may hide something",
    ),
    "animated": (
        "warning",
        "files with several images; only the first is used",
        "save the right image as a single file",
    ),
    "rotation": (
        "warning",
        "images with an EXIF rotation; a run applies it, other programs may not",
        "rotate the pixels and remove the tag, above all if they have target images",
    ),
    "extreme-size": (
        "warning",
        f"images with a side below {MIN_SIDE} pixels, or a ratio of sides above {MAX_ASPECT}",
        "look at them: they are probably mistakes",
    ),
    "blank": (
        "warning",
        "images of a single colour",
        "look at them: they show nothing",
    ),
    "palette": ("note", "images with a palette; they are read as colour", ""),
    "1-bit": ("note", "images with only black and white; they are read as grey", ""),
}
"""Finding kind -> severity, words and advice."""


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """The result of inspecting one image.

    `kinds` are keys of `KINDS`. An image that cannot be read has exactly one kind, and `reason`
    says why; else `reason` is "". `mode` is Pillow's, `size` is (height, width) in pixels, upright,
    None if the image was not decoded. `digest` is that of the pixels, or of the bytes if the image
    was not decoded. `signature` is None if it cannot be computed.
    """

    path: Path
    digest: str = ""
    kinds: tuple[str, ...] = ()
    reason: str = ""
    mode: str = ""
    size: tuple[int, int] | None = None
    signature: Signature | None = None


def inspect_images(
    paths: Sequence[Path], on_image: OnImage | None = None, *, decode: bool = True
) -> list[Inspection]:
    """Inspect files with one thread per core, at most 8; the results are in the order of `paths`.

    Without `decode`, only the bytes are hashed. Empty and missing files have no digest and no
    kinds: other checks report them.
    """
    from PIL import Image

    threads = min(8, cores())
    inspections: list[Inspection] = []
    with warnings.catch_warnings(), ThreadPoolExecutor(threads) as pool:
        warnings.simplefilter("ignore")  # Pillow warns about damaged EXIF data
        pillow_limit = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None  # MAX_PIXELS is checked instead
        try:
            for start in range(0, len(paths), 16 * threads):
                for inspection in pool.map(
                    inspect_image if decode else _hash_file, paths[start : start + 16 * threads]
                ):
                    inspections.append(inspection)
                    if on_image:
                        on_image(len(inspections), len(paths))
        finally:
            Image.MAX_IMAGE_PIXELS = pillow_limit
    return inspections


def inspect_image(path: Path) -> Inspection:
    """Decode one file completely, as a run does, and inspect it."""
    from PIL import Image

    inspection, data = _read(path)
    if not data:
        return inspection
    try:
        with Image.open(io.BytesIO(data)) as image:
            kinds = _header_kinds(path, image, data)
            inspection = replace(inspection, kinds=kinds, mode=image.mode)
    except Exception:  # Pillow raises exceptions of many types for damaged headers
        return replace(inspection, kinds=("unreadable",), reason=f"{len(data):,} bytes")
    try:
        grey = inspection.mode in ("1", "L") and "alpha" not in inspection.kinds
        pixels = read_gray(path) if grey else _drop_equal_channels(read_rgb(path))
    except DataError as error:
        kind, reason = _kind_of_damage(data, str(error))
        return replace(inspection, kinds=(kind,), reason=reason)
    content = hashlib.sha256(f"{pixels.shape}".encode())
    content.update(np.ascontiguousarray(pixels).data)
    return replace(
        inspection,
        digest=content.hexdigest(),
        kinds=inspection.kinds + ("blank",) * bool(pixels.min() == pixels.max()),
        size=pixels.shape[:2],
        signature=compute_signature(pixels),
    )


def _hash_file(path: Path) -> Inspection:
    return _read(path)[0]


def _read(path: Path) -> tuple[Inspection, bytes]:
    """An inspection with the digest of the bytes, and the bytes; or one with the reason why they
    cannot be read, and no bytes."""
    inspection = Inspection(path=path)
    try:
        if not path.is_file():
            return inspection, b""
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            reason = f"{size:,} bytes, more than {MAX_FILE_BYTES:,}"
            return replace(inspection, kinds=("refused",), reason=reason), b""
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        return replace(inspection, kinds=("unreadable",), reason=reason), b""
    return replace(inspection, digest=hashlib.sha256(data).hexdigest() if data else ""), data


def _drop_equal_channels(pixels: np.ndarray) -> np.ndarray:
    """Convert uint8 (H, W, 3) with three equal channels to (H, W)."""
    red, green, blue = (pixels[..., i] for i in range(3))
    grey = np.array_equal(red, green) and np.array_equal(green, blue)
    return np.ascontiguousarray(red) if grey else pixels


def _kind_of_damage(data: bytes, message: str) -> tuple[str, str]:
    """The kind and the reason of a file that a run does not read; `message` is the run's."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        jpeg = image.format == "JPEG"
        if image.width * image.height > MAX_PIXELS:
            return "refused", message
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.verify()
        with Image.open(io.BytesIO(data)) as image:
            image.load()
    except Exception as error:  # as above
        reason = " ".join(str(error).split()) or type(error).__name__
        truncated = any(words in reason.lower() for words in TRUNCATION_WORDS)
        return "truncated" if truncated else "damaged", reason
    return ("truncated", "the end is missing") if jpeg else ("refused", message)


def _header_kinds(path: Path, image: Image, data: bytes) -> tuple[str, ...]:
    """The kinds that the header of an image shows."""
    short, long = sorted(image.size)
    formats = FORMATS.get(path.suffix.lower())
    kinds = {
        "suffix": formats is not None and image.format not in formats,
        "palette": image.mode in ("P", "PA"),
        "1-bit": image.mode == "1",
        "16-bit": _has_more_than_8_bits(image, data),
        "cmyk": image.mode == "CMYK",
        "alpha": image.has_transparency_data,
        "animated": _frame_count(image) > 1,
        "rotation": _is_rotated(image),
        "extreme-size": short < MIN_SIDE or long > MAX_ASPECT * short,
    }
    return tuple(kind for kind, present in kinds.items() if present)


def _has_more_than_8_bits(image: Image, data: bytes) -> bool:
    """Whether an image has more than 8 bits per channel; Pillow opens a 16-bit RGB PNG as 8-bit."""
    png16 = image.format == "PNG" and data[24:25] == b"\x10"
    return png16 or image.mode.startswith(("I", "F"))


def _frame_count(image: Image) -> int:
    """The number of images in a file; a JPEG with a preview (MPO) counts as one."""
    try:
        return 1 if image.format == "MPO" else int(getattr(image, "n_frames", 1))
    except Exception:  # a damaged file, which decoding reports
        return 1


def _is_rotated(image: Image) -> bool:
    try:
        return image.getexif().get(ORIENTATION, 1) not in (0, 1)
    except Exception:  # damaged metadata have no effect
        return False


def image_findings(
    inspections: Sequence[Inspection], display_name: Callable[[Path], str]
) -> list[Finding]:
    """The findings of all inspections; `display_name` returns the name of a path in findings."""
    findings = []
    for kind, (severity, words, advice) in KINDS.items():
        cases = [inspection for inspection in inspections if kind in inspection.kinds]
        names = (display_name(i.path) + (f" ({i.reason})" if i.reason else "") for i in cases)
        findings += findings_of(kind, severity, names, words, advice)
    return findings
