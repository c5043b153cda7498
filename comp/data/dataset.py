"""Samples as batches of tensors; each draw of a sample has its own random stream.

The random numbers of a draw depend only on the run's seed, the fold, and the position of the draw
in the training run. They do not depend on the worker that makes the draw, or on the number of
workers: a run is the same with 0, 1 or 2 workers, and a stopped run can resume at any batch.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler, default_collate

from comp.config.schema import RunConfig
from comp.contract.sample import Reader, Sample
from comp.data.cores import cores
from comp.data.fold_candidates import LabelNames, names_of
from comp.data.pipelines import as_pipeline
from comp.data.plugin_arrays import fresh_item
from comp.errors import ConfigError

Draw = tuple[int, int]
"""(index of the sample, seed of its random stream)."""

Batch = dict[str, torch.Tensor]
"""`image`, uint8 (N, C, H, W), and `target`: uint8 (N, C, H, W), or float32 (N, T) for numbers."""

LOSS_WEIGHT = "__loss_weight__"
"""The entry of a batch with the weights of its samples in the loss, float32 (N,)."""

DRAWS = "__draws__"
"""The entry of a batch with the random numbers of its images for the rest of the pipeline, which
changes whole batches on the device: float32 (N, U), see `comp.contract.pipeline.BatchPipeline`."""

NO_INPUTS = ("target", LOSS_WEIGHT, DRAWS)
"""The entries of a batch that no network takes."""


class SampleSet(Dataset[Batch]):
    """Reads and augments one sample per draw, and returns it as tensors.

    Args:
        pipeline: a `comp.contract.pipeline.Pipeline`, or what a plugin returns as its pipeline.
        encode: turns the augmented target into what the loss sees.
        inputs: the entries of an item that the network takes, in this order.
        weights: the weight of each sample in the loss; None: all are 1.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        reader: Reader,
        pipeline: Any,
        encode: Callable[[np.ndarray], np.ndarray] | None = None,
        inputs: Sequence[str] = ("image",),
        weights: Sequence[float] | None = None,
    ) -> None:
        self.samples = samples
        self.reader = reader
        self.pipeline = as_pipeline(pipeline)
        self.encode = encode
        self.inputs = tuple(inputs)
        self.weights = weights

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, draw: Draw) -> Batch:
        index, seed = draw
        item = dict(self.pipeline(fresh_item(self.reader, self.samples[index]), seed))
        if self.encode and "target" in item:
            item["target"] = self.encode(np.asarray(item["target"]))
        names = [*self.inputs, *(["target"] if "target" in item else [])]
        batch = {n: as_image(item[n]) if n == "image" else as_tensor(item[n]) for n in names}
        if self.weights is not None:
            batch[LOSS_WEIGHT] = torch.tensor(self.weights[index], dtype=torch.float32)
        if self.pipeline.on_batch:
            batch[DRAWS] = torch.from_numpy(self.pipeline.on_batch.draw(seed))
        return batch


def to_unit(tensor: torch.Tensor) -> torch.Tensor:
    """Convert uint8 images to floats in 0..1 on the same device; other tensors do not change."""
    return tensor.float().div_(255) if tensor.dtype == torch.uint8 else tensor


def memory_format(config: RunConfig) -> torch.memory_format:
    """The memory layout of images and weights."""
    return torch.channels_last if config.channels_last else torch.contiguous_format


def as_tensor(value: Any) -> torch.Tensor:
    """Convert an image array (H, W, C) to a (C, H, W) tensor; other arrays keep their shape."""
    array = np.asarray(value)
    if array.ndim == 3:
        array = array.transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(array))


def as_image(value: Any) -> torch.Tensor:
    """An image array (H, W, C) as a tensor (C, H, W) of the same memory: nothing is copied."""
    array = np.asarray(value)
    if array.ndim != 3 or not array.flags.writeable:
        return as_tensor(array)
    return torch.from_numpy(np.ascontiguousarray(array)).permute(2, 0, 1)


def stacked(samples: Sequence[Batch]) -> Batch:
    """The batch of some samples. The bytes of images stay in the order of the pixels, which is the
    order that networks take by default (`channels_last`): each byte is copied once."""
    image = samples[0].get("image")
    if image is None or image.ndim != 3:
        whole: Batch = default_collate(list(samples))
        return whole
    by_pixel = [{**sample, "image": sample["image"].permute(1, 2, 0)} for sample in samples]
    whole = default_collate(by_pixel)
    count, height, width, channels = whole["image"].shape
    if channels == 1:  # the usual strides, by which torch chooses its kernels
        whole["image"] = whole["image"].reshape(count, 1, height, width)
    else:
        whole["image"] = whole["image"].permute(0, 3, 1, 2)
    return whole


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
        collate_fn=collated if hasattr(dataset, "__getitems__") else stacked,
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
