"""Read TIFF files that Pillow cannot: several channels, and colours with more than 8 bits.

libtiff, through Pillow, decompresses each plane as if its bytes were an 8-bit grey image; the
values, the channels and the predictor (differences of neighbours) are restored here. TIFF 6.0,
sections 8, 14 and 15; Adobe Photoshop TIFF Technical Note 3 for predictor 3.
"""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL.TiffImagePlugin import ImageFileDirectory_v2, TiffImageFile

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_STRIP_OFFSETS, _ORIENTATION, _SAMPLES, _ROWS, _STRIP_BYTES, _PLANAR = 273, 274, 277, 278, 279, 284
_PREDICTOR, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_BYTES = 317, 322, 323, 324, 325
_EXTRA, _FORMAT = 338, 339
_KINDS = {1: "u", 2: "i", 3: "f", 4: "u"}
_PLAIN_COLOURS = (0, 1, 2)
"""Photometric interpretations whose values need no conversion: grey and RGB."""
_LOSSLESS = (1, 5, 8, 32773, 32946, 50000)
"""No compression, LZW, deflate (two codes), PackBits, Zstandard."""


_PILLOW_GREY = {("u", 8), ("u", 16), ("i", 16), ("i", 32), ("f", 32)}
"""Types of one channel that Pillow reads without a change."""


@dataclass(frozen=True)
class TiffLayout:
    """How the first image of a file is stored. `extra` is the meaning of further channels: 0 is
    unspecified, 1 and 2 are opacity."""

    tags: Any
    width: int
    height: int
    samples: int
    bits: int
    kind: str
    photometric: int
    extra: tuple[int, ...]

    @property
    def is_deep(self) -> bool:
        """Whether a value has more than 8 bits, or a sign."""
        return self.bits > 8 or (self.kind == "i" and self.bits == 8)

    @property
    def has_opacity(self) -> bool:
        """Whether the last channel is opacity that the colours are not multiplied with."""
        rgba = self.photometric == 2 and self.samples == 4 and not self.extra
        return self.extra == (2,) or rgba

    @property
    def has_unknown_fourth(self) -> bool:
        """Whether the fourth channel of an RGB image has no meaning; Pillow ignores it."""
        return self.photometric == 2 and self.samples == 4 and self.extra == (0,)

    def needs_own_reader(self, bands: int | None) -> bool:
        """Whether Pillow would fail, drop channels, or drop the lower bits.

        `bands` is the number of channels that are needed if they are neither grey nor colours.
        """
        if self.photometric not in _PLAIN_COLOURS or self.bits % 8 or self.extra == (1,):
            return False
        if self.samples == 1:
            return (self.kind, self.bits) not in _PILLOW_GREY
        colours = 3 if self.photometric == 2 else 1
        if self.is_deep or self.samples > colours + 1:
            return True
        return self.samples > colours and (
            self.samples == bands or (colours == 1 and not self.has_opacity)
        )


def read_layout(stream: io.BufferedIOBase | io.BytesIO) -> TiffLayout:
    """The layout of the first image of a TIFF file; any exception means that it is damaged."""
    head = stream.read(8)
    if head[2:3] == b"+" or head[3:4] == b"+":
        head += stream.read(8)
    tags = ImageFileDirectory_v2(head)
    stream.seek(tags.next)
    tags.load(stream)  # type: ignore[arg-type]
    bits, samples = tags.get(_BITS, (1,)), int(tags.get(_SAMPLES, 1))
    formats = tags.get(_FORMAT, (1,))
    if len(set(bits)) > 1 or len(set(formats)) > 1:
        raise ValueError("channels of different types")
    return TiffLayout(
        tags=tags,
        width=int(tags[_WIDTH]),
        height=int(tags[_HEIGHT]),
        samples=samples,
        bits=int(bits[0]),
        kind=_KINDS.get(int(formats[0]), "u"),
        photometric=int(tags.get(_PHOTOMETRIC, 1)),
        extra=tuple(int(value) for value in tags.get(_EXTRA, ())),
    )


def orientation_of(layout: TiffLayout) -> int:
    """The orientation tag, 1 if it is missing."""
    return int(layout.tags.get(_ORIENTATION, 1))


def read_channels(data: bytes, layout: TiffLayout) -> np.ndarray:
    """The values of the first image: (H, W, C), in the type in which they are stored.

    Any exception means that the file is damaged, or uses an unknown compression.
    """
    tags = layout.tags
    if tags.get(_COMPRESSION, 1) not in _LOSSLESS:
        raise ValueError("unknown compression")
    offsets = _TILE_OFFSETS if _TILE_OFFSETS in tags else _STRIP_OFFSETS
    lengths = _TILE_BYTES if _TILE_OFFSETS in tags else _STRIP_BYTES
    separate = tags.get(_PLANAR, 1) == 2 and layout.samples > 1
    planes, samples = (layout.samples, 1) if separate else (1, layout.samples)
    count = len(tags[offsets]) // planes
    images = []
    for plane in range(planes):
        part = slice(plane * count, (plane + 1) * count)
        pieces = {offsets: tags[offsets][part], lengths: tags[lengths][part]}
        images.append(_values(_decompress(data, layout, samples, pieces), layout, samples))
    return np.concatenate(images, axis=-1)


def _tile_columns(layout: TiffLayout) -> int:
    """The columns of a tile; a strip is one tile of the whole width."""
    return int(layout.tags.get(_TILE_WIDTH, layout.width))


def _decompress(
    data: bytes, layout: TiffLayout, samples: int, pieces: Mapping[int, Sequence[int]]
) -> np.ndarray:
    """The decompressed bytes of one plane: uint8 (H, tiles, bytes of a row of a tile)."""
    tags, tile = layout.tags, _tile_columns(layout)
    tiles, row = math.ceil(layout.width / tile), tile * samples * layout.bits // 8
    grey = {_WIDTH: [tiles * row], _HEIGHT: [layout.height], _BITS: [8], _SAMPLES: [1]}
    grey |= {_COMPRESSION: [int(tags.get(_COMPRESSION, 1))], _PHOTOMETRIC: [1], _PLANAR: [1]}
    if _TILE_WIDTH in tags:
        grey |= {_TILE_WIDTH: [row], _TILE_HEIGHT: [int(tags[_TILE_HEIGHT])]}
    else:
        grey[_ROWS] = [min(int(tags.get(_ROWS, layout.height)), layout.height)]
    order = "<" if tags.prefix == b"II" else ">"
    position = len(data) + len(data) % 2
    header = struct.pack(f"{order}2sHI", tags.prefix, 42, position)
    stream = (
        header
        + data[8:].ljust(position - 8, b"\0")
        + _directory({**grey, **pieces}, position, order)
    )
    with TiffImageFile(io.BytesIO(stream)) as image:
        image.load()
        return np.array(image).reshape(layout.height, tiles, row)


def _directory(tags: Mapping[int, Sequence[int]], position: int, order: str) -> bytes:
    """A TIFF directory at a position of a file; every tag is a list of 32-bit integers."""
    entries, lists = struct.pack(f"{order}H", len(tags)), b""
    start = position + 6 + 12 * len(tags)
    for tag, values in sorted(tags.items()):
        packed = struct.pack(f"{order}{len(values)}I", *values)
        short = len(values) == 1
        value = packed if short else struct.pack(f"{order}I", start + len(lists))
        entries += struct.pack(f"{order}HHI", tag, 4, len(values)) + value
        lists += b"" if short else packed
    return entries + bytes(4) + lists


def _values(rows: np.ndarray, layout: TiffLayout, samples: int) -> np.ndarray:
    """Turn the bytes of a plane, as `_decompress` returns them, into values (H, W, samples), and
    undo the predictor, which works on each row of a tile."""
    size, predictor = layout.bits // 8, int(layout.tags.get(_PREDICTOR, 1))
    height, tiles, _ = rows.shape
    little = layout.tags.prefix == b"II" and predictor != 3
    if predictor == 3:
        parts = rows.reshape(height, tiles, -1, samples)
        parts = np.cumsum(parts, axis=2, dtype=np.uint8).reshape(height, tiles, size, -1)
        rows = np.ascontiguousarray(parts.transpose(0, 1, 3, 2))
    stored = np.dtype(f"{'<' if little else '>'}{layout.kind}{size}")
    flat = rows.reshape(-1).view(stored).astype(stored.newbyteorder("="))
    values = flat.reshape(height, tiles, -1, samples)
    if predictor == 2:
        whole = values.view(f"u{size}")
        values = np.cumsum(whole, axis=2, dtype=whole.dtype).view(values.dtype)
    return values.reshape(height, -1, samples)[:, : layout.width]
