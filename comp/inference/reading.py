"""Reads the samples of a prediction: several at once, and on a GPU ahead of it.

The samples come in chunks. On the CPU, all cores read a chunk, and then all cores predict it:
threads that read beside the network would only take its cores. On a GPU the next chunks are read
meanwhile, by threads, or by processes if there are many chunks. Nothing here changes a prediction:
batches are the same, whoever reads them.
"""

from __future__ import annotations

import copy
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset

from comp.contract.pipeline import Pipeline
from comp.contract.sample import Reader, Sample, without_target
from comp.data.cores import cores
from comp.data.dataset import Draw, train_loader
from comp.data.plugin_arrays import fresh_item
from comp.data.reading_threads import Pace, allow_threads, shared
from comp.errors import CompError

CHUNK_BYTES = 1 << 26
"""Most bytes of a chunk, if it has more than one sample."""
AHEAD_BYTES = 1 << 29
"""Most bytes that threads read ahead of a GPU, but at least one chunk."""
MOST_THREADS = 8
CHUNKS_PER_WORKER = 4
"""With fewer chunks, processes would take longer to start than threads to read."""
PREFETCHED = 2
"""Chunks that each process reads ahead."""
SHARED_MEMORY = Path("/dev/shm")
"""Where processes put their chunks, on Linux."""


class Part(NamedTuple):
    """Consecutive samples whose entries have equal shapes: arrays (n, ...), images (n, H, W, C)."""

    entries: dict[str, Any]
    """Arrays of numpy, or tensors."""

    @property
    def length(self) -> int:
        """The number of samples."""
        return len(next(iter(self.entries.values())))

    @property
    def shapes(self) -> tuple[tuple[int | str, ...], ...]:
        """The shapes of the entries of one sample, and their types."""
        return tuple(
            (*values.shape[1:], _name_of(values.dtype)) for values in self.entries.values()
        )

    @property
    def nbytes(self) -> int:
        """The bytes of all entries."""
        return sum(int(values.nbytes) for values in self.entries.values())

    def between(self, start: int, end: int) -> Part:
        """Some of the samples, without a copy."""
        if start == 0 and end >= self.length:
            return self
        return Part({name: values[start:end] for name, values in self.entries.items()})


@cache
def _name_of(dtype: Any) -> str:
    """The name of a type of numpy or of torch, which have the same ones."""
    return str(dtype).removeprefix("torch.")


@dataclass(frozen=True, kw_only=True)
class ItemSet(Dataset[list[Part]]):
    """The entries `inputs` of samples, as prediction sees them. It can be pickled."""

    samples: Sequence[Sample]
    reader: Reader
    pipeline: Pipeline
    inputs: Sequence[str] = ("image",)

    def __len__(self) -> int:
        return len(self.samples)

    def read(self, index: int, pipeline: Pipeline) -> Part:
        """One sample, as a part."""
        read = fresh_item(self.reader, without_target(self.samples[index], self.reader))
        read.pop("target", None)
        item = pipeline(read, 0)
        arrays = {name: np.asarray(item[name]) for name in self.inputs}
        return Part({name: array[None] for name, array in arrays.items()})

    def __getitem__(self, draw: Draw) -> list[Part]:
        return [self.read(draw[0], self.pipeline)]

    def __getitems__(self, draws: Sequence[Draw]) -> list[Part] | CompError:
        """A chunk in a process of a loader. An error is returned: the loader would raise another
        one, with the traceback of the process in its message."""
        try:
            return joined([self.read(index, self.pipeline) for index, _ in draws])
        except CompError as error:
            return error


def joined(parts: Sequence[Part], pin: bool = False) -> list[Part]:
    """Neighbours of equal shapes as one part each, of tensors.

    Args:
        pin: whether the tensors are copied to memory from which a GPU copies by itself.
    """
    groups: list[list[Part]] = []
    for part in parts:
        if groups and groups[-1][0].shapes == part.shapes:
            groups[-1].append(part)
        else:
            groups.append([part])
    return [
        Part({name: _tensor(group, name, pin) for name in group[0].entries}) for group in groups
    ]


def _tensor(parts: Sequence[Part], name: str, pin: bool) -> torch.Tensor:
    arrays = [part.entries[name] for part in parts]
    joined = np.concatenate(arrays) if len(arrays) > 1 else np.ascontiguousarray(arrays[0])
    tensor = torch.from_numpy(joined)
    return tensor.pin_memory() if pin else tensor


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How the samples of a prediction are read: `batch_size` is the most samples of a batch, and
    `workers` the number of processes, if there are many chunks; 0: threads."""

    items: ItemSet
    batch_size: int
    device: torch.device
    workers: int = 0
    _pipelines: SimpleQueue[Any] = field(default_factory=SimpleQueue, init=False, repr=False)

    def batches(self) -> Iterator[list[Part]]:
        """The parts of each batch: samples in order, all of equal shapes."""
        waiting: list[Part] = []
        room = self.batch_size
        for part in self._parts():
            if waiting and waiting[0].shapes != part.shapes:
                yield waiting
                waiting, room = [], self.batch_size
            start = 0
            while start < part.length:
                taken = part.between(start, start + room)
                waiting.append(taken)
                start, room = start + taken.length, room - taken.length
                if not room:
                    yield waiting
                    waiting, room = [], self.batch_size
        if waiting:
            yield waiting

    def _parts(self) -> Iterator[Part]:
        """All samples in order. The first one says how large a chunk may be."""
        if not len(self.items):
            return
        first = self._read(0)
        yield first
        chunks = _Chunks(len(self.items), self.batch_size, first)
        many = self.workers and len(self.items) >= CHUNKS_PER_WORKER * self.workers * chunks.size
        if many and _fits(self.workers * PREFETCHED * chunks.size * first.nbytes):
            yield from self._by_processes(list(chunks))
        elif self.threads < 2:
            yield from map(self._read, range(1, len(self.items)))
        else:
            on_gpu = self.device.type == "cuda"
            yield from self._by_threads(chunks, self._ahead if on_gpu else self._at_once)

    @cached_property
    def threads(self) -> int:
        """The number of threads: 1 for a plugin's own reader or transforms, and at least 2 beside a
        GPU, so that reading goes on while it works."""
        if not allow_threads(self.items.reader, self.items.pipeline):
            return 1
        return max(2 if self.device.type == "cuda" else 1, min(MOST_THREADS, cores()))

    def _by_threads(
        self, chunks: _Chunks, read: Callable[[ThreadPoolExecutor, _Chunks], Iterator[Part]]
    ) -> Iterator[Part]:
        pool = ThreadPoolExecutor(self.threads, "reader")
        try:
            yield from read(pool, chunks)
        finally:
            pool.shutdown(cancel_futures=True)

    def _at_once(self, pool: ThreadPoolExecutor, chunks: _Chunks) -> Iterator[Part]:
        """Read each chunk when it is needed: with all threads, unless one reads quickly."""
        pace = Pace()
        for chunk in chunks:
            yield pace.timed(lambda index=chunk[0]: self._read(index))  # type: ignore[misc]
            if pace.quick:
                yield from map(self._read, chunk[1:])
                continue
            for parts in pool.map(self._read_all, shared(chunk[1:], self.threads)):
                chunks.see(parts)
                yield from parts

    def _ahead(self, pool: ThreadPoolExecutor, chunks: _Chunks) -> Iterator[Part]:
        """Read some chunks ahead, each with one thread."""
        waiting: deque[Future[list[Part]]] = deque()
        for chunk in chunks:
            waiting.append(pool.submit(self._read_pinned, chunk))
            while len(waiting) > min(self.threads, max(1, AHEAD_BYTES // chunks.nbytes)):
                parts = waiting.popleft().result()
                chunks.see(parts)
                yield from parts
        while waiting:
            yield from waiting.popleft().result()

    def _by_processes(self, chunks: Sequence[range]) -> Iterator[Part]:
        draws = [[(index, 0) for index in chunk] for chunk in chunks]
        loader: Any = train_loader(self.items, draws, self.workers, self.device)  # type: ignore[arg-type]
        loader.generator = torch.Generator()  # the seed of its processes is not drawn from others
        try:
            for parts in loader:
                if isinstance(parts, CompError):
                    raise parts
                yield from parts
        finally:
            del loader  # a traceback would keep it, and its processes

    def _read_all(self, chunk: range) -> list[Part]:
        return [self._read(index) for index in chunk]

    def _read_pinned(self, chunk: range) -> list[Part]:
        return joined(self._read_all(chunk), pin=True)

    def _read(self, index: int) -> Part:
        """One sample, with a pipeline that no other thread uses meanwhile."""
        try:
            pipeline = self._pipelines.get_nowait()
        except Empty:
            pipeline = copy.deepcopy(self.items.pipeline)
        try:
            return self.items.read(index, pipeline)
        finally:
            self._pipelines.put(pipeline)


class _Chunks:
    """The indices of all samples but the first, which is a part of the first chunk. Larger samples
    make smaller chunks."""

    def __init__(self, count: int, batch_size: int, first: Part) -> None:
        self.count, self.batch_size, self.largest = count, batch_size, max(1, first.nbytes)

    @property
    def size(self) -> int:
        """The samples of a chunk."""
        return min(self.batch_size, max(1, CHUNK_BYTES // self.largest))

    @property
    def nbytes(self) -> int:
        """The bytes of a chunk, about."""
        return self.size * self.largest

    def see(self, parts: Sequence[Part]) -> None:
        """Learn how large samples are."""
        self.largest = max(self.largest, *(part.nbytes // part.length for part in parts))

    def __iter__(self) -> Iterator[range]:
        start = 1
        while start < self.count:
            end = min(self.count, start + self.size - start % self.size)
            yield range(start, end)
            start = end


def _fits(needed: int) -> bool:
    """Whether processes have room for so many bytes of chunks. A process that finds no room ends
    with a bus error."""
    return not SHARED_MEMORY.is_dir() or needed < shutil.disk_usage(SHARED_MEMORY).free
