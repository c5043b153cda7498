"""Whether an image file has all of its pixels, where Pillow would fill up what is missing.

A PNG has a sum in every chunk and in its stream of pixels, and the stream has a known length. A
JPEG has no sums; it has a mark at its end, which a file lacks that was cut or never written whole.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Values of a pixel, by the colour type of a PNG."""
_PASSES = (
    (0, 8, 0, 8),
    (0, 8, 4, 8),
    (4, 8, 0, 4),
    (0, 4, 2, 4),
    (2, 4, 0, 2),
    (0, 2, 1, 2),
    (1, 2, 0, 1),
)
"""First row and step, first column and step, of the passes of an interlaced PNG."""
_PIECE = 1 << 20
_SCAN, _END = 0xDA, b"\xff\xd9"


def is_whole(format: str | None, data: bytes) -> bool:
    """Whether a file of a format, as Pillow calls it, has its end, and the sums in it are right.

    True for formats other than PNG and JPEG, of which Pillow finds out.
    """
    check = {"PNG": _png_is_whole, "JPEG": _jpeg_is_whole}.get(format or "")
    try:
        return check is None or check(data)
    except (ValueError, LookupError, struct.error, zlib.error):
        return False


def _jpeg_is_whole(data: bytes) -> bool:
    at = 2
    while data[at] == 0xFF and data[at + 1] != _SCAN:  # thumbnails have ends too
        filler = data[at + 1] == 0xFF
        at += 1 if filler else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return data.find(_END, at) > 0


def _png_is_whole(data: bytes) -> bool:
    """Whether the stream of pixels is as long as the header says, and ends with a right sum."""
    wanted, found = _png_bytes(data), 0
    stream = zlib.decompressobj()
    for rest in _png_pixels(data):
        full = True
        while full and not stream.eof:
            piece = stream.decompress(rest, _PIECE)
            found, rest = found + len(piece), stream.unconsumed_tail
            full = bool(rest) or len(piece) == _PIECE
            if found > 2 * wanted:
                return False
    return stream.eof and found >= wanted


def _png_pixels(data: bytes) -> Iterator[bytes]:
    """The bodies of the chunks with pixels; every chunk up to the last is checked."""
    at, kind = 8, b""
    while kind != b"IEND":
        size, kind = struct.unpack_from(">I4s", data, at)
        (total,) = struct.unpack_from(">I", data, at + 8 + size)
        body = data[at + 8 : at + 8 + size]
        if zlib.crc32(kind + body) != total:
            raise ValueError(f"the sum of the chunk {kind!r} is wrong")
        if kind == b"IDAT":
            yield body
        at += 12 + size


def _png_bytes(data: bytes) -> int:
    """How many bytes of rows the header asks for, each row with the byte that names its filter."""
    width, height, depth, colour, interlaced = struct.unpack_from(">IIBB2xB", data, 16)
    total = 0
    for top, down, left, right in _PASSES if interlaced else ((0, 1, 0, 1),):
        rows, columns = -(-(height - top) // down), -(-(width - left) // right)
        if rows > 0 and columns > 0:
            total += rows * (1 + -(-columns * depth * _SAMPLES[colour] // 8))
    return total
