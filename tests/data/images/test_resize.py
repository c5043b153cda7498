"""Images of every size resized by a spec."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from comp.contract.competition import ImageSpec
from comp.data.images.resize import largest_image_bytes, resize_image, side_before_crop

POLICIES = ("squash", "letterbox", "crop", "partial")
INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "area", "lanczos")


def spec(policy: str, size: int = 16, channels: int = 1, **more) -> ImageSpec:
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


def test_side_before_the_crop():
    sides = [side_before_crop(spec(policy, 224, crop_pct=0.875)) for policy in POLICIES]

    assert sides == [224, 224, 256, 256]
    assert side_before_crop(replace(spec("crop", 224), crop_pct=1.0)) == 224
