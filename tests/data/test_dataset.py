"""Random streams, orders and batches of a training run."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

import albumentations as A
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from comp.contract.sample import Item, Sample
from comp.data.dataset import (
    LOSS_WEIGHT,
    Batch,
    ResumableBatchSampler,
    SampleSet,
    as_tensor,
    sampling_weights,
    train_loader,
)
from comp.errors import ConfigError

CPU = torch.device("cpu")


def grey(sample: Sample) -> Item:
    """A grey square whose first row tells the sample; noise on it tells the random stream."""
    image = np.full((9, 8, 1), 128, np.uint8)
    image[0] = int(sample.id)
    return {"image": image, "target": image.copy()}


def noisy(_config: object = None) -> A.Compose:
    noise = A.GaussNoise(std_range=(0.2, 0.2), p=1.0)
    return A.Compose([noise], additional_targets={"target": "mask"})


def samples(count: int) -> list[Sample]:
    return [Sample(id=str(i), image=Path(f"{i}.png")) for i in range(count)]


def drawn(
    count: int = 5,
    batch_size: int = 3,
    batches: int = 7,
    seed: tuple[int, ...] = (0, 0),
    workers: int = 0,
) -> list[Batch]:
    dataset = SampleSet(samples(count), grey, noisy())
    draws = ResumableBatchSampler(count, batch_size, batches, seed)
    return list(train_loader(dataset, draws, workers, CPU))


def streams(batches: list[Batch]) -> list[bytes]:
    """The noise of each draw, without the row that tells the sample."""
    return [image[:, 1:].numpy().tobytes() for batch in batches for image in batch["image"]]


def same(a: list[Batch], b: list[Batch]) -> bool:
    return len(a) == len(b) and all(
        torch.equal(x["image"], y["image"]) and torch.equal(x["target"], y["target"])
        for x, y in zip(a, b, strict=True)
    )


class Plain(Dataset[int]):
    """The plain way: a pipeline with its seed, and workers that each get a copy of it."""

    def __init__(self, seed: int | None) -> None:
        self.pipeline = A.Compose([A.RandomCrop(1, 1)], seed=seed)
        self.image = np.arange(10_000, dtype=np.float32).reshape(100, 100, 1)

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> int:
        return int(self.pipeline(image=self.image)["image"].item())


def test_the_plain_way_repeats_one_random_stream_in_every_worker_and_every_epoch() -> None:
    loader = DataLoader(Plain(0), batch_size=1, num_workers=2)
    (a, b, c, d), second = ([int(x) for x in loader] for _ in range(2))
    assert (a, c) == (b, d)
    assert second == [a, b, c, d]


def test_no_two_draws_share_a_stream_over_workers_and_passes() -> None:
    found = streams(drawn(count=4, batch_size=2, batches=20, workers=2))
    assert len(found) == 40
    assert len(set(found)) == 40


@pytest.mark.parametrize("workers", [1, 2])
def test_batches_are_the_same_bits_with_any_number_of_workers(workers: int) -> None:
    alone = drawn(workers=0)
    assert same(alone, drawn(workers=0))
    assert same(alone, drawn(workers=workers))


@pytest.mark.parametrize("seed", [(1, 0), (0, 1), (2**32 - 1, 0)])
def test_another_seed_or_fold_shares_no_stream(seed: tuple[int, ...]) -> None:
    first, other = streams(drawn(seed=(0, 0))), streams(drawn(seed=seed))
    assert not set(first) & set(other)


def test_streams_do_not_depend_on_the_global_generators() -> None:
    np.random.seed(1)
    torch.manual_seed(1)
    first = drawn()
    np.random.seed(2)
    torch.manual_seed(2)
    assert same(first, drawn())


def test_the_stream_belongs_to_the_draw_and_not_to_the_batch() -> None:
    assert streams(drawn(batch_size=3, batches=4)) == streams(drawn(batch_size=2, batches=6))


def test_one_item_is_drawn_again_from_its_seed() -> None:
    dataset = SampleSet(samples(2), grey, noisy())
    first, _, again = dataset[1, 77], dataset[0, 5], dataset[1, 77]
    assert torch.equal(first["image"], again["image"])
    assert not torch.equal(first["image"], dataset[1, 78]["image"])
    assert len(dataset) == 2


def test_an_item_is_a_tensor_of_channels_first_and_its_target_is_left_alone() -> None:
    item = SampleSet(samples(4), grey, noisy())[3, 0]
    assert item["image"].shape == item["target"].shape == (1, 9, 8)
    assert item["image"].dtype == item["target"].dtype == torch.uint8
    assert item["target"][0, 0].unique().tolist() == [3]
    assert item["target"][0, 1:].unique().tolist() == [128]


def test_the_mask_of_a_random_crop_is_cut_at_the_same_place() -> None:
    def place(_: Sample) -> Item:
        image = np.arange(200, dtype=np.uint8).reshape(10, 20, 1)
        return {"image": image, "target": image.copy()}

    pipeline = A.Compose(
        [A.RandomCrop(3, 4), A.HorizontalFlip(p=0.5)], additional_targets={"target": "mask"}
    )
    dataset = SampleSet(samples(1), place, pipeline)
    items = [dataset[0, seed] for seed in range(20)]
    assert all(torch.equal(item["image"], item["target"]) for item in items)
    assert len({item["image"].numpy().tobytes() for item in items}) > 10


def test_as_tensor_keeps_the_shape_of_labels_and_turns_images() -> None:
    label = as_tensor(np.float32([0.5]))
    assert (label.shape, label.dtype) == ((1,), torch.float32)
    image = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    assert as_tensor(image).shape == (4, 2, 3)
    assert as_tensor(image)[3, 1, 2].item() == image[1, 2, 3]
    assert as_tensor(image).is_contiguous()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("workers", [0, 1])
def test_a_batch_has_the_bytes_of_its_samples_in_the_layout_of_the_networks(
    channels: int, workers: int
) -> None:
    def coloured(sample: Sample) -> Item:
        image = np.random.default_rng(int(sample.id)).integers(0, 256, (6, 5, channels), np.uint8)
        return {"image": image, "target": image[:, :, :1].copy()}

    pipeline = A.Compose([A.HorizontalFlip(p=0.5)], additional_targets={"target": "mask"})
    dataset = SampleSet(samples(4), coloured, pipeline)
    draws = ResumableBatchSampler(4, 3, 2, (0, 0))
    for batch, drawn_now in zip(train_loader(dataset, draws, workers, CPU), draws, strict=True):
        items = [dataset[draw] for draw in drawn_now]
        for name, tensor in batch.items():
            assert torch.equal(tensor, torch.stack([item[name] for item in items]))
        image = batch["image"]
        assert image.shape == (3, channels, 6, 5)
        assert image.is_contiguous(memory_format=torch.channels_last)
        # byte for byte what `contiguous` makes of the usual layout, with the same strides
        usual = torch.stack([item["image"].contiguous() for item in items])
        assert image.stride() == usual.contiguous(memory_format=torch.channels_last).stride()
        assert batch["target"].is_contiguous()


def test_images_are_not_copied_before_the_batch() -> None:
    image = np.zeros((4, 5, 3), np.uint8)

    def read(_sample: Sample) -> Item:
        return {"image": image}

    read.__module__ = "comp.data.images.items"  # whose arrays are new
    item = SampleSet(samples(1), read, A.Compose([]))[0, 0]
    assert item["image"].shape == (3, 4, 5)
    assert np.shares_memory(item["image"].numpy(), image)
    image.flags.writeable = False  # torch has no tensors that cannot be written
    item = SampleSet(samples(1), lambda _: {"image": image}, A.Compose([]))[0, 0]
    assert not np.shares_memory(item["image"].numpy(), image)


@pytest.mark.parametrize(("count", "batch_size"), [(5, 3), (5, 5), (5, 7), (4, 2), (1, 3), (7, 1)])
def test_every_sample_comes_exactly_once_a_pass_across_the_borders_of_batches(
    count: int, batch_size: int
) -> None:
    batches = list(ResumableBatchSampler(count, batch_size, 3 * count, (0, 0)))
    assert [len(batch) for batch in batches] == [batch_size] * (3 * count)
    order = [index for index, _ in chain.from_iterable(batches)]
    passes = [order[i : i + count] for i in range(0, len(order), count)]
    assert all(sorted(turn) == list(range(count)) for turn in passes)


def test_passes_have_orders_of_their_own() -> None:
    order = [index for ((index, _),) in ResumableBatchSampler(20, 1, 60, (0, 0))]
    first, second, third = order[:20], order[20:40], order[40:]
    assert first != second != third != first
    assert first != list(range(20))
    assert order != [index for ((index, _),) in ResumableBatchSampler(20, 1, 60, (0, 1))]


@pytest.mark.parametrize("start", [0, 1, 2, 5, 10, 11])
def test_a_run_goes_on_at_any_batch_as_if_it_had_not_stopped(start: int) -> None:
    whole = list(ResumableBatchSampler(5, 3, 11, (4, 2)))
    rest = ResumableBatchSampler(5, 3, 11, (4, 2), start=start)
    assert list(rest) == whole[start:]
    assert len(rest) == 11 - start


def labelled(*targets: float, strata: str = "") -> list[Sample]:
    return [
        Sample(id=str(i), image=Path("x"), target=target, stratum=strata[i] if strata else None)
        for i, target in enumerate(targets)
    ]


def letter(target: Any) -> tuple[str, ...]:
    return ("ab"[int(target)],)


def test_weights_of_classes_are_equal_sums() -> None:
    assert sampling_weights(labelled(0, 1, 1, 1), letter) == pytest.approx([1 / 2, *[1 / 6] * 3])
    assert sampling_weights(labelled(0, 1, 1, 1, strata="aabc"), letter) == pytest.approx(
        [1 / 6, 1 / 6, 1 / 3, 1 / 3]
    )


def test_numbers_of_any_type_have_the_weights_of_their_class() -> None:
    plain = sampling_weights(labelled(0, 1, 1), letter)
    assert sampling_weights(labelled(np.int64(0), np.float32(1), True), letter) == plain


def test_a_sample_of_several_labels_weighs_as_much_as_all_of_them() -> None:
    rows = {0: ("a",), 1: ("a", "b"), 2: (), 3: ("a",)}
    weights = sampling_weights(labelled(0, 1, 2, 3), lambda target: rows[int(target)])  # type: ignore[arg-type]
    assert weights == pytest.approx([1 / 9, 1 / 9 + 1 / 3, 1 / 3, 1 / 9])
    assert sum(weights) == pytest.approx(1)


def test_samples_without_classes_cannot_be_balanced() -> None:
    with pytest.raises(ConfigError, match="balanced draws classes equally often, but"):
        sampling_weights(labelled(0.3, 1.7), lambda _target: ())


def test_classes_are_drawn_equally_often_by_weight() -> None:
    samples = labelled(*[0] * 90, *[1] * 10)
    draws = ResumableBatchSampler(100, 10, 400, (0, 0), weights=sampling_weights(samples, letter))
    order = [index for index, _ in chain.from_iterable(draws)]
    assert 0.46 < np.mean([samples[index].target for index in order]) < 0.54
    assert set(order) == set(range(100))
    assert order[:100] != order[100:200]
    assert list(draws) == list(draws)


def test_what_weighs_nothing_is_not_drawn() -> None:
    batches = ResumableBatchSampler(4, 2, 20, (0, 0), weights=[0, 1, 1, 0])
    assert {index for index, _ in chain.from_iterable(batches)} == {1, 2}


def test_weighted_draws_go_on_at_any_batch_too() -> None:
    weights = [1.0, 2.0, 3.0, 4.0, 5.0]
    whole = list(ResumableBatchSampler(5, 3, 11, (4, 2), weights=weights))
    assert list(ResumableBatchSampler(5, 3, 11, (4, 2), start=4, weights=weights)) == whole[4:]


def test_draws_can_be_iterated_again() -> None:
    draws = ResumableBatchSampler(5, 3, 4, (0, 0))
    assert list(draws) == list(draws)


def test_seeds_of_draws_fit_the_pipeline_and_differ() -> None:
    seeds = [seed for _, seed in chain.from_iterable(ResumableBatchSampler(50, 10, 100, (0, 0)))]
    assert all(0 <= seed < 2**64 for seed in seeds)
    assert len(set(seeds)) == 1000


def test_unset_workers_are_none_beside_the_cpu() -> None:
    dataset = SampleSet(samples(2), grey, noisy())
    loader = train_loader(dataset, ResumableBatchSampler(2, 1, 2, (0,)), None, CPU)
    assert (loader.num_workers, loader.pin_memory) == (0, False)


def test_unset_workers_are_at_most_eight_beside_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = SampleSet(samples(2), grey, noisy())
    monkeypatch.setattr("torch._utils.cpu_count", lambda: 64)
    for cores, workers in ((64, 8), (3, 3)):
        monkeypatch.setattr("comp.data.dataset.cores", lambda cores=cores: cores)
        loader = train_loader(
            dataset, ResumableBatchSampler(2, 1, 2, (0,)), None, torch.device("cuda")
        )
        assert (loader.num_workers, loader.pin_memory) == (workers, True)


def test_weights_of_samples_come_with_the_batches() -> None:
    plain = SampleSet(samples(3), grey, noisy())
    dataset = SampleSet(samples(3), grey, noisy(), weights=[0.5, 1.0, 1.5])
    draws = ResumableBatchSampler(3, 3, 1, (0, 0))
    (batch,) = train_loader(dataset, draws, 0, CPU)
    (without,) = train_loader(plain, draws, 0, CPU)
    numbers = batch["image"][:, 0, 0, 0].tolist()
    assert batch[LOSS_WEIGHT].tolist() == [0.5 + number / 2 for number in numbers]
    assert batch[LOSS_WEIGHT].dtype == torch.float32
    assert list(without) == ["image", "target"]
    assert all(torch.equal(without[name], batch[name]) for name in without)
