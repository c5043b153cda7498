"""Odd and damaged image files, each made from a drawn picture whose pixels are known."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

HEIGHT, WIDTH = 24, 34
LOSSY = 10
"""Largest difference of a soft picture, in levels of 255, after a lossy format of high quality."""


@dataclass(frozen=True)
class Specimen:
    """A file; `shows` is what it holds, uint8 RGB (H, W, 3), None for what must be refused."""

    name: str
    data: bytes
    shows: np.ndarray | None = None
    within: int = 0


def picture(height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """Soft colours, different in each corner: uint8 (height, width, 3)."""
    rows, columns = np.mgrid[0:height, 0:width]
    down, right = rows / max(1, height - 1), columns / max(1, width - 1)
    colours = np.dstack([40 + 180 * right, 30 + 190 * down, 200 - 90 * right - 60 * down])
    return colours.round().astype(np.uint8)


def grey(height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """The red of `picture`: uint8 (height, width)."""
    return np.ascontiguousarray(picture(height, width)[..., 0])


def rgb(array: np.ndarray) -> np.ndarray:
    """Grey (H, W) as RGB."""
    return np.dstack([array] * 3) if array.ndim == 2 else array


def encoded(array: np.ndarray, format: str, **how: object) -> bytes:
    """Encode pixels with Pillow."""
    return saved(Image.fromarray(array), format, **how)


def saved(image: Image.Image, format: str, **how: object) -> bytes:
    """Encode an image with Pillow."""
    stream = io.BytesIO()
    image.save(stream, format, **how)
    return stream.getvalue()


def plain() -> dict[str, Specimen]:
    """The picture once in each format, by the name of the format."""
    shown = picture()
    made = {
        "png": (encoded(shown, "PNG"), 0),
        "jpg": (encoded(shown, "JPEG", quality=95, subsampling=0), LOSSY),
        "webp": (encoded(shown, "WEBP", lossless=True), 0),
        "lossy.webp": (encoded(shown, "WEBP", quality=95), 2 * LOSSY),
        "bmp": (encoded(shown, "BMP"), 0),
        "tif": (encoded(shown, "TIFF"), 0),
        "lzw.tif": (encoded(shown, "TIFF", compression="tiff_lzw"), 0),
        "progressive.jpg": (
            encoded(shown, "JPEG", quality=95, subsampling=0, progressive=True),
            LOSSY,
        ),
        "interlaced.png": (interlaced(shown), 0),
    }
    return {
        name: Specimen(f"plain.{name}", data, shown, within)
        for name, (data, within) in made.items()
    }


def odd() -> Iterator[Specimen]:
    """Files that are unusual and sound: each must be read, and right."""
    yield from plain().values()
    yield from _wrong_suffixes()
    yield from _extreme_sizes()
    yield from _deep()
    yield from _palettes()
    yield from _transparent()
    yield from _print_colours()
    yield from _black_and_white()
    yield from _animated()
    yield from _turned()
    base = plain()["jpg"]
    filled = base.data[:2] + b"\xff\xff" + base.data[2:]  # which may stand before every mark
    yield Specimen("filled.jpg", filled, base.shows, base.within)
    for name in ("png", "jpg", "bmp"):  # what cameras and messengers append
        base = plain()[name]
        yield Specimen(f"trailer.{name}", base.data + b"SEFT" * 9, base.shows, base.within)


def _wrong_suffixes() -> Iterator[Specimen]:
    bases = plain()
    kinds = ("png", "jpg", "webp", "bmp", "tif")
    for kind in kinds:
        for suffix in kinds:
            if suffix != kind:
                base = bases[kind]
                yield Specimen(f"{kind}-named.{suffix}", base.data, base.shows, base.within)


def _extreme_sizes() -> Iterator[Specimen]:
    formats = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp", "BMP": "bmp", "TIFF": "tif"}
    for format, suffix in formats.items():
        longest = 16_000 if format == "WEBP" else 20_000
        how = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True}}
        for height, width in ((1, 1), (1, longest), (longest, 1)):
            shown = picture(height, width)
            data = encoded(shown, format, **how.get(format, {}))
            within = LOSSY if format == "JPEG" else 0
            yield Specimen(f"{width}x{height}.{suffix}", data, shown, within)


def _deep() -> Iterator[Specimen]:
    deep = (grey().astype(np.uint16) << 8) | 0x80
    upper = rgb(grey())
    yield Specimen("grey16.png", encoded(deep, "PNG"), upper)
    yield Specimen("grey16.tif", encoded(deep, "TIFF"), upper)
    yield Specimen("int32.tif", encoded(grey().astype(np.int32), "TIFF"), upper)
    yield Specimen("grey16-lzw.tif", encoded(deep, "TIFF", compression="tiff_lzw"), upper)
    colours = (picture().astype(np.uint16) << 8) | 0x80
    for suffix in (".png", ".tif"):
        data = cv2.imencode(suffix, colours[..., ::-1])[1].tobytes()
        yield Specimen(f"colour16{suffix}", data, picture())
    yield Specimen("negative.tif", encoded(grey(), "TIFF", tiffinfo={262: 0}), upper)
    negative = encoded(0xFFFF - deep, "TIFF", tiffinfo={262: 0})
    yield Specimen("negative16.tif", negative, upper)
    unit = encoded(grey().astype(np.float32) / 255, "TIFF")
    yield Specimen("float.tif", unit, upper)


def _palettes() -> Iterator[Specimen]:
    few = Image.fromarray(picture()).quantize(16)
    shown = np.array(few.convert("RGB"))
    for format, suffix in (("PNG", "png"), ("BMP", "bmp"), ("TIFF", "tif")):
        yield Specimen(f"palette.{suffix}", saved(few, format), shown)
    yield Specimen("gif-named.png", saved(few, "GIF"), shown)
    hidden = shown.copy()
    hidden[np.asarray(few) == 3] = 255
    yield Specimen("palette-hole.png", saved(few, "PNG", transparency=3), hidden)
    yield Specimen("gif-hole-named.png", saved(few, "GIF", transparency=3), hidden)


def _transparent() -> Iterator[Specimen]:
    alpha = np.zeros((HEIGHT, WIDTH), np.uint8)
    alpha[:, WIDTH // 2 :] = 255
    on_white = np.where(alpha[..., None] == 255, picture(), 255).astype(np.uint8)
    glass = np.dstack([picture(), alpha])
    for format, suffix in (("PNG", "png"), ("TIFF", "tif")):
        yield Specimen(f"glass.{suffix}", encoded(glass, format), on_white)
    yield Specimen("glass.webp", encoded(glass, "WEBP", lossless=True), on_white)
    pale = Image.merge("LA", [Image.fromarray(grey()), Image.fromarray(alpha)])
    yield Specimen(
        "pale.png", saved(pale, "PNG"), np.where(alpha[..., None] == 255, rgb(grey()), 255)
    )
    key = tuple(int(v) for v in picture()[0, 0])
    keyed = picture()
    keyed[(keyed == key).all(axis=-1)] = 255
    yield Specimen("key.png", encoded(picture(), "PNG", transparency=key), keyed)


def _print_colours() -> Iterator[Specimen]:
    inks = Image.fromarray(picture()).convert("CMYK")
    yield Specimen("inks.jpg", saved(inks, "JPEG", quality=95, subsampling=0), picture(), LOSSY)
    yield Specimen("inks.tif", saved(inks, "TIFF"), picture())
    yield Specimen("grey.jpg", encoded(grey(), "JPEG", quality=95), rgb(grey()), LOSSY)


def _black_and_white() -> Iterator[Specimen]:
    ink = grey() > 120
    shown = rgb(np.where(ink, 255, 0).astype(np.uint8))
    bits = Image.fromarray(ink)
    for format, suffix in (("PNG", "png"), ("BMP", "bmp"), ("TIFF", "tif")):
        yield Specimen(f"bits.{suffix}", saved(bits, format), shown)
    yield Specimen("fax.tif", saved(bits, "TIFF", compression="group4"), shown)


def _animated() -> Iterator[Specimen]:
    first = Image.fromarray(picture())
    more = [Image.fromarray(255 - picture())]
    how = {"save_all": True, "append_images": more, "duration": 100}
    yield Specimen("film.png", saved(first, "PNG", **how), picture())
    yield Specimen("film.webp", saved(first, "WEBP", lossless=True, **how), picture())
    few = first.quantize(32)
    film = saved(few, "GIF", **how | {"append_images": [few.transpose(Image.Transpose.ROTATE_180)]})
    yield Specimen("film-named.png", film, np.array(few.convert("RGB")))
    pages = saved(first, "TIFF", save_all=True, append_images=more)
    yield Specimen("pages.tif", pages, picture())


_SEEN = {
    1: lambda shot: shot,
    2: lambda shot: shot[:, ::-1],
    3: lambda shot: shot[::-1, ::-1],
    4: lambda shot: shot[::-1],
    5: lambda shot: shot.transpose(1, 0, 2),
    6: lambda shot: np.rot90(shot, -1),
    7: lambda shot: shot[::-1, ::-1].transpose(1, 0, 2),
    8: lambda shot: np.rot90(shot),
}
"""What the eight orientations of EXIF make of the stored pixels."""


def _turned() -> Iterator[Specimen]:
    how = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True}}
    formats = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp", "TIFF": "tif"}
    for format, suffix in formats.items():
        for value, turn in _SEEN.items():
            exif = Image.Exif()
            exif[0x0112] = value
            data = encoded(picture(), format, exif=exif, **how.get(format, {}))
            shown = np.ascontiguousarray(turn(picture()))
            within = LOSSY if format == "JPEG" else 0
            yield Specimen(f"turned-{value}.{suffix}", data, shown, within)


def hopeless() -> Iterator[Specimen]:
    """Files that hold no whole picture: each must be refused."""
    texts = {
        "empty.png": b"",
        "text.png": b"This is no picture.\n",
        "page.jpg": b"<!DOCTYPE html><html><body>please log in</body></html>",
        "drawing.png": b'<svg xmlns="http://www.w3.org/2000/svg" width="5" height="5"/>',
        "script.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 5 5\nshowpage\n",
        "zeros.jpg": bytes(500),
        "magic.png": b"\x89PNG\r\n\x1a\n",
        "magic.jpg": b"\xff\xd8\xff\xe0",
        "magic.bmp": b"BM",
        "magic.tif": b"II*\0",
        "magic.webp": b"RIFF\x10\0\0\0WEBPVP8 ",
        "magic-gif.png": b"GIF89a",
    }
    for name, data in texts.items():
        yield Specimen(name, data)
    yield from _unfinished()
    yield from bombs()
    yield Specimen("nan.tif", encoded(np.full((HEIGHT, WIDTH), np.nan, np.float32), "TIFF"))


def _unfinished() -> Iterator[Specimen]:
    """Pictures of which a part is missing, though the file has its full length or its end."""
    for name, base in plain().items():
        if name in ("png", "jpg", "progressive.jpg", "interlaced.png"):
            half = len(base.data) * 2 // 3
            tail = bytes(len(base.data) - half)
            yield Specimen(f"zero-tail.{name}", base.data[:half] + tail)
    header, rows = _header(WIDTH, HEIGHT), _filtered(picture())
    short = zlib.compress(rows[: len(rows) // 2])
    yield Specimen("half-stream.png", _png(header, short))
    unsummed = bytearray(_png(header, zlib.compress(rows)))
    unsummed[-20] ^= 0xFF
    yield Specimen("sum.png", bytes(unsummed))


def bombs() -> Iterator[Specimen]:
    """Small files that say that they have thousands of millions of pixels."""
    side = 50_000
    yield Specimen("bomb.png", _png(_header(side, side), zlib.compress(bytes(3_000_000), 9)))
    bmp = bytearray(plain()["bmp"].data)
    bmp[18:26] = struct.pack("<ii", side, side)
    yield Specimen("bomb.bmp", bytes(bmp))
    jpg = bytearray(plain()["jpg"].data)
    size = jpg.index(b"\xff\xc0") + 5
    jpg[size : size + 4] = struct.pack(">HH", 65_000, 65_000)
    yield Specimen("bomb.jpg", bytes(jpg))
    gif = bytearray(saved(Image.fromarray(grey()), "GIF"))
    gif[6:10] = struct.pack("<HH", 65_000, 65_000)
    yield Specimen("bomb-gif.png", bytes(gif))
    tif = plain()["tif"].data
    for tag, value in ((256, WIDTH), (257, HEIGHT)):
        entry = struct.pack("<HHI", tag, 4, 1)
        tif = tif.replace(entry + struct.pack("<I", value), entry + struct.pack("<I", side))
    yield Specimen("bomb.tif", tif)
    yield Specimen("bomb-real.png", _png(_header(side, side), _black(side)))
    below = 11_000  # which is not too large, but the pixels are not there
    yield Specimen("below.png", _png(_header(below, below), zlib.compress(bytes(3_000_000), 9)))
    jpg[size : size + 4] = struct.pack(">HH", below, below)
    yield Specimen("below.jpg", bytes(jpg[:-2]))


def _black(side: int) -> bytes:
    """The stream of an RGB image of zeros, of which the first 200 rows are made."""
    packer = zlib.compressobj(9)
    row = bytes(3 * side + 1)
    return b"".join(packer.compress(row) for _ in range(200)) + packer.flush()


def _header(width: int, height: int, interlace: int = 0) -> bytes:
    return struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, interlace)


def _filtered(shown: np.ndarray) -> bytes:
    """Rows of pixels as PNG wants them, each after a byte that says that it has no filter."""
    return b"".join(b"\0" + row.tobytes() for row in shown)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png(header: bytes, *streams: bytes) -> bytes:
    chunks = [(b"IHDR", header), *((b"IDAT", stream) for stream in streams), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def interlaced(shown: np.ndarray) -> bytes:
    """A PNG in the seven passes of Adam7, which neither Pillow nor OpenCV writes."""
    passes = ((0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2))
    parts = [shown[top::down, left::right] for top, down, left, right in (*passes, (1, 2, 0, 1))]
    rows = b"".join(_filtered(part) for part in parts if part.size)
    return _png(_header(shown.shape[1], shown.shape[0], interlace=1), zlib.compress(rows))


def chunked(shown: np.ndarray, pieces: int = 6) -> tuple[bytes, list[bytes]]:
    """A PNG as its signature and its chunks, with the pixels in so many of them."""
    stream = zlib.compress(_filtered(shown))
    step = -(-len(stream) // pieces)
    parts = [stream[start : start + step] for start in range(0, len(stream), step)]
    chunks = [_chunk(b"IHDR", _header(shown.shape[1], shown.shape[0]))]
    chunks += [_chunk(b"IDAT", part) for part in parts]
    return b"\x89PNG\r\n\x1a\n", [*chunks, _chunk(b"IEND", b"")]
