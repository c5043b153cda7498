"""Label images: the values as they are stored."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from comp.data.images.masks import read_mask
from comp.errors import DataError

LABELS = np.uint8([[0, 1, 2, 3], [3, 2, 1, 0], [0, 0, 1, 1]])


def saved(path: Path, image: Image.Image | np.ndarray, **options: object) -> Path:
    picture = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    picture.save(path, **options)
    return path


def palette() -> Image.Image:
    image = Image.fromarray(LABELS)
    image.putpalette([200, 10, 10, 10, 200, 10, 10, 10, 200, 90, 90, 90])
    assert image.mode == "P"
    return image


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp", ".gif"])
def test_a_palette_gives_its_indices(tmp_path: Path, suffix: str):
    image = read_mask(saved(tmp_path / f"a{suffix}", palette()))

    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, LABELS[..., None])


@pytest.mark.parametrize("bits", [1, 2])
def test_a_palette_of_few_bits_gives_its_indices(tmp_path: Path, bits: int):
    few = LABELS % 2**bits
    image = palette()
    image.putdata(few.ravel().tolist())
    path = saved(tmp_path / "a.png", image, bits=bits)

    assert path.read_bytes()[24] == bits
    np.testing.assert_array_equal(read_mask(path)[..., 0], few)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_one_bit_gives_0_and_1(tmp_path: Path, suffix: str):
    path = saved(tmp_path / f"a{suffix}", Image.fromarray(LABELS > 0))

    np.testing.assert_array_equal(read_mask(path)[..., 0], LABELS > 0)


@pytest.mark.parametrize("bits", [2, 4])
def test_grey_of_few_bits_is_not_scaled(tmp_path: Path, bits: int):
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), LABELS)
    path.write_bytes(packed_png(LABELS, bits))

    np.testing.assert_array_equal(read_mask(path)[..., 0], LABELS)


def packed_png(values: np.ndarray, bits: int) -> bytes:
    """A grey PNG with 2 or 4 bits per pixel."""
    import struct
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    height, width = values.shape
    binary = np.unpackbits(values[..., None], axis=2)[..., -bits:].reshape(height, -1)
    rows = b"".join(b"\0" + np.packbits(row).tobytes() for row in binary)
    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


@pytest.mark.parametrize(
    "image",
    [
        LABELS,
        np.dstack([LABELS] * 3),
        np.dstack([LABELS] * 3 + [np.full_like(LABELS, 255)]),
        np.dstack([LABELS, np.full_like(LABELS, 255)]),
    ],
    ids=["grey", "rgb", "rgba", "la"],
)
def test_equal_channels_are_one(tmp_path: Path, image: np.ndarray):
    np.testing.assert_array_equal(read_mask(saved(tmp_path / "a.png", image)), LABELS[..., None])


def test_different_channels_stay(tmp_path: Path):
    image = np.dstack([LABELS, 3 - LABELS, LABELS])

    np.testing.assert_array_equal(read_mask(saved(tmp_path / "a.png", image)), image)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bits_are_not_scaled(tmp_path: Path, suffix: str):
    labels = LABELS.astype(np.uint16) * 301

    image = read_mask(saved(tmp_path / f"a{suffix}", labels))

    assert image.dtype == np.uint16
    np.testing.assert_array_equal(image, labels[..., None])


@pytest.mark.parametrize("kind", [np.int32, np.float32, np.int64, bool])
def test_whole_numbers_of_any_type(tmp_path: Path, kind: type):
    labels = (LABELS > 0 if kind is bool else LABELS * 100).astype(kind)
    np.save(tmp_path / "a.npy", labels)

    np.testing.assert_array_equal(read_mask(tmp_path / "a.npy")[..., 0], labels)


@pytest.mark.parametrize("value", [0.5, -1.0, 70_000.0, np.nan])
def test_other_values_are_refused(tmp_path: Path, value: float):
    path = saved(tmp_path / "a.tif", np.float32([[0, 1, value]]))

    with pytest.raises(DataError, match=r"a\.tif is a mask with values from .*: save whole"):
        read_mask(path)


@pytest.mark.parametrize("image", [LABELS, palette()], ids=["grey", "palette"])
def test_the_orientation_is_applied(tmp_path: Path, image: object):
    exif = Image.Exif()
    exif[0x0112] = 6

    turned = read_mask(saved(tmp_path / "a.png", image, exif=exif))

    np.testing.assert_array_equal(turned[..., 0], np.rot90(LABELS, -1))


@pytest.mark.parametrize("image", [LABELS, palette(), np.dstack([LABELS] * 3)])
def test_a_cut_mask_is_refused(tmp_path: Path, image: object):
    path = saved(tmp_path / "a.png", image)
    path.write_bytes(path.read_bytes()[:-20])

    with pytest.raises(DataError, match=r"a\.png is not a readable image"):
        read_mask(path)


def test_a_missing_mask_is_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"cannot read the image .*a\.png: No such file"):
        read_mask(tmp_path / "a.png")


def two_colours(first: int, second: int) -> Image.Image:
    image = Image.fromarray(np.uint8([[0, 0, 1], [0, 0, 0]]))
    image.putpalette([first] * 3 + [second] * 3)
    return image


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp", ".gif"])
def test_grey_levels_of_a_palette_count_if_index_0_is_not_black(tmp_path: Path, suffix: str):
    """A mask that Pillow had quantized was inverted: white had the index 0."""
    inverted = saved(tmp_path / f"a{suffix}", two_colours(255, 0))
    plain = saved(tmp_path / f"b{suffix}", two_colours(0, 255))

    assert read_mask(inverted, grey=True)[..., 0].tolist() == [[255, 255, 0], [255, 255, 255]]
    assert read_mask(inverted)[..., 0].tolist() == [[0, 0, 1], [0, 0, 0]]
    assert (read_mask(plain, grey=True) > 0).tolist() == (read_mask(plain) > 0).tolist()


def test_a_mask_that_pillow_quantizes_stays_the_same(tmp_path: Path):
    mask = np.zeros((8, 8), np.uint8)
    mask[2:6, 2:6] = 255
    for name, values in {"a": mask, "b": 255 - mask, "c": mask | 255}.items():
        path = saved(tmp_path / f"{name}.png", Image.fromarray(values).convert("RGB").quantize(2))
        assert ((read_mask(path, grey=True)[..., 0] > 0) == (values > 0)).all()


def test_colours_of_a_palette_are_indices_also_in_grey(tmp_path: Path):
    image = read_mask(saved(tmp_path / "a.png", palette()), grey=True)
    np.testing.assert_array_equal(image, LABELS[..., None])


def test_as_many_channels_as_classes_stay_also_if_they_are_equal(tmp_path: Path):
    equal = np.repeat(np.uint8([[0, 255], [255, 0]])[..., None], 3, axis=2)
    path = saved(tmp_path / "a.png", equal)
    np.testing.assert_array_equal(read_mask(path, channels=3), equal)
    assert read_mask(path).shape == (2, 2, 1)
    np.save(tmp_path / "a.npy", np.full((2, 2, 4), 255, np.uint8))
    assert read_mask(tmp_path / "a.npy", channels=4).shape == (2, 2, 4)
