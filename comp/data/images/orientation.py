"""The orientation of an image file, which turns it when it is read.

An image and its mask must be turned alike. Some programs draw a mask on the image as it is stored,
others on the image as it is shown, and the mask does not say which.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from comp.data.cores import cores
from comp.data.images.formats import HEAD_BYTES, format_of, read_bytes
from comp.data.images.raw import open_picture
from comp.data.images.tiff import orientation_of, read_layout
from comp.signals import stop_if_requested

UPRIGHT = 1
_ORIENTATION = 0x0112
_QUARTER_TURNS = (5, 6, 7, 8)
_WITH_SIZE = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
_MARKS = (b"Exif", b"eXIf", b"EXIF", b"exif", b"tiff:Orientation")
"""Bytes of every file with an orientation; a TIFF file has it in its header."""


def read_orientation(path: Path) -> int:
    """The EXIF orientation of an image file, 1 to 8; 1 (upright) if it has none or cannot be
    read. Of a file without one, only the parts beside the pixels are read."""
    try:
        with path.open("rb") as stream:
            kind = format_of(path, stream.read(HEAD_BYTES))
            if kind in (None, "NPY", "DICOM"):
                return UPRIGHT
            stream.seek(0)
            if kind == "TIFF":
                return orientation_of(read_layout(stream))
            data = b"".join(_metadata(stream, kind))
        if not any(mark in data for mark in _MARKS):
            return UPRIGHT
        image: Image.Image = open_picture(path, read_bytes(path), kind)
        found = int(image.getexif().get(_ORIENTATION, UPRIGHT))
    except Exception:  # damaged files and metadata; the readers report files
        return UPRIGHT
    return found if found in range(1, 9) else UPRIGHT


def upright_size(path: Path) -> tuple[int, int] | None:
    """(height, width) of the image in a JPEG, PNG, WebP, GIF or BMP file as it is shown, from its
    header; None if it is another file or cannot be read."""
    try:
        with path.open("rb") as stream:
            kind = format_of(path, stream.read(HEAD_BYTES))
        if kind not in _WITH_SIZE:
            return None
        with Image.open(path, formats=[kind]) as image:
            width, height = image.size
    except Exception:  # the readers report files
        return None
    return (width, height) if read_orientation(path) in _QUARTER_TURNS else (height, width)


def turned_images(paths: Iterable[Path]) -> list[Path]:
    """The images that have another orientation than upright, in order."""
    turned: list[Path] = []
    paths = list(paths)
    with ThreadPoolExecutor(cores()) as pool:
        for path, found in zip(paths, pool.map(read_orientation, paths), strict=True):
            stop_if_requested()
            if found != UPRIGHT:
                turned.append(path)
    return turned


def _metadata(stream: BinaryIO, kind: str) -> Iterator[bytes]:
    """The parts of a picture that can have its orientation: of JPEG, PNG and WebP those beside the
    pixels, else the whole file."""
    if kind == "JPEG":
        stream.seek(2)
        while (head := stream.read(4))[:1] == b"\xff" and head[1] not in (0xDA, 0xFF):
            yield head + stream.read(max(0, int.from_bytes(head[2:], "big") - 2))
        if head[1:2] != b"\xda":  # not a plain list of segments
            stream.seek(0)
            yield stream.read()
    elif kind == "PNG":
        stream.seek(8)
        while len(head := stream.read(8)) == 8:
            length = int.from_bytes(head[:4], "big") + 4
            yield from _part(stream, head, length, pixels=head[4:] in (b"IDAT", b"fdAT"))
    elif kind == "WEBP":
        stream.seek(12)
        while len(head := stream.read(8)) == 8:
            length = int.from_bytes(head[4:], "little")
            pixels = head[:4] in (b"VP8 ", b"VP8L", b"ALPH", b"ANMF")
            yield from _part(stream, head, length + length % 2, pixels)
    else:
        yield stream.read()


def _part(stream: BinaryIO, head: bytes, length: int, pixels: bool) -> Iterator[bytes]:
    """The head of a part of a file and its content, which is skipped if it is pixels."""
    yield head
    if pixels:
        stream.seek(length, io.SEEK_CUR)
    else:
        yield stream.read(length)


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
