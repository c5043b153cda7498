"""Images of every kind that a folder may hold, as uint8 arrays."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from comp.data.images.decode import (
    read_gray,
    read_image,
    read_rgb,
    write_image,
)
from comp.data.listing import SUFFIXES
from comp.errors import DataError

GREY = (np.arange(5 * 7, dtype=np.uint8) * 7).reshape(5, 7)
COLOUR = np.stack([GREY, 255 - GREY, GREY // 2], axis=-1)


def saved(path: Path, array: np.ndarray, mode: str | None = None) -> Path:
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(path)
    return path


def test_grey_png_as_it_is(tmp_path: Path):
    image = read_gray(saved(tmp_path / "a.png", GREY))

    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, GREY)


def test_grey_file_as_colour_has_three_equal_channels(tmp_path: Path):
    image = read_rgb(saved(tmp_path / "a.png", GREY))

    np.testing.assert_array_equal(image, np.stack([GREY] * 3, axis=-1))


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".tiff"])
def test_colour_file_is_read_red_first(tmp_path: Path, suffix: str):
    image = read_rgb(saved(tmp_path / f"a{suffix}", COLOUR))

    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, COLOUR)


@pytest.mark.parametrize("suffix", sorted(SUFFIXES - {".npy", ".dcm", ".dicom"}))
def test_every_suffix_can_be_read(tmp_path: Path, suffix: str):
    flat = np.full((9, 14, 3), (200, 100, 50), np.uint8)

    image = read_rgb(saved(tmp_path / f"a{suffix}", flat))

    assert image.shape == (9, 14, 3)
    assert np.abs(image.astype(int) - (200, 100, 50)).max() <= 8


def test_suffix_in_capitals_and_name_beyond_ascii(tmp_path: Path):
    image = read_gray(saved(tmp_path / "Größe 漢.PNG", GREY))

    np.testing.assert_array_equal(image, GREY)


def test_grey_of_colours_is_their_luminance(tmp_path: Path):
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], np.uint8)

    image = read_gray(saved(tmp_path / "a.png", colours))

    np.testing.assert_array_equal(image, [[76, 150, 29, 255]])


def test_grey_of_transparent_pixels_is_white(tmp_path: Path):
    pixels = np.array([[[0, 0, 0, 0], [0, 0, 0, 255], [9, 9, 9, 0], [0, 0, 0, 128]]], np.uint8)

    image = read_gray(saved(tmp_path / "a.png", pixels))

    np.testing.assert_array_equal(image, [[255, 0, 255, 127]])


def test_grey_of_half_transparent_colours_mixes_before_it_weighs(tmp_path: Path):
    pixels = np.array([[[255, 0, 0, 51], [0, 0, 255, 204]]], np.uint8)

    image = read_gray(saved(tmp_path / "a.png", pixels)).astype(int)

    red = 0.299 * 255 + (0.587 + 0.114) * 204
    blue = (0.299 + 0.587) * 51 + 0.114 * 255
    assert np.abs(image - [[red, blue]]).max() <= 1


def test_grey_with_alpha_is_laid_on_white(tmp_path: Path):
    bands = [Image.fromarray(GREY), Image.fromarray(np.where(GREY > 100, 255, 0).astype(np.uint8))]
    Image.merge("LA", bands).save(tmp_path / "a.png")

    image = read_gray(tmp_path / "a.png")

    np.testing.assert_array_equal(image, np.where(GREY > 100, GREY, 255))


def test_colour_of_opaque_pixels_with_alpha(tmp_path: Path):
    opaque = np.dstack([COLOUR, np.full_like(GREY, 255)])

    np.testing.assert_array_equal(read_rgb(saved(tmp_path / "a.png", opaque)), COLOUR)


def test_colour_of_transparent_pixels_is_white(tmp_path: Path):
    pixels = np.array([[[0, 0, 0, 0], [255, 0, 0, 255]]], np.uint8)

    image = read_rgb(saved(tmp_path / "a.png", pixels))

    np.testing.assert_array_equal(image, [[[255, 255, 255], [255, 0, 0]]])


def test_palette_png_has_the_colours_of_its_palette(tmp_path: Path):
    image = Image.fromarray(COLOUR).convert("P")
    image.save(tmp_path / "a.png")

    np.testing.assert_array_equal(read_rgb(tmp_path / "a.png"), np.asarray(image.convert("RGB")))


def test_black_and_white_png_is_0_and_255(tmp_path: Path):
    path = saved(tmp_path / "a.png", GREY > 100)

    np.testing.assert_array_equal(read_gray(path), np.where(GREY > 100, 255, 0))


def test_sixteen_bits_keep_their_upper_eight(tmp_path: Path):
    path = saved(tmp_path / "a.png", np.array([[0, 255, 256, 0xABCD, 65535]], np.uint16))

    assert read_gray(path).dtype == np.uint8
    np.testing.assert_array_equal(read_gray(path), [[0, 0, 1, 0xAB, 255]])


def test_floats_of_0_to_1_become_0_to_255(tmp_path: Path):
    path = saved(tmp_path / "a.tif", np.array([[0.0, 0.5, 1.0]], np.float32))

    np.testing.assert_array_equal(read_gray(path), [[0, 128, 255]])


@pytest.mark.parametrize("value", [2.0, -1.0, 3000.0])
def test_floats_whose_range_is_unknown_are_refused_and_not_clipped(tmp_path: Path, value: float):
    path = saved(tmp_path / "a.tif", np.array([[0.0, 0.5, value]], np.float32))

    with pytest.raises(DataError, match=r"a\.tif has float values from .* range .* is unknown"):
        read_gray(path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_floats_that_are_not_finite_are_refused(tmp_path: Path, value: float):
    path = saved(tmp_path / "a.tif", np.array([[0.0, 0.5, value]], np.float32))

    with pytest.raises(DataError, match=r"a\.tif contains values that are not finite"):
        read_gray(path)


def test_integers_of_32_bits_are_not_taken_for_floats(tmp_path: Path):
    path = saved(tmp_path / "a.tif", GREY.astype(np.int32))

    np.testing.assert_array_equal(read_gray(path), GREY)


@pytest.mark.parametrize("read", [read_gray, read_rgb])
def test_missing_file_is_named(tmp_path: Path, read):
    with pytest.raises(DataError, match=r"cannot read the image .*a\.png: No such file"):
        read(tmp_path / "a.png")


@pytest.mark.parametrize("read", [read_gray, read_rgb])
@pytest.mark.parametrize("content", [b"", b"hello, I am a text", b"\x89PNG\r\n\x1a\n"])
def test_file_that_is_no_image_is_named_with_its_size(tmp_path: Path, read, content: bytes):
    (tmp_path / "a.png").write_bytes(content)

    with pytest.raises(DataError) as caught:
        read(tmp_path / "a.png")

    assert str(tmp_path / "a.png") in str(caught.value)
    assert f"({len(content)} bytes)" in str(caught.value)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".webp"])
def test_image_that_is_cut_short_is_refused(tmp_path: Path, suffix: str):
    rng = np.random.default_rng(0)
    path = saved(tmp_path / f"a{suffix}", rng.integers(0, 255, (31, 47, 3), np.uint8))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    with pytest.raises(DataError, match="not a readable image"):
        read_gray(path)


def test_folder_in_place_of_an_image_is_named(tmp_path: Path):
    with pytest.raises(DataError, match="cannot read the image"):
        read_gray(tmp_path)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
def test_written_image_comes_back(tmp_path: Path, suffix: str):
    write_image(tmp_path / "new" / f"grey{suffix}", GREY)
    write_image(tmp_path / f"colour{suffix}", COLOUR)

    np.testing.assert_array_equal(read_gray(tmp_path / "new" / f"grey{suffix}"), GREY)
    np.testing.assert_array_equal(read_rgb(tmp_path / f"colour{suffix}"), COLOUR)


def test_written_colour_is_red_first_for_other_programs(tmp_path: Path):
    write_image(tmp_path / "a.png", COLOUR)

    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a.png")), COLOUR)


@pytest.mark.parametrize("name", ["a.xyz", "a"])
def test_unknown_suffix_cannot_be_written(tmp_path: Path, name: str):
    with pytest.raises(DataError, match=name):
        write_image(tmp_path / name, GREY)


def test_encoded_bytes_are_those_of_the_suffix(tmp_path: Path):
    write_image(tmp_path / "a.jpg", GREY)

    assert Image.open(io.BytesIO((tmp_path / "a.jpg").read_bytes())).format == "JPEG"


def test_a_photo_is_turned_as_the_camera_was_held(tmp_path: Path):
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = Image.fromarray(np.repeat(np.uint8([[20], [220]]), 16, axis=0).repeat(16, axis=1))
    picture.save(tmp_path / "a.jpg", exif=exif, quality=95)

    image = read_gray(tmp_path / "a.jpg")

    assert image.shape == (16, 32)
    assert image[:, :8].mean() > 200 > 40 > image[:, -8:].mean()


def photo(path: Path, height: int = 96, width: int = 160, **more) -> Path:
    """A JPEG of soft colours, red from the left and green from the top."""
    rows, columns = np.mgrid[0:height, 0:width]
    pixels = np.dstack([columns * 255 // width, rows * 255 // height, np.full_like(rows, 60)])
    Image.fromarray(pixels.astype(np.uint8)).save(path, quality=95, **more)
    return path


@pytest.mark.parametrize(
    ("at_least", "size"),
    [
        (None, (96, 160)),
        (97, (96, 160)),
        (49, (96, 160)),
        (48, (48, 80)),
        (24, (24, 40)),
        (13, (24, 40)),
        (12, (12, 20)),
        (1, (12, 20)),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_decoded_as_small_as_may_be(tmp_path: Path, channels: int, at_least, size):
    image = read_image(photo(tmp_path / "a.jpg"), channels, at_least)

    assert image.shape == (*size, channels)
    assert image.dtype == np.uint8


@pytest.mark.parametrize("at_least", [None, 12])
def test_quick_reading_shows_the_same_picture(tmp_path: Path, at_least: int | None):
    path = photo(tmp_path / "a.jpg")
    step = 96 // (at_least or 96)

    colour, grey = (read_image(path, channels, at_least).astype(int) for channels in (3, 1))

    for quick, slow in ((colour, read_rgb(path)), (grey[..., 0], read_gray(path))):
        means = slow.reshape(96 // step, step, 160 // step, step, -1).mean(axis=(1, 3))
        assert np.abs(quick - means.reshape(quick.shape)).max() <= 4


@pytest.mark.parametrize("channels", [1, 3])
def test_quick_reading_turns_a_photo_as_the_camera_was_held(tmp_path: Path, channels: int):
    exif = Image.Exif()
    exif[0x0112] = 6

    image = read_image(photo(tmp_path / "a.jpg", exif=exif), channels, 12)

    assert image.shape == (20, 12, channels)
    assert image[:3].mean() < image[-3:].mean()


@pytest.mark.parametrize("array", [GREY, COLOUR, np.dstack([COLOUR, 255 - GREY])])
def test_quick_reading_of_other_formats_is_the_slow_one(tmp_path: Path, array: np.ndarray):
    path = saved(tmp_path / "a.png", array)

    np.testing.assert_array_equal(read_image(path, 1, 1)[..., 0], read_gray(path))
    np.testing.assert_array_equal(read_image(path, 3, 1), read_rgb(path))


def test_grey_jpeg_as_colour_has_three_equal_channels(tmp_path: Path):
    Image.open(photo(tmp_path / "a.jpg")).convert("L").save(tmp_path / "b.jpg")

    image = read_image(tmp_path / "b.jpg", 3, 20)

    assert image.shape == (24, 40, 3)
    assert (image == image[..., :1]).all()


@pytest.mark.parametrize("content", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe0 and no more"])
def test_quick_reading_names_a_file_that_is_no_image(tmp_path: Path, content: bytes):
    (tmp_path / "a.jpg").write_bytes(content)

    with pytest.raises(
        DataError, match=rf"a\.jpg is not a readable image \({len(content)} bytes\)"
    ):
        read_image(tmp_path / "a.jpg", 1, 8)
