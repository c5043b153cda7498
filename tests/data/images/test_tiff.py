"""TIFF files that Pillow cannot read: several channels, and colours with more than 8 bits."""

from __future__ import annotations

import io
import itertools
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from comp.data.images.decode import read_gray, read_image, read_rgb
from comp.data.images.raw import read_raw
from comp.data.images.tiff import read_channels, read_layout
from comp.errors import DataError

ROWS = 7
TILE = 16


def tiff(
    array: np.ndarray,
    *,
    order: str = "<",
    planar: bool = False,
    deflate: bool = False,
    predictor: int = 1,
    tiled: bool = False,
    photometric: int = 1,
    extra: tuple[int, ...] | None = None,
    orientation: int = 1,
) -> bytes:
    """A TIFF file of an array (H, W, C), written by the book."""
    height, width, channels = array.shape
    stored = array.astype(array.dtype.newbyteorder(order))
    planes = np.split(stored, channels, axis=2) if planar else [stored]
    pieces = []
    for plane in planes:
        if tiled:
            plane = np.pad(plane, ((0, -height % TILE), (0, -width % TILE), (0, 0)))
            corners = itertools.product(
                range(0, plane.shape[0], TILE), range(0, plane.shape[1], TILE)
            )
            pieces += [plane[y : y + TILE, x : x + TILE] for y, x in corners]
        else:
            pieces += [plane[y : y + ROWS] for y in range(0, height, ROWS)]
    encoded = [_encoded(piece, order, predictor, deflate) for piece in pieces]
    kind = {"u": 1, "i": 2, "f": 3}[array.dtype.kind]
    offsets = list(itertools.accumulate(map(len, encoded), initial=8))
    tags = {256: [width], 257: [height], 258: [8 * array.itemsize] * channels}
    tags |= {259: [8 if deflate else 1], 262: [photometric], 274: [orientation], 277: [channels]}
    tags |= {284: [2 if planar else 1], 317: [predictor], 339: [kind] * channels}
    sizes = [len(piece) for piece in encoded]
    if tiled:
        tags |= {322: [TILE], 323: [TILE], 324: offsets[:-1], 325: sizes}
    else:
        tags |= {273: offsets[:-1], 278: [ROWS], 279: sizes}
    if extra is not None:
        tags[338] = list(extra)
    start = offsets[-1] + offsets[-1] % 2
    head = struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, start)
    body = b"".join(encoded).ljust(start - 8, b"\0")
    entries, lists = struct.pack(f"{order}H", len(tags)), b""
    beyond = start + 6 + 12 * len(tags)
    for tag, numbers in sorted(tags.items()):
        packed = struct.pack(f"{order}{len(numbers)}I", *numbers)
        if len(numbers) > 1:
            lists += packed
            packed = struct.pack(f"{order}I", beyond + len(lists) - len(packed))
        entries += struct.pack(f"{order}HHI", tag, 4, len(numbers)) + packed
    return head + body + entries + bytes(4) + lists


def _encoded(piece: np.ndarray, order: str, predictor: int, deflate: bool) -> bytes:
    data = np.ascontiguousarray(piece)
    if predictor == 2:
        whole = data.astype(data.dtype.newbyteorder("=")).view(f"u{data.itemsize}")
        whole[:, 1:] = whole[:, 1:] - whole[:, :-1].copy()
        data = whole.astype(whole.dtype.newbyteorder(order))
    if predictor == 3:
        rows, channels = data.shape[0], data.shape[2]
        big = data.astype(data.dtype.newbyteorder(">")).reshape(rows, -1)
        size = data.itemsize
        planes = big.view(np.uint8).reshape(rows, -1, size).transpose(0, 2, 1)
        flat = np.ascontiguousarray(planes).reshape(rows, -1, channels)
        flat[:, 1:] = flat[:, 1:] - flat[:, :-1].copy()
        data = flat
    return zlib.compress(data.tobytes()) if deflate else data.tobytes()


def drawn(kind: type, channels: int) -> np.ndarray:
    return (np.random.default_rng(0).random((20, 37, channels)) * 250).astype(kind)


LAYOUTS = [
    {},
    {"order": ">"},
    {"planar": True},
    {"deflate": True, "predictor": 2},
    {"tiled": True},
    {"tiled": True, "planar": True, "deflate": True, "predictor": 2, "order": ">"},
]


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("channels", [2, 5, 13])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int16, np.int32, np.float32, np.float64])
def test_all_values_of_all_channels(kind: type, channels: int, layout: dict):
    if np.dtype(kind).kind == "f" and layout.get("predictor"):
        layout = layout | {"predictor": 3}
    array = drawn(kind, channels)
    data = tiff(array, **layout)

    read = read_channels(data, read_layout(io.BytesIO(data)))

    assert read.dtype == kind
    np.testing.assert_array_equal(read, array)


@pytest.mark.parametrize("channels", [2, 4, 5])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_file_of_bands_is_read_where_its_bands_are_needed(tmp_path: Path, kind, channels):
    array = drawn(kind, channels)
    (tmp_path / "a.tif").write_bytes(tiff(array, extra=(0,) * (channels - 1)))

    image = read_image(tmp_path / "a.tif", channels)

    np.testing.assert_array_equal(image, array if kind is np.uint8 else array >> 8)
    with pytest.raises(DataError) as caught:
        read_rgb(tmp_path / "a.tif")
    assert str(caught.value) == (
        f"{tmp_path / 'a.tif'} has {channels} channels, and 3 are needed: set image.channels = "
        f"{channels}, or save it with 3"
    )


@pytest.mark.parametrize("kind", [np.int8, np.float16, np.float64, np.uint32, np.int64])
def test_one_channel_of_types_that_pillow_does_not_read(tmp_path: Path, kind: type):
    array = (drawn(np.float64, 1) - 120).astype(kind)
    if kind is np.uint32:
        array += np.uint32(2**31)
    (tmp_path / "a.tif").write_bytes(tiff(array))

    values = read_raw(tmp_path / "a.tif").values

    assert values.dtype == kind
    np.testing.assert_array_equal(values, array[..., 0])


def test_planes_are_not_taken_for_grey(tmp_path: Path):
    (tmp_path / "a.tif").write_bytes(tiff(drawn(np.uint8, 5), planar=True, extra=(0,) * 4))

    with pytest.raises(DataError, match="has 5 channels, and 1 are needed"):
        read_gray(tmp_path / "a.tif")


@pytest.mark.parametrize("extra", [None, (0,), (2,)], ids=str)
def test_the_fourth_channel_of_colours(tmp_path: Path, extra: tuple[int, ...] | None):
    array = drawn(np.uint8, 4)
    wide = array.astype(np.uint16) * 257
    for name, values in (("8", array), ("16", wide)):
        (tmp_path / f"{name}.tif").write_bytes(tiff(values, photometric=2, extra=extra))

    eight, sixteen = (read_rgb(tmp_path / f"{name}.tif") for name in ("8", "16"))

    np.testing.assert_array_equal(eight, sixteen)
    opaque = np.array_equal(eight, array[..., :3])
    assert opaque == (extra == (0,))
    np.testing.assert_array_equal(read_image(tmp_path / "8.tif", 4), array)


def test_colours_of_16_bits_keep_their_lower_bits(tmp_path: Path):
    array = drawn(np.uint16, 3)
    cv2.imwrite(str(tmp_path / "a.tif"), array[..., ::-1])
    cv2.imwrite(str(tmp_path / "a.png"), array[..., ::-1])

    for name in ("a.tif", "a.png"):
        np.testing.assert_array_equal(read_raw(tmp_path / name).values, array)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_applied_as_pillow_does(tmp_path: Path, orientation: int):
    array = drawn(np.uint8, 3)
    bands = np.dstack([array, array[..., :2]])
    (tmp_path / "a.tif").write_bytes(tiff(array, photometric=2, orientation=orientation))
    (tmp_path / "b.tif").write_bytes(tiff(bands, extra=(0,) * 4, orientation=orientation))

    np.testing.assert_array_equal(
        read_image(tmp_path / "b.tif", 5)[..., :3], read_rgb(tmp_path / "a.tif")
    )


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_of_a_deep_png_is_applied_as_pillow_does(tmp_path: Path, orientation: int):
    array = drawn(np.uint8, 3)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(array).save(tmp_path / "a.png", exif=exif)
    cv2.imwrite(str(tmp_path / "b.png"), array[..., ::-1].astype(np.uint16) * 257)
    eight, sixteen = ((tmp_path / name).read_bytes() for name in ("a.png", "b.png"))
    start = eight.index(b"eXIf") - 4
    chunk = eight[start : start + 12 + struct.unpack(">I", eight[start : start + 4])[0]]
    (tmp_path / "b.png").write_bytes(sixteen[:33] + chunk + sixteen[33:])

    np.testing.assert_array_equal(read_rgb(tmp_path / "b.png"), read_rgb(tmp_path / "a.png"))


@pytest.mark.parametrize("share", [0.3, 0.9])
@pytest.mark.parametrize("layout", LAYOUTS[:5], ids=str)
def test_a_cut_file_is_refused(tmp_path: Path, layout: dict, share: float):
    data = tiff(drawn(np.uint16, 5), **layout)
    (tmp_path / "a.tif").write_bytes(data[: int(len(data) * share)])

    with pytest.raises(DataError, match=r"a\.tif"):
        read_raw(tmp_path / "a.tif")
