"""Threads that read and augment the samples of a batch, for a training on the CPU without workers.

The network waits meanwhile, so that all cores read, and then all cores train. A thread has its own
copy of the pipeline, and each draw its own random numbers: the batches are the same bytes as those
of one thread. Samples that one thread reads quickly stay with it: several would mostly wait for
each other.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

from torch.utils.data import Dataset

from comp.contract.pipeline import Pipeline
from comp.contract.sample import Reader
from comp.data.dataset import Batch, Draw, SampleSet, stacked

T = TypeVar("T")
QUICK_S = 3e-4
"""A read of fewer seconds is not shared: several threads took 0.08 ms for an image of a cache, and
one of them 0.03 to 0.05 ms (two cores)."""


class Pace:
    """How long a read takes at least."""

    def __init__(self) -> None:
        self.seconds = math.inf

    def timed(self, read: Callable[[], T]) -> T:
        """What a read returns; its time counts."""
        began = time.perf_counter()
        value = read()
        self.seconds = min(self.seconds, time.perf_counter() - began)
        return value

    @property
    def quick(self) -> bool:
        """Whether one thread is enough."""
        return self.seconds < QUICK_S


class ThreadedSet(Dataset[Batch]):
    """The samples of a `SampleSet`, which some threads read."""

    def __init__(self, samples: SampleSet, threads: int) -> None:
        self.copies = [_with_own_pipeline(samples) for _ in range(threads)]
        self._pool = ThreadPoolExecutor(threads, "reader")
        self._pace = Pace()

    def __len__(self) -> int:
        return len(self.copies[0])

    def __getitem__(self, draw: Draw) -> Batch:
        return self.copies[0][draw]

    def __getitems__(self, draws: Sequence[Draw]) -> Batch:
        """The batch of some draws."""
        first = self._pace.timed(lambda: self[draws[0]])
        if self._pace.quick:
            return stacked([first, *_read(self.copies[0], draws[1:])])
        shares = shared(draws[1:], len(self.copies))
        parts = [self._pool.submit(_read, *each) for each in zip(self.copies, shares, strict=False)]
        wait(parts)  # also after an error no thread reads beside what follows
        return stacked([first, *(sample for part in parts for sample in part.result())])


def shared(items: Sequence[T], threads: int) -> list[Sequence[T]]:
    """Consecutive items for each thread, in order."""
    step = max(1, math.ceil(len(items) / threads))
    return [items[start : start + step] for start in range(0, len(items), step)]


def by_threads(samples: Dataset[Batch], threads: int) -> Dataset[Batch]:
    """The data set, read by so many threads if its reader and its pipeline allow several: those of
    a plugin may know only one."""
    if threads < 2 or not isinstance(samples, SampleSet):
        return samples
    if not allow_threads(samples.reader, samples.pipeline):
        return samples
    return ThreadedSet(samples, threads)


def allow_threads(reader: Reader, pipeline: Pipeline) -> bool:
    """Whether several threads may use a reader, and copies of a pipeline, at the same time."""
    return hasattr(reader, "target_alone") and getattr(pipeline, "by_threads", False)


def _with_own_pipeline(samples: SampleSet) -> SampleSet:
    own = copy.copy(samples)
    own.pipeline = copy.deepcopy(samples.pipeline)
    return own


def _read(samples: SampleSet, draws: Sequence[Draw]) -> list[Batch]:
    return [samples[draw] for draw in draws]
