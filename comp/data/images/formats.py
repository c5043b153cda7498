"""What kind of file an image is, by its first bytes; suffixes can be wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from comp.errors import DataError

Format = Literal["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "NPY", "DICOM"]

MAX_PIXELS = 2**27
"""An image with more pixels (11,585 x 11,585) is refused before it is decoded."""
MAX_FILE_BYTES = 2**30
"""A larger file is refused before it is read."""
READ_ERROR = "cannot read the image"
"""Message prefix for read errors that may be temporary."""

HEAD_BYTES = 132
"""The bytes that show the format; DICOM has its mark behind 128 bytes of any content."""
_MAGIC: dict[bytes, Format] = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"RIFF": "WEBP",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"\x93NUMPY": "NPY",
}
_DICOM_SUFFIXES = frozenset({".dcm", ".dicom"})
_PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif"})
_PICTURES = frozenset({"PNG", "JPEG", "WEBP", "BMP", "GIF"})


def format_of(path: Path, head: bytes) -> Format | None:
    """The format of a file that starts with `head` (`HEAD_BYTES` bytes); None if it is unknown.

    A file without a mark can still be DICOM: its suffix decides.
    """
    if head[128:132] == b"DICM":
        return "DICOM"
    found = next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)
    return "DICOM" if found is None and path.suffix.lower() in _DICOM_SUFFIXES else found


def is_picture(path: Path) -> bool:
    """Whether a file claims to be a picture that every program reads: PNG, JPEG, WebP, BMP, GIF.

    A competition with its own reader may have any files, such as sounds and arrays. Only those
    that are pictures by suffix or by content can be checked without its reader. The bytes "RIFF"
    and "BM" also start sounds and texts, so they need more evidence.

    Raises:
        DataError: the file cannot be read.
    """
    if path.suffix.lower() in _PICTURE_SUFFIXES:
        return True
    head = read_head(path)
    found = format_of(path, head)
    if found == "WEBP":
        return head[8:12] == b"WEBP"
    if found == "BMP":
        return head[6:10] == bytes(4) and int.from_bytes(head[14:18], "little") in (
            12,
            40,
            108,
            124,
        )
    return found in _PICTURES


def read_head(path: Path) -> bytes:
    """The first `HEAD_BYTES` bytes of a file.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return stream.read(HEAD_BYTES)
    except OSError as error:
        raise DataError(f"{READ_ERROR} {path}: {error.strerror}") from None


def read_bytes(path: Path) -> bytes:
    """All bytes of a file.

    Raises:
        DataError: the file is too large, or cannot be read.
    """
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise DataError(
                f"{path} has {size:,} bytes, more than {MAX_FILE_BYTES:,}: make it smaller"
            )
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{READ_ERROR} {path}: {error.strerror}") from None


def check_pixel_count(path: Path, width: int, height: int) -> None:
    """Check that an image is small enough to be decoded.

    Raises:
        DataError: it has more than `MAX_PIXELS` pixels.
    """
    if width * height > MAX_PIXELS:
        raise DataError(
            f"{path} has {width} x {height} pixels, more than {MAX_PIXELS:,}: make it smaller or "
            "remove it"
        )


def unreadable(path: Path, data: bytes) -> DataError:
    """The error of a file that cannot be decoded."""
    return DataError(f"{path} is not a readable image ({len(data)} bytes): replace or remove it")
