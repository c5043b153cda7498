"""Check that an image file contains all of its pixels; Pillow may fill in missing pixels silently.

A PNG has a checksum in every chunk and in its pixel stream, and the stream has a known length. A
JPEG has no checksums, but a marker at its end, which is missing in a truncated file.

The length of the stream is found once for each PNG: a process, and the workers that it forks, know
by the checksums of its chunks that it is the same one, and do not inflate it a second time.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable

_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Colour type of a PNG -> values per pixel."""
_PASSES = (
    (0, 8, 0, 8),
    (0, 8, 4, 8),
    (4, 8, 0, 4),
    (0, 4, 2, 4),
    (2, 4, 0, 2),
    (0, 2, 1, 2),
    (1, 2, 0, 1),
)
"""First row and step, first column and step of the passes of an interlaced PNG."""
_CHUNK = 1 << 20
_MOST_KNOWN = 1 << 18
_whole: set[int] = set()
"""Hashes of the headers and checksums of PNGs whose pixel stream has its whole length."""
_SCAN, _END = 0xDA, b"\xff\xd9"


def is_complete(format: str | None, data: bytes) -> bool:
    """Whether a file has its end, and its checksums are correct; `format` is Pillow's name.

    True for formats other than PNG and JPEG, which Pillow checks.
    """
    check = {"PNG": _png_is_complete, "JPEG": _jpeg_is_complete}.get(format or "")
    try:
        return check is None or check(data)
    except (ValueError, LookupError, struct.error, zlib.error):
        return False


def _jpeg_is_complete(data: bytes) -> bool:
    position = 2
    while data[position] == 0xFF and data[position + 1] != _SCAN:  # skip thumbnails, with own ends
        filler = data[position + 1] == 0xFF
        position += 1 if filler else 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return data.find(_END, position) > 0


def _png_is_complete(data: bytes) -> bool:
    """Whether the pixel stream has the length of the header, and a correct checksum at its end."""
    bodies, checksums = _png_pixels(data)
    known = hash((data[8:33], len(data), *checksums))
    if known in _whole:
        return True
    complete = _stream_is_complete(bodies, _png_bytes(data))
    if complete and len(_whole) < _MOST_KNOWN:
        _whole.add(known)
    return complete


def _stream_is_complete(bodies: Iterable[memoryview], expected: int) -> bool:
    length, stream = 0, zlib.decompressobj()
    for body in bodies:
        rest: bytes | memoryview = body
        more = True
        while more and not stream.eof:
            chunk = stream.decompress(rest, _CHUNK)
            length, rest = length + len(chunk), stream.unconsumed_tail
            more = bool(rest) or len(chunk) == _CHUNK
            if length > 2 * expected:
                return False
    return stream.eof and length >= expected


def _png_pixels(data: bytes) -> tuple[list[memoryview], list[int]]:
    """The bodies and the checksums of the pixel chunks; checks every chunk to the last."""
    position, kind, view = 8, b"", memoryview(data)
    bodies, checksums = [], []
    while kind != b"IEND":
        size, kind = struct.unpack_from(">I4s", data, position)
        (checksum,) = struct.unpack_from(">I", data, position + 8 + size)
        body = view[position + 8 : position + 8 + size]
        if zlib.crc32(body, zlib.crc32(kind)) != checksum:
            raise ValueError(f"wrong checksum of the chunk {kind!r}")
        if kind == b"IDAT":
            bodies.append(body)
            checksums.append(checksum)
        position += 12 + size
    return bodies, checksums


def _png_bytes(data: bytes) -> int:
    """The bytes of all rows by the header, with one filter byte per row."""
    width, height, depth, colour, interlaced = struct.unpack_from(">IIBB2xB", data, 16)
    total = 0
    for top, down, left, right in _PASSES if interlaced else ((0, 1, 0, 1),):
        rows, columns = -(-(height - top) // down), -(-(width - left) // right)
        if rows > 0 and columns > 0:
            total += rows * (1 + -(-columns * depth * _SAMPLES[colour] // 8))
    return total
