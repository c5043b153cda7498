"""What training measures of itself, without waiting for the device more than it must."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch

T = TypeVar("T")
_INTERVAL_S = 0.5


class Meter:
    """Losses, images and seconds since the last report, and the seconds spent waiting in all."""

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.wait_s = 0.0
        self.validate_s = 0.0
        self.images = 0
        self.batches = 0
        self.bad: tuple[int, float] | None = None
        """The first batch, from 0, whose loss was not finite, and its learning rate."""
        self.lr = math.nan
        """The learning rate of the last batch."""
        self._between: list[float] = []
        self._reset()

    def _reset(self) -> None:
        self._since = time.perf_counter()
        self._losses: list[torch.Tensor] = []
        self._lrs: list[float] = []
        self._fresh_images = 0

    def waiting(self, batches: Iterable[T]) -> Iterator[T]:
        """Yield the batches, counting the time until each is there."""
        iterator = iter(batches)
        while True:
            asked = time.perf_counter()
            try:
                batch = next(iterator)
            except StopIteration:
                return
            self.wait_s += time.perf_counter() - asked
            yield batch

    def add(self, loss: torch.Tensor, images: int, lr: float = math.nan) -> None:
        """Count one batch, made with the learning rate `lr`; the loss is not read from the device
        before `report`."""
        self._losses.append(loss.detach())
        self._lrs.append(lr)
        self.lr = lr
        self.batches += 1
        self._fresh_images += images
        self.images += images

    def due(self) -> bool:
        """Whether the last report was long enough ago."""
        return time.perf_counter() - self._since >= _INTERVAL_S

    def report(self) -> tuple[float, float]:
        """Return (mean loss, images a second) since the last report, and begin anew."""
        losses = torch.stack(self._losses).float().tolist()
        self._between += losses
        for place, value in enumerate(losses, start=self.batches - len(losses)):
            if self.bad is None and not math.isfinite(value):
                self.bad = (place, self._lrs[place - self.batches])
        loss = sum(losses) / len(losses)
        rate = self._fresh_images / max(time.perf_counter() - self._since, 1e-9)
        self._reset()
        return loss, rate

    def loss_between(self) -> float:
        """Return the mean loss since the last call, of all that was reported; the clock has no
        part in it."""
        mean = sum(self._between) / len(self._between)
        self._between = []
        return mean

    def state_dict(self) -> dict[str, Any]:
        """What a stopped run needs to go on: plain numbers."""
        fresh = torch.stack(self._losses).float().tolist() if self._losses else []
        return {
            "between": [*self._between, *fresh],
            "images": self.images,
            "batches": self.batches,
            "lr": self.lr,
            "wait_s": self.wait_s,
            "validate_s": self.validate_s,
            "seconds": self.seconds,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state_dict` was taken."""
        self._between, self.images = list(state["between"]), state["images"]
        self.batches = state["batches"]
        self.lr = state.get("lr", math.nan)  # which older states do not say
        self.wait_s, self.validate_s = state["wait_s"], state["validate_s"]
        self.started = time.perf_counter() - state["seconds"]
        self._reset()

    @contextmanager
    def validating(self) -> Iterator[None]:
        """Count the time of a validation apart from that of training."""
        began = time.perf_counter()
        yield
        self.validate_s += time.perf_counter() - began
        self._since += time.perf_counter() - began

    @property
    def seconds(self) -> float:
        """Seconds since the meter was made."""
        return time.perf_counter() - self.started
