"""Samples as batches of tensors; each draw of a sample has its own random stream.

The random numbers of a draw depend only on the run's seed, the fold, and the position of the draw
in the training run. They do not depend on the worker that makes the draw, or on the number of
workers: a run is the same with 0, 1 or 2 workers, and a stopped run can resume at any batch.
"""

from __future__ import annotations

import random
import signal
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from comp.config.schema import RunConfig
from comp.contract.sample import Reader, Sample
from comp.data.cores import cores
from comp.data.fold_candidates import LabelNames, names_of
from comp.errors import ConfigError

if TYPE_CHECKING:
    import albumentations as A

Draw = tuple[int, int]
"""(index of the sample, seed of its random stream)."""

Batch = dict[str, torch.Tensor]
"""`image`, uint8 (N, C, H, W), and `target`: uint8 (N, C, H, W), or float32 (N, T) for numbers."""

LOSS_WEIGHT = "__loss_weight__"
"""The entry of a batch with the weights of its samples in the loss, float32 (N,)."""


class SampleSet(Dataset[Batch]):
    """Reads and augments one sample per draw, and returns it as tensors.

    Args:
        encode: turns the augmented target into what the loss sees.
        inputs: the entries of an item that the network takes, in this order.
        weights: the weight of each sample in the loss; None: all are 1.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        reader: Reader,
        pipeline: A.Compose,
        encode: Callable[[np.ndarray], np.ndarray] | None = None,
        inputs: Sequence[str] = ("image",),
        weights: Sequence[float] | None = None,
    ) -> None:
        self.samples = samples
        self.reader = reader
        self.pipeline = pipeline
        self.encode = encode
        self.inputs = tuple(inputs)
        self.weights = weights

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, draw: Draw) -> Batch:
        index, seed = draw
        item = self.reader(self.samples[index])
        seed_pipeline(self.pipeline, seed)
        item = self.pipeline(**item)
        if self.encode and "target" in item:
            item["target"] = self.encode(np.asarray(item["target"]))
        names = [*self.inputs, *(["target"] if "target" in item else [])]
        batch = {name: as_tensor(item[name]) for name in names}
        if self.weights is not None:
            batch[LOSS_WEIGHT] = torch.tensor(self.weights[index], dtype=torch.float32)
        return batch


def to_unit(tensor: torch.Tensor) -> torch.Tensor:
    """Convert uint8 images to floats in 0..1 on the same device; other tensors do not change."""
    return tensor.float().div_(255) if tensor.dtype == torch.uint8 else tensor


def memory_format(config: RunConfig) -> torch.memory_format:
    """The memory layout of images and weights."""
    return torch.channels_last if config.channels_last else torch.contiguous_format


def seed_pipeline(pipeline: A.Compose, seed: int) -> None:
    """Give all transforms of a pipeline the same pair of generators.

    `Compose.set_random_seed` would give each transform its own generator with the same seed. Their
    first numbers would be equal: an image that flips one way would always flip the other way too.
    """
    pipeline.set_random_state(np.random.default_rng(seed), random.Random(seed))


def as_tensor(value: Any) -> torch.Tensor:
    """Convert an image array (H, W, C) to a (C, H, W) tensor; other arrays keep their shape."""
    array = np.asarray(value)
    if array.ndim == 3:
        array = array.transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(array))


def sampling_weights(samples: Sequence[Sample], label_names: LabelNames) -> list[float]:
    """The weight of each sample, of sum 1, so that all classes are drawn equally often.

    The class of a sample is its stratum, or the label of its target if it has no stratum. A sample
    with several labels has the sum of their weights, and one without labels is of a class of its
    own.

    Raises:
        ConfigError: the samples have no classes.
    """
    names = [names_of(sample, label_names) for sample in samples]
    if not any(names):
        raise ConfigError(
            "loader.sampler = balanced draws classes equally often, but these samples have no "
            "classes: set loader.sampler = shuffle"
        )
    classes = [each or ("",) for each in names]
    counts = Counter(name for each in classes for name in each)
    return [sum(1 / (len(counts) * counts[name]) for name in each) for each in classes]


class ResumableBatchSampler(Sampler[list[Draw]]):
    """The batches of a training run: epochs over all samples, each in a new order.

    Args:
        count: number of samples.
        batch_size: draws in a batch; a batch can contain the end of one epoch and the start of the
            next.
        batches: number of batches in the run.
        seed: the seeds of the orders and of the draws derive from it.
        start: index of the first batch to yield; all later batches are the same as with start 0.
        weights: weight of each sample, of any positive sum; an epoch then draws `count` samples
            with replacement.
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
        self.probabilities = None if weights is None else np.asarray(weights) / np.sum(weights)

    def __len__(self) -> int:
        return self.batches - self.start

    def __iter__(self) -> Iterator[list[Draw]]:
        order, current_epoch = np.empty(0, dtype=np.int64), -1
        for batch in range(self.start, self.batches):
            draws = []
            for position in range(batch * self.batch_size, (batch + 1) * self.batch_size):
                epoch, index = divmod(position, self.count)
                if epoch != current_epoch:
                    order, current_epoch = self._order(epoch), epoch
                draws.append((int(order[index]), self._draw_seed(position)))
            yield draws

    def _order(self, epoch: int) -> np.ndarray:
        generator = np.random.default_rng([*self.seed, 0, epoch])
        if self.probabilities is None:
            return generator.permutation(self.count)
        return generator.choice(self.count, self.count, p=self.probabilities)

    def _draw_seed(self, position: int) -> int:
        return int(
            np.random.SeedSequence([*self.seed, 1, position]).generate_state(1, np.uint64)[0]
        )


def train_loader(
    dataset: Dataset[Batch],
    batch_sampler: Iterable[list[Draw]],
    workers: int | None,
    device: torch.device,
) -> DataLoader[Batch]:
    """A loader of the batches of `batch_sampler`; its workers live until it is deleted."""
    gpu, workers = device.type == "cuda", worker_count(workers, device)
    return DataLoader(
        dataset,
        batch_sampler=batch_sampler,
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=gpu,
        worker_init_fn=_init_worker if workers else None,
        collate_fn=collated if hasattr(dataset, "__getitems__") else None,
    )


def collated(batch: Any) -> Any:
    """The collate function of data sets whose `__getitems__` returns collated batches."""
    return batch


def worker_count(workers: int | None, device: torch.device) -> int:
    """The number of workers; if it is None, one per core, at most 8, on a GPU, and none on the
    CPU."""
    if workers is None:
        return min(8, cores()) if device.type == "cuda" else 0
    return workers


def workers_of_rank(workers: int | None, ranks: int, device: torch.device) -> int | None:
    """The number of workers of one of `ranks` processes of a machine, which share its cores; None:
    as `worker_count` says."""
    if workers is None and ranks > 1 and device.type == "cuda":
        return max(1, min(8, cores() // ranks))
    return workers


WORKER_GRACE_S = 4
"""Seconds from SIGTERM to the end of a worker; the training process ends its step meanwhile."""


def _init_worker(_worker: int) -> None:
    """Use one thread, and delay the end by signals.

    OpenCV would use all cores, which the workers share with the training process. A signal to the
    process group also reaches the workers while the training process still needs their batches:
    they end with that process, or `WORKER_GRACE_S` seconds after SIGTERM.
    """
    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: signal.alarm(WORKER_GRACE_S))

    cv2.setNumThreads(0)
    torch.set_num_threads(1)
