"""Losses, images and seconds of a training, measured with few waits for the device."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch

T = TypeVar("T")
_INTERVAL_S = 0.5
"""Seconds between two reports."""


class Meter:
    """Losses, images and seconds since the last report, and totals since the start.

    `wait_s` is the time spent waiting for batches, `validate_s` that of validations.
    """

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.wait_s = 0.0
        self.validate_s = 0.0
        self.images = 0
        self.batches = 0
        self.first_not_finite: tuple[int, float] | None = None
        """The first batch whose loss is not finite, from 0, and its learning rate."""
        self.lr = math.nan
        """The learning rate of the last batch."""
        self._losses_since_validation: list[float] = []
        self._reset()

    def _reset(self) -> None:
        self._since = time.perf_counter()
        self._losses: list[torch.Tensor] = []
        self._lrs: list[float] = []
        self._images_since = 0

    def waiting(self, batches: Iterable[T]) -> Iterator[T]:
        """Yield the batches, and measure the time until each arrives."""
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
        """Count one batch, trained with the learning rate `lr`. The loss stays on the device until
        `report` reads it."""
        self._losses.append(loss.detach())
        self._lrs.append(lr)
        self.lr = lr
        self.batches += 1
        self._images_since += images
        self.images += images

    def due(self) -> bool:
        """Whether it is time for the next report."""
        return time.perf_counter() - self._since >= _INTERVAL_S

    def report(self) -> tuple[float, float]:
        """Return (mean loss, images per second) since the last report, and start the next one."""
        losses = torch.stack(self._losses).float().tolist()
        self._losses_since_validation += losses
        for batch, value in enumerate(losses, start=self.batches - len(losses)):
            if self.first_not_finite is None and not math.isfinite(value):
                self.first_not_finite = (batch, self._lrs[batch - self.batches])
        loss = sum(losses) / len(losses)
        rate = self._images_since / max(time.perf_counter() - self._since, 1e-9)
        self._reset()
        return loss, rate

    def loss_since_validation(self) -> float:
        """Return the mean of the reported losses since the last call; it does not depend on when
        they were reported."""
        mean = sum(self._losses_since_validation) / len(self._losses_since_validation)
        self._losses_since_validation = []
        return mean

    def state_dict(self) -> dict[str, Any]:
        """Plain numbers from which `load_state_dict` resumes."""
        unreported = torch.stack(self._losses).float().tolist() if self._losses else []
        return {
            "between": [*self._losses_since_validation, *unreported],
            "images": self.images,
            "batches": self.batches,
            "lr": self.lr,
            "wait_s": self.wait_s,
            "validate_s": self.validate_s,
            "seconds": self.seconds,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resume from what `state_dict` returned."""
        self._losses_since_validation, self.images = list(state["between"]), state["images"]
        self.batches = state["batches"]
        self.lr = state.get("lr", math.nan)  # older states do not contain it
        self.wait_s, self.validate_s = state["wait_s"], state["validate_s"]
        self.started = time.perf_counter() - state["seconds"]
        self._reset()

    @contextmanager
    def validating(self) -> Iterator[None]:
        """Measure a validation, and leave its time out of the training rate."""
        began = time.perf_counter()
        yield
        self.validate_s += time.perf_counter() - began
        self._since += time.perf_counter() - began

    @property
    def seconds(self) -> float:
        """Seconds since the start of the training."""
        return time.perf_counter() - self.started
