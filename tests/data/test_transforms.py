"""Random changes of any number of channels, and the policies of torchvision."""

from __future__ import annotations

import pickle

import albumentations as A
import numpy as np
import pytest
import torch

from comp.data.albumentations_adapter import Equalize, Jpeg, Policy, Resample, adapted

SIZE = 96


def image(channels: int, dtype: type = np.uint8) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(40, 200, (SIZE, SIZE + 4, channels)).astype(dtype)


def drawn(transform: A.BasicTransform, value: np.ndarray, seed: int) -> np.ndarray:
    pipeline = pickle.loads(pickle.dumps(adapted(A.Compose([transform]))))  # noqa: S301
    return np.asarray(pipeline({"image": value.copy()}, seed)["image"])


TRANSFORMS = [
    Equalize("clahe", p=1.0),
    Resample(p=1.0),
    Jpeg(p=1.0),
    Policy("trivial"),
    Policy("rand"),
]


@pytest.mark.parametrize("transform", TRANSFORMS, ids=repr)
def test_the_seed_alone_decides(transform: A.BasicTransform) -> None:
    value, made = image(3), []
    for seed in (*range(8), *range(8)):
        torch.rand(1)  # the state of torch at a draw does not matter
        made.append(drawn(transform, value, seed))

    assert all(np.array_equal(a, b) for a, b in zip(made[:8], made[8:], strict=True))
    assert len({one.tobytes() for one in made[:8]}) > 2
    assert {(one.shape, one.dtype) for one in made} == {(value.shape, value.dtype)}


def test_a_policy_leaves_the_generator_of_the_training_as_it_is() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    drawn(Policy("trivial"), image(3), 1)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 7])
@pytest.mark.parametrize(
    "transform",
    [Equalize("clahe", p=1.0), Equalize("histogram", p=1.0), Resample(p=1.0), Jpeg(p=1.0)],
    ids=repr,
)
def test_any_number_of_channels(transform: A.BasicTransform, channels: int) -> None:
    made = drawn(transform, image(channels), 0)
    assert made.shape == (SIZE, SIZE + 4, channels)
    assert not np.array_equal(made, image(channels))


def test_a_policy_takes_grey_images() -> None:
    made = [drawn(Policy("trivial"), image(1), seed) for seed in range(6)]
    assert {one.shape for one in made} == {(SIZE, SIZE + 4, 1)}


def test_resampling_keeps_floats_and_loses_detail() -> None:
    made = drawn(Resample((0.25, 0.25), p=1.0), image(1, np.float32), 0)
    assert made.dtype == np.float32
    assert made.std() < 0.6 * image(1).std()


def test_what_a_transform_does_is_in_its_text() -> None:
    """The text of a pipeline is part of the key of cached features."""
    texts = {repr(Equalize(how, limits)) for how in ("clahe", "histogram") for limits in [(1, 2)]}
    assert len({*texts, repr(Equalize("clahe", (1, 3))), repr(Policy("rand"))}) == 4
    assert repr(Resample((0.1, 0.2))) != repr(Resample((0.1, 0.3)))
    assert repr(Policy("rand")) != repr(Policy("trivial"))


def test_jpeg_keeps_the_order_of_the_colours() -> None:
    red = np.zeros((SIZE, SIZE, 3), np.uint8)
    red[..., 0] = 200
    made = drawn(Jpeg(p=1.0), red, 0).astype(int)
    assert made[..., 0].mean() > 190
    assert made[..., 1:].max() < 30


def test_a_lower_quality_loses_more() -> None:
    errors = [
        np.abs(drawn(Jpeg((quality, quality), p=1.0), image(1), 0).astype(int) - image(1)).mean()
        for quality in (90, 10)
    ]
    assert errors[0] < 0.5 * errors[1]
