"""Random changes of the images of a classifier."""

from __future__ import annotations

import numpy as np
import pytest

from comp.config.augment import AugmentConfig
from comp.config.schema import RunConfig, resolve
from comp.contract.pipeline import Pipeline
from comp.data.augment import classification_pipeline, mask_pipeline

SIZE = 24
STILL = dict.fromkeys(AugmentConfig.model_fields, 0.0) | {
    "preset": "none",
    "flip": False,
    "vertical": False,
    "quarter_turns": False,
    "area": 1.0,
    "on": "cpu",
}


def config(augment: dict | None = None, resize: str = "squash", **more) -> RunConfig:
    return resolve("x", [{"augment": augment or {}, "image": {"resize": resize}}, more])


def photo(height: int = SIZE, width: int = SIZE, channels: int = 3) -> np.ndarray:
    rng = np.random.default_rng(0)
    coarse = rng.integers(30, 225, (height // 4 + 1, width // 4 + 1, channels), np.uint8)
    return coarse.repeat(4, axis=0).repeat(4, axis=1)[:height, :width].copy()


def drawn(pipeline: Pipeline, image: np.ndarray, seed: int) -> np.ndarray:
    return pipeline({"image": image.copy()}, seed)["image"]


def draws(settings: RunConfig, image: np.ndarray, count: int = 8) -> list[np.ndarray]:
    pipeline = classification_pipeline(settings, True, SIZE)
    return [drawn(pipeline, image, seed) for seed in range(count)]


def test_without_any_change_the_image_stays():
    image = photo()

    assert all(np.array_equal(image, made) for made in draws(config(STILL), image))


@pytest.mark.parametrize(
    "change",
    [
        {"flip": True},
        {"vertical": True},
        {"quarter_turns": True},
        {"rotate": 20.0},
        {"shift": 0.2},
        {"scale": 0.3},
        {"brightness": 0.3},
        {"contrast": 0.3},
        {"gamma": 0.5},
        {"color": 0.5},
        {"blur": 1.0},
        {"noise": 1.0},
        {"erase": 1.0},
        {"stretch": 0.4},
        {"sharpen": 1.0},
        {"clahe": 0.5},
        {"equalize": 0.5},
        {"resample": 1.0},
        {"jpeg": 1.0},
        {"preset": "trivial"},
        {"preset": "rand"},
    ],
    ids=lambda change: str(next(iter(change.items()))),
)
def test_every_key_changes_the_image_by_chance(change: dict):
    image = photo()

    made = draws(config(STILL | change), image)

    assert any(not np.array_equal(image, one) for one in made)
    assert len({one.tobytes() for one in made}) > 1
    assert {one.shape for one in made} == {(SIZE, SIZE, 3)}
    assert {one.dtype for one in made} == {np.dtype(np.uint8)}


def test_every_key_is_tried_above_or_below():
    tried = {"on", "flip", "vertical", "quarter_turns", "rotate", "shift", "scale"}
    tried |= {"brightness", "contrast", "gamma"}

    tried |= {"color", "blur", "noise", "erase", "area", "stretch", "sharpen"}
    tried |= {"clahe", "equalize", "resample", "jpeg", "preset"}
    assert set(AugmentConfig.model_fields) == tried


def test_smaller_area_makes_smaller_crops():
    columns = np.arange(0, 240, 10, dtype=np.uint8)[None, :, None].repeat(SIZE, axis=0)
    wide = np.ascontiguousarray(columns.repeat(3, axis=2))

    def widths(area: float) -> float:
        made = draws(config(STILL | {"area": area}, "partial"), wide, 20)
        return float(np.mean([np.ptp(one.astype(int)) for one in made]))

    assert widths(1.0) > 200
    assert widths(0.1) < 170


def test_flip_mirrors_left_and_right_and_vertical_top_and_bottom():
    image = photo()

    flipped = {one.tobytes() for one in draws(config(STILL | {"flip": True}), image)}
    turned = {one.tobytes() for one in draws(config(STILL | {"vertical": True}), image)}

    assert flipped == {image.tobytes(), image[:, ::-1].tobytes()}
    assert turned == {image.tobytes(), image[::-1].tobytes()}


@pytest.mark.parametrize("share", [0.0, 0.5])
@pytest.mark.parametrize("key", ["blur", "noise", "erase"])
def test_share_of_damaged_images(key: str, share: float):
    image = photo()

    made = draws(config(STILL | {key: share}), image, 60)

    changed = sum(not np.array_equal(image, one) for one in made)
    assert share * 60 - 15 <= changed <= share * 60 + 15 * bool(share)


def test_what_comes_into_view_is_black_in_a_letterbox_and_else_a_reflection():
    white = np.full((SIZE, SIZE, 3), 255, np.uint8)
    shift = STILL | {"shift": 0.4}

    assert all(one.min() == 255 for one in draws(config(shift), white))
    assert any(one.min() == 0 for one in draws(config(shift, "letterbox"), white))


def test_grey_images_have_no_colour_to_change():
    image = photo(channels=1)
    settings = config(STILL | {"color": 1.0}, image={"channels": 1})

    assert all(np.array_equal(image, one) for one in draws(settings, image))


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 13, 64])
@pytest.mark.parametrize("resize", ["squash", "letterbox", "crop", "partial"])
def test_all_changes_together_keep_shape_and_type(resize: str, channels: int):
    everything = {
        **dict.fromkeys(STILL, 0.5),
        "preset": "none",
        "on": "cpu",
        **{
            "flip": True,
            "vertical": True,
            "quarter_turns": True,
            "blur": 1.0,
            "noise": 1.0,
            "erase": 1.0,
        },
    }
    height, width = (32, 50) if resize == "partial" else (SIZE, SIZE)
    settings = config(everything, resize, image={"channels": channels, "resize": resize})

    made = draws(settings, photo(height, width, channels))

    assert {one.shape for one in made} == {(SIZE, SIZE, channels)}
    assert {one.dtype for one in made} == {np.dtype(np.uint8)}


@pytest.mark.parametrize("channels", [2, 5, 13])
@pytest.mark.parametrize("resize", ["squash", "letterbox", "partial"])
def test_all_channels_are_changed_in_the_same_way(resize: str, channels: int):
    everything = dict.fromkeys(STILL, 0.5) | {"flip": True, "vertical": True, "erase": 1.0}
    everything |= {"preset": "none", "on": "cpu"}
    everything["quarter_turns"] = True
    settings = config(everything, resize, image={"channels": channels, "resize": resize})
    one = photo(32, 50, 1) if resize == "partial" else photo(channels=1)

    made = draws(settings, np.repeat(one, channels, axis=2))

    assert all((image == image[..., :1]).all() for image in made)


@pytest.mark.parametrize("largest", [{"gamma": 0.999}, {"scale": 0.999}, {"color": 1.0}])
def test_the_largest_values_work(largest: dict):
    assert len({one.tobytes() for one in draws(config(STILL | largest), photo())}) > 1


def test_one_seed_gives_one_image_and_two_seeds_two():
    pipeline = classification_pipeline(config(), True, SIZE)
    image = photo()

    first, other, again = (drawn(pipeline, image, seed) for seed in (1, 2, 1))

    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_partial_trains_on_random_crops_and_predicts_the_middle():
    image = photo(32, 50)
    settings = config(STILL | {"area": 0.3}, "partial")

    assert len({one.tobytes() for one in draws(settings, image)}) > 4
    middle = classification_pipeline(settings, False, SIZE)({"image": image}, 0)["image"]
    np.testing.assert_array_equal(middle, image[4:28, 13:37])


@pytest.mark.parametrize(("train", "augment"), [(False, True), (True, False)])
@pytest.mark.parametrize("resize", ["squash", "partial"])
def test_nothing_is_random_in_prediction_or_where_it_is_turned_off(train, augment, resize):
    settings = config({"noise": 1.0}, resize, loader={"augment": augment})
    pipeline = classification_pipeline(settings, train, SIZE)
    image = photo(30, 40) if resize == "partial" else photo()

    made = {drawn(pipeline, image, seed).tobytes() for seed in range(5)}

    top, left = (image.shape[0] - SIZE) // 2, (image.shape[1] - SIZE) // 2
    assert made == {image[top : top + SIZE, left : left + SIZE].tobytes()}


@pytest.mark.parametrize("train", [True, False])
def test_target_passes_as_it_is(train: bool):
    target = np.array([3], np.float32)
    pipeline = classification_pipeline(config({"noise": 1.0, "erase": 1.0}), train, SIZE)

    item = pipeline({"image": photo(), "target": target}, 0)

    assert set(item) == {"image", "target"}
    assert item["target"].dtype == np.float32
    np.testing.assert_array_equal(item["target"], [3])


def masked(height: int, width: int) -> dict[str, np.ndarray]:
    """An image and a mask of two classes that says where the image is bright, and where dark."""
    image = photo(height, width)
    bright = image[..., :1] > 127
    return {"image": image, "target": np.concatenate([bright, ~bright], axis=2) * np.uint8(255)}


@pytest.mark.parametrize("size", [(SIZE, SIZE), (60, 41), (9, 30), (5, 5)])
def test_a_mask_follows_its_image_and_keeps_its_values(size: tuple[int, int]):
    augment = STILL | {"flip": True, "vertical": True, "quarter_turns": True}
    pipeline = mask_pipeline(config(augment), True, SIZE)
    for seed in range(12):
        item = pipeline(masked(*size), seed)
        assert item["image"].shape == (SIZE, SIZE, 3)
        assert item["target"].shape == (SIZE, SIZE, 2)
        assert np.array_equal(item["target"][..., 0] > 0, item["image"][..., 0] > 127)


def test_a_mask_is_moved_without_new_values():
    pipeline = mask_pipeline(config({"rotate": 30.0, "scale": 0.3, "erase": 1.0}), True, SIZE)
    for seed in range(12):
        assert set(np.unique(pipeline(masked(40, 40), seed)["target"])) <= {0, 255}


def test_masks_are_cropped_and_not_changed_without_augmentation():
    pipeline = mask_pipeline(config(loader={"augment": False}), True, SIZE)
    item = pipeline(masked(60, 41), 0)
    assert np.array_equal(item["target"][..., 0] > 0, item["image"][..., 0] > 127)


def test_prediction_changes_no_image_with_a_mask():
    item = masked(60, 41)
    for name, value in mask_pipeline(config(), False, SIZE)(item, 0).items():
        assert np.array_equal(value, item[name])


WIDE = (24, 60)


def gradient(height: int, width: int) -> np.ndarray:
    """Red grows with the row and green with the column, each by 2 per pixel."""
    rows, columns = np.indices((height, width), np.uint8)
    return np.stack([2 * rows, 2 * columns, np.zeros_like(rows)], axis=2)


def test_the_middle_and_random_crops_of_an_input_that_is_not_square():
    image = gradient(48, 80)
    settings = config(STILL | {"area": 0.3}, "partial")

    middle = classification_pipeline(settings, False, WIDE)({"image": image}, 0)["image"]
    np.testing.assert_array_equal(middle, image[12:36, 10:70])
    pipeline = classification_pipeline(settings, True, WIDE)
    shares = []
    for seed in range(20):
        crop = drawn(pipeline, image, seed).astype(int)
        assert crop.shape == (*WIDE, 3)
        height, width = np.ptp(crop[..., 0]) / 2 + 1, np.ptp(crop[..., 1]) / 2 + 1
        shares.append(width / height)
    assert 2.5 * 3 / 4 * 0.9 < min(shares) < max(shares) < 2.5 * 4 / 3 * 1.1


def test_all_changes_keep_an_input_that_is_not_square():
    everything = dict.fromkeys(STILL, 0.5) | {"flip": True, "vertical": True, "erase": 1.0}
    everything |= {"preset": "none", "on": "cpu"}
    everything["quarter_turns"] = False
    for resize in ("squash", "letterbox", "partial"):
        pipeline = classification_pipeline(config(everything, resize), True, WIDE)
        shapes = {drawn(pipeline, photo(*WIDE), seed).shape for seed in range(6)}
        assert shapes == {(*WIDE, 3)}


@pytest.mark.parametrize("size", [(60, 80), (9, 200), (50, 20), (5, 5)])
def test_crops_of_masks_that_are_not_square_follow_their_images(size: tuple[int, int]):
    pipeline = mask_pipeline(config(STILL | {"flip": True, "vertical": True}), True, WIDE)
    for seed in range(6):
        item = pipeline(masked(*size), seed)
        assert item["image"].shape == (*WIDE, 3)
        assert item["target"].shape == (*WIDE, 2)
        assert np.array_equal(item["target"][..., 0] > 0, item["image"][..., 0] > 127)


def test_equalisation_changes_an_image_and_not_its_mask():
    pipeline = mask_pipeline(config(STILL | {"clahe": 1.0, "jpeg": 1.0}), True, SIZE)
    item = masked(SIZE, SIZE)
    item["image"] = photo()
    made = pipeline(item, 0)
    assert not np.array_equal(made["image"], item["image"])
    assert np.array_equal(made["target"], item["target"])
