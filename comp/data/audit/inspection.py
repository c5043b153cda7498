"""Inspect images one by one: can a run read them, and do they have unusual properties?"""

from __future__ import annotations

import hashlib
import io
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from comp.data.audit.findings import Finding, findings_of
from comp.data.audit.image_kinds import FORMATS, KINDS, MAX_ASPECT, MIN_SIDE
from comp.data.audit.near_duplicates import Signature, compute_signature
from comp.data.cores import cores
from comp.data.drift.appearance import Appearance, appearance
from comp.data.images.decode import displayable
from comp.data.images.decode_many import OnImage
from comp.data.images.formats import (
    MAX_FILE_BYTES,
    MAX_PIXELS,
    format_of,
    is_picture,
)
from comp.data.images.raw import RawImage, read_raw
from comp.data.images.tiff import read_layout
from comp.data.images.values import ValueRange, kind_of, own_range
from comp.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

TRUNCATION_WORDS = ("truncated", "unexpected end", "end of file", "not enough")
"""Words of Pillow's messages about files that end too early."""
ORIENTATION = 274
"""The EXIF tag of the camera's orientation; 1 is upright."""


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """The result of inspecting one image.

    `kinds` are keys of `KINDS`. An image that cannot be read has exactly one kind, and `reason`
    says why; else `reason` is "". `mode` is Pillow's, or the name of another format. `size` is
    (height, width) in pixels, upright, None if the image was not decoded. `digest` is that of the
    pixels, or of the bytes if the image was not decoded. `signature` is None if it cannot be
    computed, and `appearance` if the image was not decoded.
    """

    path: Path
    digest: str = ""
    kinds: tuple[str, ...] = ()
    reason: str = ""
    mode: str = ""
    size: tuple[int, int] | None = None
    signature: Signature | None = None
    appearance: Appearance | None = None


def inspect_images(
    paths: Sequence[Path],
    on_image: OnImage | None = None,
    *,
    own_reader: bool = False,
    value_range: ValueRange | None = None,
) -> list[Inspection]:
    """Inspect files with one thread per core, at most 8; the results are in the order of `paths`.

    Empty and missing files have no digest and no kinds: other checks report them.

    Args:
        own_reader: the competition has its own reader: files can have any format.
        value_range: the range of images with more than 8 bits.
    """
    from PIL import Image

    inspect = partial(inspect_image, own_reader=own_reader, value_range=value_range)
    threads = min(8, cores())
    inspections: list[Inspection] = []
    with warnings.catch_warnings(), ThreadPoolExecutor(threads) as pool:
        warnings.simplefilter("ignore")  # Pillow warns about damaged EXIF data
        pillow_limit = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None  # MAX_PIXELS is checked instead
        try:
            for start in range(0, len(paths), 16 * threads):
                for inspection in pool.map(inspect, paths[start : start + 16 * threads]):
                    inspections.append(inspection)
                    if on_image:
                        on_image(len(inspections), len(paths))
        finally:
            Image.MAX_IMAGE_PIXELS = pillow_limit
    return inspections


def inspect_image(
    path: Path, own_reader: bool = False, value_range: ValueRange | None = None
) -> Inspection:
    """Decode one file completely, as a run does, and inspect it."""
    inspection, data = _read(path)
    if not data:
        return inspection
    known = is_picture(path) or not own_reader
    if not known and format_of(path, data[:132]) is None:
        return replace(inspection, kinds=("other-format",))
    inspection = _inspect(inspection, data, value_range)
    if not known and inspection.reason:  # only the reader knows whether it is valid
        return Inspection(path=path, digest=inspection.digest, kinds=("other-format",))
    return inspection


def without_tables(
    inspections: Sequence[Inspection], images: Sequence[Path | None]
) -> list[Inspection]:
    """The inspections, without the digest of files that are no pictures and have the images of
    several samples, such as a table of pixels: they say nothing of a single image."""
    counts = Counter(images)
    return [
        replace(i, digest="") if i.digest and counts[i.path] > 1 and not is_picture(i.path) else i
        for i in inspections
    ]


def _inspect(inspection: Inspection, data: bytes, value_range: ValueRange | None) -> Inspection:
    """Add what the header and the pixels show."""
    path = inspection.path
    try:
        kinds, mode = _header(path, data)
    except Exception:  # Pillow raises exceptions of many types for damaged headers
        return replace(inspection, kinds=("unreadable",), reason=f"{len(data):,} bytes")
    inspection = replace(inspection, kinds=kinds, mode=mode)
    try:
        raw = read_raw(path)
        pixels = _displayed(raw, value_range, path)
    except DataError as error:
        kind, reason = _kind_of_damage(path, data, str(error))
        return replace(inspection, kinds=(kind,), reason=reason)
    if kind_of(raw.values) and "16-bit" not in kinds:
        kinds = (*kinds, "16-bit")
    content = hashlib.sha256(f"{pixels.shape}".encode())
    content.update(np.ascontiguousarray(pixels).data)
    return replace(
        inspection,
        digest=content.hexdigest(),
        kinds=kinds + ("blank",) * bool(pixels.min() == pixels.max()),
        size=pixels.shape[:2],
        signature=compute_signature(pixels),
        appearance=appearance(pixels, path),
    )


def _displayed(raw: RawImage, value_range: ValueRange | None, path: Path) -> np.ndarray:
    """The pixels as grey (H, W) or as colour (H, W, 3). Values of a type without a known range,
    such as those of masks, have their own range."""
    kind = kind_of(raw.values)
    if kind and not (value_range and kind in value_range.bounds):
        value_range = own_range(raw.values)
    pixels = displayable(raw, value_range, path)
    return pixels if pixels.ndim == 2 else _drop_equal_channels(pixels)


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


def _kind_of_damage(path: Path, data: bytes, message: str) -> tuple[str, str]:
    """The kind and the reason of a file that a run does not read; `message` is the run's."""
    from PIL import Image

    if not _opens(path, data):
        return "damaged" if "not a readable image" in message else "refused", message
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


def _opens(path: Path, data: bytes) -> bool:
    """Whether Pillow opens a file, and knows its format."""
    from PIL import Image

    try:
        Image.open(io.BytesIO(data)).close()
    except Exception:  # as above
        return False
    return format_of(path, data[:132]) not in ("NPY", "DICOM")


def _header(path: Path, data: bytes) -> tuple[tuple[str, ...], str]:
    """The kinds that the header of a file shows, and its mode."""
    from PIL import Image

    name = format_of(path, data[:132])
    if name in ("NPY", "DICOM"):
        formats = FORMATS.get(path.suffix.lower())
        return ("suffix",) * bool(formats and name not in formats), name
    layout = None
    with suppress(Exception):  # a damaged header, which Pillow reports
        layout = read_layout(io.BytesIO(data)) if name == "TIFF" else None
    if layout and layout.needs_own_reader(None):
        return (), f"TIFF of {layout.samples} x {layout.bits} bits"
    with Image.open(io.BytesIO(data)) as image:
        return _header_kinds(path, image, data), image.mode


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


def range_findings(value_range: ValueRange | None) -> list[Finding]:
    """The range of values of images with more than 8 bits."""
    words = value_range.sentence if value_range else ""
    return findings_of("value-range", "note", [words] if words else [], "range of the values")
