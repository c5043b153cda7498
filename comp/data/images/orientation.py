"""The orientation of an image file, which turns it when it is read.

An image and its mask must be turned alike. Some programs draw a mask on the image as it is stored,
others on the image as it is shown, and the mask does not say which.
"""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from comp.data.images.formats import HEAD_BYTES, format_of, read_bytes
from comp.data.images.raw import open_picture
from comp.data.images.tiff import orientation_of, read_layout

UPRIGHT = 1
_ORIENTATION = 0x0112
_QUARTER_TURNS = (5, 6, 7, 8)
_MARKS = (b"Exif", b"eXIf", b"exif", b"tiff:Orientation")
"""Bytes of every file with an orientation; a TIFF file has it in its header."""


def read_orientation(path: Path) -> int:
    """The EXIF orientation of an image file, 1 to 8; 1 (upright) if it has none or cannot be
    read."""
    try:
        with path.open("rb") as stream:
            kind = format_of(path, stream.read(HEAD_BYTES))
        if kind in (None, "NPY", "DICOM"):
            return UPRIGHT
        data = read_bytes(path)
        if kind == "TIFF":
            return orientation_of(read_layout(io.BytesIO(data)))
        if not any(mark in data for mark in _MARKS):
            return UPRIGHT
        image: Image.Image = open_picture(path, data, kind)
        found = int(image.getexif().get(_ORIENTATION, UPRIGHT))
    except Exception:  # damaged files and metadata; the readers report files
        return UPRIGHT
    return found if found in range(1, 9) else UPRIGHT


def turning_problem(image: Path, target: Path, size: tuple[int, int]) -> str:
    """Why it is not known how the target of an image is turned, "" if it is.

    Both are turned by their own orientation. If the orientations differ by a quarter turn, the
    equal sizes of an image that is not square show that the target was drawn on the turned image.

    Args:
        size: (height, width) of both, after they were turned.
    """
    first, second = read_orientation(image), read_orientation(target)
    quarter = (first in _QUARTER_TURNS) != (second in _QUARTER_TURNS)
    if first == second or (quarter and size[0] != size[1] and _is_picture(target)):
        return ""
    return (
        f"has the EXIF orientation {second}, but its image {first}, so that one is turned and the "
        "other is not: save both as they are shown, without orientation"
    )


def _is_picture(path: Path) -> bool:
    """Whether a target has a size of its own; a table of run lengths does not."""
    with path.open("rb") as stream:
        return format_of(path, stream.read(HEAD_BYTES)) is not None
