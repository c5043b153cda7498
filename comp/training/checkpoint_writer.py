"""Writes the state of a fold beside the training, at intervals that follow from what it costs.

The training waits for a copy of the state in the memory of the machine, and not for the disk: a
thread writes the copy. A process that is killed meanwhile leaves the previous file, which is
complete too.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from comp.files import replacing
from comp.training.generators import generator_states
from comp.training.state import FORMAT, TrainingState

MOST = 0.02
"""The share of the time that the checkpoints may cost."""
FIXED = ("best", "end")
"""Parts of a state whose tensors are replaced and never changed, so that they need no copy."""
CHEAP_S = 0.1
"""A checkpoint that costs less is written whenever it is due."""


class CheckpointWriter:
    """Writes the state of a fold at intervals.

    Args:
        path: the file; None writes nothing.
        steps: planned optimizer steps of the fold.
        every_steps: optimizer steps between two checkpoints; None: no limit by steps.
        every_s: seconds between two checkpoints; None: no limit by time. The interval is longer if
            the checkpoints would cost more than 2 % of the time.
    """

    def __init__(
        self,
        path: Path | None = None,
        steps: int = 0,
        every_steps: int | None = None,
        every_s: float | None = None,
    ) -> None:
        self.path, self.planned = path, steps
        self.cost_s = 0.0
        """Seconds that the last checkpoint took from the training: those for which it waited, and
        those of a core that the thread used."""
        self._every_steps, self._every_s = every_steps, every_s
        self._last_time = time.monotonic()
        self._last_step = 0
        self._pool: ThreadPoolExecutor | None = None
        self._writing: Future[float] | None = None

    def due(self, step: int) -> bool:
        """Whether it is time for the next checkpoint."""
        if self._every_steps is not None and step - self._last_step >= self._every_steps:
            return True
        if self._every_s is None or (self._writing and not self._writing.done()):
            return False
        return self._since() >= max(self._every_s, self._least_s())

    def worth(self, last: bool) -> bool:
        """Whether a checkpoint before a validation is worth what it costs. Before the `last` one it
        always is: what follows may take long."""
        return last or self._last_step == 0 or self._since() >= self._least_s()

    def _since(self) -> float:
        return time.monotonic() - self._last_time

    def _least_s(self) -> float:
        """The shortest time between two checkpoints, from the cost of the last one."""
        if self._writing and self._writing.done():
            self._finish()
        return self.cost_s / MOST if self.cost_s > CHEAP_S else 0.0

    def save(self, state: TrainingState, step: int, validation_pending: bool = False) -> None:
        """Write the state after `step`, unless a weight, buffer or loss in it is not finite. A
        thread writes it; `wait` waits for it.

        Raises:
            DiskError: the disk is full, now or for the checkpoint before; an older one still
                exists.
        """
        began = time.perf_counter()
        self._last_time, self._last_step = time.monotonic(), step
        self.wait()
        if self.path is None or not state.is_finite():
            return
        device = state.accelerator.device
        content = {
            "format": FORMAT,
            "step": step,
            "steps": self.planned,
            "pending": validation_pending,
            "parts": _copied_parts(state.state_dict(), device),
            "generators": generator_states(device),
        }
        if device.type == "cuda":
            torch.cuda.synchronize(device)  # the copies to pinned memory do not wait
        self._pool = self._pool or ThreadPoolExecutor(1, "checkpoint")
        self.cost_s = time.perf_counter() - began
        self._writing = self._pool.submit(_write, self.path, content)

    def wait(self) -> None:
        """Wait until the last checkpoint is on the disk.

        Raises:
            DiskError: the disk is full; the checkpoint before still exists.
        """
        if self._writing:
            self._finish()

    def _finish(self) -> None:
        writing, self._writing = self._writing, None
        assert writing
        self.cost_s += writing.result()

    @contextmanager
    def open(self) -> Iterator[None]:
        """Wait at the end of the block until the last checkpoint is on the disk. An error of the
        block counts more than one of the disk.

        Raises:
            DiskError: the disk is full.
        """
        try:
            yield
            self.wait()
        finally:
            if self._pool:
                self._pool.shutdown()
            self._pool = self._writing = None


def _copied_parts(parts: Mapping[str, Any], device: torch.device) -> dict[str, Any]:
    fixed = FIXED if device.type == "cpu" else ()
    return {name: part if name in fixed else copied(part) for name, part in parts.items()}


def copied(value: Any) -> Any:
    """A copy in the memory of the machine of what a step may change: of tensors, and of what
    contains them. Copies from a GPU may not have arrived when it returns."""
    if isinstance(value, torch.Tensor):
        value = value.detach()
        on_gpu = value.device.type == "cuda"
        return value.to("cpu", non_blocking=True) if on_gpu else value.cpu().clone()
    if isinstance(value, Mapping):
        copy = type(value)((name, copied(part)) for name, part in value.items())  # type: ignore[call-arg]
        if hasattr(value, "_metadata"):  # the versions of the modules in a state dict
            copy._metadata = value._metadata  # type: ignore[attr-defined]
        return copy
    if isinstance(value, list | tuple):
        return type(value)(copied(part) for part in value)
    return value


def _write(path: Path, content: Mapping[str, Any]) -> float:
    """Write a checkpoint; returns the seconds of a core that this took."""
    began = time.thread_time()
    with replacing(path) as temporary, temporary.open("wb") as stream:
        try:
            torch.save(content, stream)
        except RuntimeError as error:  # on a full disk torch then fails to end its file
            if isinstance(error.__context__, OSError):
                raise error.__context__ from None
            raise
    return time.thread_time() - began
