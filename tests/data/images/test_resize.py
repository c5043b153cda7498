"""Images of every size resized by a spec."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
from PIL import Image

from comp.contract.competition import ImageSpec
from comp.data.images.resize import largest_image_bytes, resize_image, size_before_crop
from comp.errors import CompetitionError

POLICIES = ("squash", "letterbox", "crop", "partial")
INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "area", "lanczos")


def spec(policy: str, size: int | tuple[int, int] = 16, channels: int = 1, **more) -> ImageSpec:
    return ImageSpec(size=size, policy=policy, channels=channels, **more)


def ramp(height: int, width: int, channels: int = 1) -> np.ndarray:
    """Columns from black on the left to white on the right."""
    row = np.linspace(0, 255, width).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(row[None, :, None], (height, width, channels)))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(1, 1), (5, 40), (41, 7), (16, 16), (300, 200)])
@pytest.mark.parametrize("policy", ["squash", "letterbox", "crop"])
def test_square_of_the_asked_size(policy: str, size: tuple[int, int], channels: int):
    image = resize_image(ramp(*size, channels), spec(policy, channels=channels, crop_pct=0.8))

    assert image.shape == (16, 16, channels)
    assert image.dtype == np.uint8


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1, 1), (20, 20)),
        ((40, 40), (20, 20)),
        ((40, 60), (20, 30)),
        ((60, 40), (30, 20)),
        ((40, 80), (20, 40)),
        ((40, 400), (20, 40)),
        ((10, 3), (40, 20)),
    ],
)
def test_partial_keeps_the_shorter_side_and_at_most_twice_of_it(size, expected):
    image = resize_image(ramp(*size, 3), spec("partial", channels=3, crop_pct=0.8))

    assert image.shape == (*expected, 3)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("size", [(20_000, 1), (1, 20_000), (3000, 4000)])
def test_very_long_and_huge_images(policy: str, size: tuple[int, int]):
    image = resize_image(np.full((*size, 1), 90, np.uint8), spec(policy))

    assert max(image.shape) <= 32
    assert set(np.unique(image)) <= {0, 90}
    assert 90 in image


@pytest.mark.parametrize("policy", POLICIES)
def test_image_of_the_exact_size_is_untouched(policy: str):
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)

    np.testing.assert_array_equal(resize_image(image, spec(policy, channels=3)), image)


def test_squash_shows_all_of_the_image_and_letterbox_keeps_its_aspect():
    image = np.full((20, 40, 1), 200, np.uint8)

    assert (resize_image(image, spec("squash")) == 200).all()
    boxed = resize_image(image, spec("letterbox"))[..., 0]
    assert (boxed[4:12] == 200).all()
    assert boxed[:4].max() == boxed[12:].max() == 0


def test_letterbox_of_a_tall_image_has_margins_left_and_right():
    boxed = resize_image(np.full((40, 10, 1), 200, np.uint8), spec("letterbox"))[..., 0]

    assert (boxed[:, 6:10] == 200).all()
    assert boxed[:, :6].max() == boxed[:, 10:].max() == 0


def test_crop_is_the_middle_and_crop_pct_says_how_much_of_it():
    image = ramp(100, 300)

    whole, part = (resize_image(image, spec("crop", crop_pct=p))[0, :, 0] for p in (1.0, 0.5))

    assert 127 - 50 < whole[0] < whole[-1] < 127 + 50
    assert part.mean() == pytest.approx(whole.mean(), abs=1)
    assert np.ptp(part.astype(int)) == pytest.approx(np.ptp(whole.astype(int)) / 2, abs=4)


def test_middle_of_partial_is_crop():
    image = ramp(90, 180, 3) // 2 + ramp(180, 90, 3).transpose(1, 0, 2) // 2
    cropped = resize_image(image, spec("crop", channels=3, crop_pct=0.8))

    partial = resize_image(image, spec("partial", channels=3, crop_pct=0.8))

    top, left = (n - 16 for n in partial.shape[:2])
    middle = partial[top // 2 : top // 2 + 16, left // 2 : left // 2 + 16].astype(int)
    assert np.abs(middle - cropped).max() <= 2
    assert np.abs(partial[:16, :16].astype(int) - cropped).min() > 10


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("factor", [2, 5, 40])
def test_no_interpolation_aliases(interpolation: str, factor: int):
    """A fine chequerboard is grey from afar, and not black, white or striped."""
    side = 16 * factor
    board = (np.indices((side, side)).sum(0) % 2 * 255).astype(np.uint8)[..., None]

    image = resize_image(board, spec("squash", interpolation=interpolation))

    assert np.abs(image.astype(int) - 127).max() < 25


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_one_side_may_shrink_while_the_other_grows(interpolation: str):
    stripes = np.zeros((800, 2, 1), np.uint8)
    stripes[::2] = 255

    image = resize_image(stripes, spec("squash", interpolation=interpolation))

    assert np.abs(image.astype(int) - 127).max() < 25


def test_interpolations_differ_where_an_image_grows():
    image = np.random.default_rng(0).integers(0, 256, (5, 5, 1), np.uint8)
    made = [resize_image(image, spec("squash", interpolation=name)) for name in INTERPOLATIONS]

    assert set(np.unique(made[0])) <= set(np.unique(image))
    assert len({m.tobytes() for m in made if m is not made[3]}) == 4


def test_colours_stay_apart():
    image = np.zeros((50, 50, 3), np.uint8)
    image[..., 0], image[..., 2] = 250, 10

    assert (resize_image(image, spec("squash", channels=3)) == (250, 0, 10)).all()


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("size", [(30, 500), (500, 30), (33, 44)])
def test_no_image_is_larger_than_the_bound(policy: str, size: tuple[int, int]):
    wanted = spec(policy, channels=3, crop_pct=0.875)

    assert resize_image(ramp(*size, 3), wanted).nbytes <= largest_image_bytes(wanted)
    assert min(resize_image(ramp(*size, 3), wanted).shape[:2]) >= wanted.size


def test_size_before_the_crop():
    sizes = [size_before_crop(spec(policy, 224, crop_pct=0.875)) for policy in POLICIES]

    assert sizes == [(224, 224), (224, 224), (256, 256), (256, 256)]
    assert size_before_crop(replace(spec("crop", 224), crop_pct=1.0)) == (224, 224)
    assert size_before_crop(spec("partial", (32, 80), crop_pct=0.8)) == (40, 100)


WIDE = (32, 80)


def marked(height: int, width: int, rows: slice, columns: slice) -> np.ndarray:
    """White on grey: bright pixels at these rows and columns."""
    image = np.full((height, width, 1), 60, np.uint8)
    image[rows, columns] = 250
    return image


def box(image: np.ndarray) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of the bright pixels."""
    rows, columns = np.nonzero(image[..., 0] > 155)
    return rows.min(), rows.max() + 1, columns.min(), columns.max() + 1


TOP_RIGHT = slice(0, 10), slice(90, 120)
"""A quarter of the height, and the last quarter of the width, of 40 x 120 pixels."""


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("squash", (0, 8, 60, 80)),  # all of the image
        ("letterbox", (2, 9, 60, 80)),  # 27 x 80 pixels, and margins of 2 and 3 above and below
        ("crop", (0, 8, 64, 80)),  # 100 of 120 columns, at the scale 0.8
        ("partial", (0, 8, 72, 96)),  # all of it, at the scale 0.8
    ],
)
def test_a_mark_stays_at_its_place_in_an_input_that_is_not_square(policy: str, expected: tuple):
    image = marked(40, 120, *TOP_RIGHT)

    assert box(resize_image(image, spec(policy, WIDE))) == expected
    turned = resize_image(np.ascontiguousarray(image.transpose(1, 0, 2)), spec(policy, WIDE[::-1]))
    assert box(turned) == (*expected[2:], *expected[:2])


def test_margins_are_on_the_axis_that_the_image_does_not_fill():
    above = resize_image(np.full((20, 100, 1), 200, np.uint8), spec("letterbox", WIDE))[..., 0]
    beside = resize_image(np.full((40, 50, 1), 200, np.uint8), spec("letterbox", WIDE))[..., 0]

    assert (above[8:24] == 200).all()
    assert above[:8].max() == above[24:].max() == 0
    assert (beside[:, 20:60] == 200).all()
    assert beside[:, :20].max() == beside[:, 60:].max() == 0


def test_crop_covers_the_input_and_cuts_the_middle_of_the_longer_direction():
    tall = marked(100, 80, slice(34, 66), slice(0, 80))  # the middle 32 rows

    assert (resize_image(tall, spec("crop", WIDE)) == 250).all()
    assert resize_image(tall, spec("partial", WIDE)).shape == (64, 80, 1)
    assert resize_image(tall, spec("partial", WIDE[::-1])).shape == (80, 64, 1)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("target", [WIDE, WIDE[::-1]])
@pytest.mark.parametrize("size", [(1, 1), (300, 20), (20, 300), (2000, 1), (1, 2000), (33, 80)])
def test_every_image_gets_the_size_and_no_more_bytes_than_the_bound(policy, target, size):
    image = resize_image(np.full((*size, 3), 90, np.uint8), spec(policy, target, 3, crop_pct=0.9))

    assert image.nbytes <= largest_image_bytes(spec(policy, target, 3, crop_pct=0.9))
    if policy == "partial":
        assert image.shape[0] >= target[0]
        assert image.shape[1] >= target[1]
    else:
        assert image.shape == (*target, 3)


@pytest.mark.parametrize("size", [0, -3, (0, 5), (1, 2, 3), "a", [64], 8.5, True])
def test_a_plugin_with_a_size_that_is_none_is_refused(size):
    with pytest.raises(CompetitionError, match=r"an image spec of size .*: write the side of"):
        spec("squash", size)
    assert spec("squash", [64, 64]) == spec("squash", 64)
    assert hash(spec("squash", [64, 80])) == hash(spec("squash", (64, 80)))


def test_the_result_is_that_of_pillow_12() -> None:
    """Since version 13, Pillow changes the height of such an image first."""
    image = np.random.default_rng(0).integers(0, 256, (96, 72, 3), dtype=np.uint8)
    resized = resize_image(image, ImageSpec(size=64, interpolation="bicubic"))
    assert sha256(resized.tobytes()).hexdigest()[:16] == "e113ba3480b16dd6"


@pytest.mark.parametrize("interpolation", INTERPOLATIONS[1:])
@pytest.mark.parametrize(("height", "width"), [(64, 80), (500, 300), (1001, 700), (40, 30)])
def test_two_passes_are_one_of_pillow(interpolation: str, height: int, width: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    how = {"area": "BOX"}.get(interpolation, interpolation.upper())
    wide = Image.fromarray(image).resize((64, height), Image.Resampling[how], reducing_gap=3)
    expected = np.asarray(wide.resize((64, 64), Image.Resampling[how], reducing_gap=3))
    resized = resize_image(image, ImageSpec(size=64, interpolation=interpolation))
    difference = np.abs(resized.astype(int) - expected)
    assert difference.max() <= 2  # here, blocks of both sides are averaged at once
    assert difference.mean() < 0.5
