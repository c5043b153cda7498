"""Samples as batches of tensors, each draw with a random stream of its own.

The random numbers of a draw depend on the run's seed, the fold and the position of the draw in the
training run, and on nothing else: not on the worker that makes it, nor on how many there are. So no
two draws share a stream, a run is the same with 0, 1 or 2 workers, and a stopped run can go on at
any batch.
"""

from __future__ import annotations

import random
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from comp.config.schema import RunConfig
from comp.contract.competition import Reader, Sample
from comp.data.cores import cores

if TYPE_CHECKING:
    import albumentations as A

Draw = tuple[int, int]
"""(index of the sample, seed of its random stream)."""

Batch = dict[str, torch.Tensor]
"""`image`, uint8 (N, C, H, W), and `target`: uint8 (N, C, H, W), or float32 (N, 1) for labels."""


class SampleSet(Dataset[Batch]):
    """Reads, augments and turns into tensors one sample a draw."""

    def __init__(self, samples: Sequence[Sample], reader: Reader, pipeline: A.Compose) -> None:
        self.samples = samples
        self.reader = reader
        self.pipeline = pipeline

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, draw: Draw) -> Batch:
        index, seed = draw
        item = self.reader(self.samples[index])
        seed_pipeline(self.pipeline, seed)
        return {name: as_tensor(value) for name, value in self.pipeline(**item).items()}


def to_unit(tensor: torch.Tensor) -> torch.Tensor:
    """Images of bytes become floats in 0..1, on their device; other tensors stay."""
    return tensor.float().div_(255) if tensor.dtype == torch.uint8 else tensor


def memory_format(config: RunConfig) -> torch.memory_format:
    """The layout of images and weights in memory."""
    return torch.channels_last if config.channels_last else torch.contiguous_format


def seed_pipeline(pipeline: A.Compose, seed: int) -> None:
    """Give the transforms of a pipeline one pair of generators to share.

    `Compose.set_random_seed` gives each transform a generator with the same seed, so that the first
    number of each is the same: what flips one way would always flip the other way too.
    """
    pipeline.set_random_state(np.random.default_rng(seed), random.Random(seed))


def as_tensor(value: Any) -> torch.Tensor:
    """An image array (H, W, C) becomes a (C, H, W) tensor; any other array keeps its shape."""
    array = np.asarray(value)
    if array.ndim == 3:
        array = array.transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(array))


def sampling_weights(samples: Sequence[Sample]) -> list[float]:
    """The weight of each sample, of sum 1, with which classes are drawn equally often.

    The class of a sample is its stratum, or else its target.
    """
    classes = [s.target if s.stratum is None else s.stratum for s in samples]
    counts = Counter(classes)
    return [1 / (len(counts) * counts[name]) for name in classes]


class ResumableBatchSampler(Sampler[list[Draw]]):
    """The batches of a training run: passes over all samples, each in a new order.

    Args:
        count: number of samples.
        batch_size: draws in a batch; batches run on across the end of a pass.
        batches: number of batches in the run.
        seed: seeds of the orders and of the draws derive from it.
        start: first batch to yield; the rest is what it would have been.
        weights: weight of each sample, of any positive sum; a pass then draws `count` samples with
            replacement, so that some come often and some not at all.
    """

    def __init__(
        self,
        count: int,
        batch_size: int,
        batches: int,
        seed: Sequence[int],
        start: int = 0,
        weights: Sequence[float] | None = None,
    ) -> None:
        self.count = count
        self.batch_size = batch_size
        self.batches = batches
        self.seed = tuple(seed)
        self.start = start
        self.shares = None if weights is None else np.asarray(weights) / np.sum(weights)

    def __len__(self) -> int:
        return self.batches - self.start

    def __iter__(self) -> Iterator[list[Draw]]:
        order, current = np.empty(0, dtype=np.int64), -1
        for batch in range(self.start, self.batches):
            draws = []
            for position in range(batch * self.batch_size, (batch + 1) * self.batch_size):
                turn, place = divmod(position, self.count)
                if turn != current:
                    order, current = self._order(turn), turn
                draws.append((int(order[place]), self._stream(position)))
            yield draws

    def _order(self, turn: int) -> np.ndarray:
        generator = np.random.default_rng([*self.seed, 0, turn])
        if self.shares is None:
            return generator.permutation(self.count)
        return generator.choice(self.count, self.count, p=self.shares)

    def _stream(self, position: int) -> int:
        return int(
            np.random.SeedSequence([*self.seed, 1, position]).generate_state(1, np.uint64)[0]
        )


def train_loader(
    dataset: SampleSet, draws: ResumableBatchSampler, workers: int | None, device: torch.device
) -> DataLoader[Batch]:
    """A loader of the batches that `draws` names, with workers that live as long as it does.

    Where `workers` is None there are none beside the CPU, which has enough to do, and one a core,
    at most 8, beside a GPU.
    """
    gpu = device.type == "cuda"
    if workers is None:
        workers = min(8, cores()) if gpu else 0
    return DataLoader(
        dataset,
        batch_sampler=draws,
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=gpu,
        worker_init_fn=_one_thread if workers else None,
    )


GRACE_S = 4
"""Seconds that a worker lives on after SIGTERM, in which the training process ends its step."""


def _one_thread(_worker: int) -> None:
    """Workers share the cores with the training process; OpenCV would take all of them. Signals to
    the whole group reach them too, and the training process still needs the batch that they make:
    they end with it, or some seconds after they were told to."""
    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: signal.alarm(GRACE_S))

    cv2.setNumThreads(0)
    torch.set_num_threads(1)
