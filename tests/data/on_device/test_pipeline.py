"""Batches that are augmented on the device have the distributions of images in the loader."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from comp.config.augment import AugmentConfig
from comp.config.schema import RunConfig, resolve
from comp.contract.pipeline import BatchPipeline, Pipeline
from comp.contract.sample import Sample
from comp.data.augment import classification_pipeline, mask_pipeline
from comp.data.dataset import DRAWS, ResumableBatchSampler, SampleSet, to_unit, train_loader
from comp.errors import ConfigError

SIDE, COUNT = 32, 300
STILL: dict[str, Any] = dict.fromkeys(AugmentConfig.model_fields, 0.0) | {
    **{"preset": "none", "flip": False, "vertical": False, "quarter_turns": False},
    **{"area": 1.0},
}


def config(on: str, augment: dict[str, Any], resize: str = "squash") -> RunConfig:
    layer = {"augment": augment | {"on": on}, "image": {"resize": resize}, "loader": {"mixup": 0.4}}
    return resolve("x", [layer])


def seeds(first: int = 9_000) -> list[int]:
    return list(range(first, first + COUNT))


def on_cpu(image: np.ndarray, settings: RunConfig) -> np.ndarray:
    pipeline = classification_pipeline(settings, True, SIDE)
    made = [pipeline({"image": image.copy()}, seed)["image"] for seed in seeds(1_000)]
    return np.stack(made).astype(np.float32)


def on_device(image: np.ndarray, settings: RunConfig) -> np.ndarray:
    later = part(classification_pipeline(settings, True, SIDE))
    batch = torch.from_numpy(image).permute(2, 0, 1).float().div(255).expand(COUNT, -1, -1, -1)
    made, _ = later(batch, None, drawn(later, seeds()))
    return (made.permute(0, 2, 3, 1) * 255).numpy()


def part(pipeline: Pipeline) -> BatchPipeline:
    assert pipeline.on_batch is not None
    return pipeline.on_batch


def drawn(later: BatchPipeline, draws: list[int]) -> torch.Tensor:
    return torch.from_numpy(np.stack([later.draw(seed) for seed in draws]))


def photo() -> np.ndarray:
    """Coloured squares, brighter on one side and below, so that every move is seen."""
    coarse = np.random.default_rng(0).integers(0, 120, (SIDE // 4, SIDE // 4, 3)).astype(float)
    rows, columns = np.indices((SIDE, SIDE))[..., None] / SIDE
    fine = coarse.repeat(4, 0).repeat(4, 1) + 90 * rows + 45 * columns
    return fine.round().astype(np.uint8)


def facts(images: np.ndarray) -> dict[str, np.ndarray]:
    """Numbers of each image, with noise below which no difference counts: the loader rounds to 8
    bits after each step."""
    rows, columns = np.indices(images.shape[1:3])[..., None]
    weight = images.sum((1, 2, 3)) + 1
    across = np.abs(np.diff(images, axis=2)).mean((1, 2, 3))
    found = {
        "mean": images.mean((1, 2, 3)),
        "red": images[..., 0].mean((1, 2)),
        "blue": images[..., 2].mean((1, 2)),
        "deviation": images.std((1, 2, 3)),
        "detail": across,
        "down": (images * rows).sum((1, 2, 3)) / weight * 10,
        "right": (images * columns).sum((1, 2, 3)) / weight * 10,
        "black": (images == 0).mean((1, 2, 3)) * 100,
    }
    noise = np.random.default_rng(len(images) + int(images[0].sum())).normal(0, 2, COUNT)
    return {name: values + noise for name, values in found.items()}


CHANGES: list[dict[str, Any]] = [
    {"flip": True, "vertical": True},
    {"quarter_turns": True},
    {"rotate": 40.0},
    {"shift": 0.3},
    {"scale": 0.4},
    {"stretch": 0.4},
    {"brightness": 0.3},
    {"contrast": 0.5},
    {"gamma": 0.5},
    {"color": 0.8},
    {"blur": 0.7},
    {"sharpen": 0.7},
    {"noise": 0.7},
    {"resample": 0.7},
    {"jpeg": 0.7},
    {"clahe": 0.5},
    {"equalize": 0.5},
    {"erase": 0.7},
    {"preset": "light"},
    {"preset": "medium"},
    {"preset": "strong"},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: "-".join(change))
def test_the_distributions_are_those_of_the_loader(change: dict[str, Any]) -> None:
    augment = change if "preset" in change else STILL | change
    resize = "letterbox" if "stretch" in change else "squash"
    made = [facts(make(photo(), config(on, augment, resize))) for on, make in BOTH]
    for name, values in made[0].items():
        assert stats.ks_2samp(values, made[1][name]).pvalue > 0.001, name


BOTH = (("cpu", on_cpu), ("device", on_device))


def test_every_key_is_compared() -> None:
    compared = {key for change in CHANGES for key in change}
    assert set(AugmentConfig.model_fields) - compared == {"area", "on"}


def angles(images: np.ndarray) -> np.ndarray:
    """The direction of a bright line, in degrees, by its moments."""
    rows, columns = np.indices(images.shape[1:3]) - (SIDE - 1) / 2
    weight = images[..., 0]
    mixed, wide, tall = ((weight * w).sum((1, 2)) for w in (rows * columns, columns**2, rows**2))
    return np.degrees(0.5 * np.arctan2(2 * mixed, wide - tall))


def test_a_line_is_turned_by_the_same_angles() -> None:
    line = np.zeros((SIDE, SIDE, 3), np.uint8)
    line[SIDE // 2 - 1 : SIDE // 2 + 1, 6:-6] = 255
    settings = [config(on, STILL | {"rotate": 25.0}, "letterbox") for on in ("cpu", "device")]
    found = [angles(make(line, each)) for (_, make), each in zip(BOTH, settings, strict=True)]
    assert stats.ks_2samp(*found).pvalue > 0.01
    for each in found:
        assert stats.kstest(each, stats.uniform(-25, 50).cdf).pvalue > 0.01


def test_half_of_the_images_are_flipped_and_no_two_steps_are_tied() -> None:
    settings = config("device", STILL | {"flip": True, "vertical": True})
    images = on_device(photo(), settings)
    kinds = [photo(), photo()[:, ::-1], photo()[::-1], photo()[::-1, ::-1]]
    counts = [sum(np.allclose(image, kind, atol=0.1) for image in images) for kind in kinds]
    assert sum(counts) == COUNT
    assert stats.chisquare(counts).pvalue > 0.01


STRONG = {"preset": "strong", "vertical": True, "quarter_turns": True}


def test_an_image_does_not_depend_on_its_batch() -> None:
    later = part(classification_pipeline(config("device", STRONG), True, SIDE))
    batch = torch.from_numpy(np.random.default_rng(0).random((6, 3, SIDE, SIDE), np.float32))
    draws = drawn(later, list(range(6)))
    together, _ = later(batch, None, draws)
    again, _ = later(batch[[4, 1]], None, draws[[4, 1]])
    assert torch.allclose(together[[4, 1]], again, atol=1e-5)
    assert len({image.numpy().tobytes() for image in together}) == 6
    repeated, _ = later(batch, None, draws)
    assert torch.equal(together, repeated)
    assert together.min() >= 0
    assert together.max() <= 1


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
@pytest.mark.parametrize("resize", ["squash", "letterbox"])
def test_any_number_of_channels(channels: int, resize: str) -> None:
    layers = {"augment": STRONG | {"on": "device"}, "image": {"channels": channels}}
    settings = resolve("x", [layers, {"image": {"resize": resize}}])
    later = part(classification_pipeline(settings, True, SIDE))
    one = torch.rand(8, 1, SIDE, SIDE)
    made, _ = later(one.expand(-1, channels, -1, -1), None, drawn(later, list(range(8))))
    assert made.shape == (8, channels, SIDE, SIDE)
    if channels != 3:
        assert torch.allclose(made, made[:, :1].expand_as(made), atol=1e-6)


def masked(_sample: Sample) -> dict[str, np.ndarray]:
    """Bright where the first mask is, dark where the second is."""
    coarse = np.random.default_rng(3).integers(0, 2, (6, 6, 1)).astype(np.uint8) * 255
    bright = coarse.repeat(10, 0).repeat(10, 1)
    return {"image": bright.repeat(3, 2), "target": np.concatenate([bright, 255 - bright], 2)}


def batches(workers: int, start: int = 0, augment: dict[str, Any] | None = None) -> list[Any]:
    moves = {"vertical": True, "quarter_turns": True, "rotate": 30.0, "stretch": 0.2}
    settings = config("device", STILL | moves | (augment or {}))
    pipeline = mask_pipeline(settings, True, SIDE)
    samples = [Sample(id=str(index)) for index in range(5)]
    draws = ResumableBatchSampler(5, 4, 4, (0, 0), start)
    loader = train_loader(SampleSet(samples, masked, pipeline), draws, workers, torch.device("cpu"))
    found = []
    for batch in loader:
        image, target = to_unit(batch["image"]), to_unit(batch["target"])
        found.append(part(pipeline)(image, target, batch[DRAWS]))
    return found


def test_masks_stay_on_their_images_and_keep_their_values() -> None:
    for image, target in batches(0):
        assert set(target.unique().tolist()) <= {0.0, 1.0}
        assert torch.equal(target[:, 0], 1 - target[:, 1])
        agree = ((image[:, 0] > 0.5) == (target[:, 0] > 0.5)).float().mean()
        assert agree > 0.97  # but for pixels on the edges
    (image, target), *_ = batches(0, augment={"erase": 1.0, "rotate": 0.0, "stretch": 0.0})
    assert set(target.unique().tolist()) <= {0.0, 1.0}
    assert torch.equal(target[:, 0], 1 - target[:, 1])
    assert (image[:, 0] < target[:, 0]).any()


def test_batches_do_not_depend_on_workers_and_go_on_after_a_stop() -> None:
    alone, workers, resumed = batches(0), batches(2), batches(1, start=2)
    for first, second in zip([*alone, *alone[2:]], [*workers, *resumed], strict=True):
        assert torch.equal(first[0], second[0])
        assert torch.equal(first[1], second[1])


def test_a_mask_of_class_numbers_keeps_its_type() -> None:
    later = part(mask_pipeline(config("device", STILL | {"rotate": 30.0}), True, SIDE))
    numbers = torch.arange(SIDE).repeat(2, SIDE, 1)
    _, target = later(torch.rand(2, 3, SIDE, SIDE), numbers, drawn(later, [1, 2]))
    assert target is not None
    assert (target.shape, target.dtype) == (numbers.shape, numbers.dtype)


def test_crops_are_made_in_the_loader_and_what_follows_on_the_device() -> None:
    pipeline = classification_pipeline(config("device", {"flip": True}, "partial"), True, SIDE)
    assert pipeline({"image": np.zeros((50, 60, 3), np.uint8)}, 0)["image"].shape[:2] == (
        SIDE,
        SIDE,
    )
    names = [change.name for change in pipeline.changes]
    assert names[:2] == ["RandomResizedCrop", "HorizontalFlip"]
    assert "HorizontalFlip" in pipeline.describe()
    assert classification_pipeline(config("device", {}), False, SIDE).on_batch is None
    assert classification_pipeline(config("cpu", {}), True, SIDE).on_batch is None
    assert isinstance(part(pickle.loads(pickle.dumps(pipeline))), BatchPipeline)  # noqa: S301


@pytest.mark.parametrize("preset", ["trivial", "rand"])
def test_what_the_device_cannot_do_is_refused(preset: str) -> None:
    with pytest.raises(ConfigError, match=rf"augment\.preset = {preset} changes images one by one"):
        classification_pipeline(config("device", {"preset": preset}), True, SIDE)


@pytest.mark.gpu
def test_a_gpu_makes_the_images_of_the_cpu() -> None:
    later = part(classification_pipeline(config("device", STRONG), True, SIDE))
    batch, draws = torch.rand(32, 3, SIDE, SIDE), drawn(later, list(range(32)))
    expected, _ = later(batch, None, draws)
    made, _ = later(batch.cuda(), None, draws.cuda())
    close = torch.isclose(made.cpu(), expected, atol=0.02).float().mean()
    assert close > 0.99  # rounding decides some pixels of JPEG and equalisation
