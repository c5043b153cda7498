"""Run the frozen part of a network over images, while the next images are read in a thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from queue import Queue
from threading import Event, Thread
from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np
import torch
from torch import Tensor

from comp.data.dataset import Batch, Draw, SampleSet, memory_format, to_unit, train_loader
from comp.features.plan import OnImage, Plan
from comp.inference.tta import SYMMETRIES, Symmetry
from comp.runs.progress import Reporter
from comp.signals import stop_if_requested

if TYPE_CHECKING:
    from accelerate import Accelerator

    from comp.config.schema import RunConfig
    from comp.contract.pipeline import Pipeline
    from comp.contract.sample import Reader

Network = Callable[[Tensor], Tensor]
"""Float images (N, C, H, W) in 0..1 on the device -> features (N, ...)."""
T = TypeVar("T")
AHEAD = 2
"""Batches that are read before they are needed."""


class _Images(SampleSet):
    """A `SampleSet` that returns the image alone."""

    def __getitem__(self, draw: Draw) -> Batch:
        return {"image": super().__getitem__(draw)["image"]}


def features_of(
    plan: Plan,
    network: Network,
    reader: Reader,
    pipelines: tuple[Pipeline, Pipeline],
    config: RunConfig,
    accelerator: Accelerator,
    on_image: OnImage | None = None,
) -> Iterator[np.ndarray]:
    """Yield the features of a plan in the order of its file, batch by batch, float32.

    First come the plain views, (n, copies, *shape), then the augmented ones, (n, 1, *shape). The
    random numbers of a view depend on `seed`, the sample's row and the number of the view alone.

    Args:
        pipelines: without and with random augmentation.
        on_image: called with the number of images that the network has seen.

    Raises:
        Stopped: a signal came.
    """
    symmetries = SYMMETRIES[plan.symmetries]
    done = 0
    plain = [(row, 0) for row in range(len(plan.samples))]
    seeds = ((row, [config.seed, 2, row, view]) for row, view in np.ndindex(plan.views_shape[:2]))
    augmented = [(row, _seed(numbers)) for row, numbers in seeds]
    passes = (plain, pipelines[0], symmetries), (augmented, pipelines[1], symmetries[:1])
    for draws, pipeline, copies in passes:
        images = _Images(plan.samples, reader, pipeline)
        for batch in _batches(images, draws, config, accelerator):
            stop_if_requested()
            yield _forward(network, batch, copies, config, accelerator)
            done += len(batch) * len(copies)
            if on_image:
                on_image(done, plan.passes)


def progress_of(reporter: Reporter, doing: str) -> OnImage:
    """A function that reports how many images are processed as `doing` says."""

    def report(done: int, total: int) -> None:
        reporter.images_decoded(done, total, doing)

    return report


def _seed(numbers: Sequence[int]) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0])


def _batches(
    images: SampleSet, draws: Sequence[Draw], config: RunConfig, accelerator: Accelerator
) -> Iterator[Tensor]:
    """The images of the draws, in batches of `predict.batch_size`, read ahead."""
    size = config.predict.batch_size
    batches = [list(draws[start : start + size]) for start in range(0, len(draws), size)]
    if not batches:
        return
    loader = train_loader(images, batches, config.loader.workers, accelerator.device)
    for batch in ahead(loader):
        yield batch["image"]


@torch.inference_mode()
def _forward(
    network: Network,
    batch: Tensor,
    symmetries: Sequence[Symmetry],
    config: RunConfig,
    accelerator: Accelerator,
) -> np.ndarray:
    device = accelerator.device
    images = to_unit(batch.to(device, non_blocking=device.type == "cuda"))
    images = images.contiguous(memory_format=memory_format(config))
    with accelerator.autocast():
        copies = [network(symmetry.apply(images)).float() for symmetry in symmetries]
    return torch.stack(copies, dim=1).cpu().numpy()


def ahead(items: Iterable[T], count: int = AHEAD) -> Iterator[T]:
    """Yield the items, of which a thread computes up to `count` before they are needed."""
    queue: Queue[tuple[T | None, BaseException | None] | None] = Queue(count)
    stopped = Event()

    def work() -> None:
        try:
            for item in items:
                queue.put((item, None))
                if stopped.is_set():
                    return
            queue.put(None)
        except BaseException as error:  # raised again below
            queue.put((None, error))

    thread = Thread(target=work, daemon=True)
    thread.start()
    try:
        while got := queue.get():
            item, error = got
            if error:
                raise error
            yield cast(T, item)
    finally:
        stopped.set()
        while thread.is_alive():  # the thread may wait for room in the queue
            while not queue.empty():
                queue.get_nowait()
            thread.join(0.01)
