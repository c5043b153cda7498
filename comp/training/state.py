"""The state of a fold that is under way: one file, whole or not there, from which it goes on.

It holds all that the next step depends on: weights, moving average, optimizer, schedule, gradient
scaler, the generators of torch, numpy and Python, the best weights so far with their counters, and
the losses since the last validation. The augmentation and the order of the samples are functions of
the step, and so is what is frozen; they need no state.
"""

from __future__ import annotations

import io
import json
import math
import random
import struct
import time
import warnings
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile, ZipFile

import numpy as np
import torch
from torch import nn

from comp.errors import RunError
from comp.files import write_bytes

if TYPE_CHECKING:
    from accelerate import Accelerator
    from timm.utils import ModelEmaV3

    from comp.training.best import BestWeights
    from comp.training.meter import Meter
    from comp.training.schedule import Schedule

RESUME = "resume.pt"
FORMAT = 1
UNREADABLE = (
    *(OSError, RuntimeError, UnpicklingError, ValueError, KeyError, TypeError, EOFError),
    *(BadZipFile, struct.error, zlib.error),
)
"""What reading a file that is no state may raise."""


@dataclass(frozen=True)
class TrainingState:
    """Everything in a training loop that has a state."""

    model: nn.Module
    average: ModelEmaV3 | None
    optimizer: Any
    schedule: Schedule
    best: BestWeights
    meter: Meter
    accelerator: Accelerator

    def state(self) -> dict[str, Any]:
        """Tensors, numbers and lists alone, so that reading them back runs no code."""
        scaler = self.accelerator.scaler
        return {
            "model": self.model.state_dict(),
            "average": self.average.module.state_dict() if self.average else None,
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "scaler": scaler.state_dict() if scaler else None,
            "best": self.best.state_dict(),
            "meter": self.meter.state_dict(),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on where `state` was taken."""
        self.model.load_state_dict(state["model"])
        if self.average:
            self.average.module.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        if self.accelerator.scaler and state["scaler"]:
            self.accelerator.scaler.load_state_dict(state["scaler"])
        self.best.load_state_dict(state["best"])
        self.meter.load_state_dict(state["meter"])


@dataclass(frozen=True)
class TrainingCheckpoint:
    """A state that was read: after `step` of `steps` optimizer steps, before their validation if
    `pending`."""

    path: Path
    step: int
    steps: int
    pending: bool
    parts: Mapping[str, Any]
    generators: Mapping[str, Any]

    @property
    def seconds(self) -> float:
        """Seconds of training until then."""
        return float(self.parts["meter"]["seconds"])

    def set_generators(self) -> None:
        """Set the generators to their states in it.

        Raises:
            RunError: where there are none.
        """
        with self.loading():
            set_generators(self.generators)

    @contextmanager
    def loading(self) -> Iterator[None]:
        """Say in plain words that the state does not fit what it is loaded into.

        Raises:
            RunError: where it does not.
        """
        try:
            yield
        except torch.OutOfMemoryError:
            raise
        except (*UNREADABLE, AttributeError) as error:
            raise refusal(self.path, error) from None


class CheckpointWriter:
    """Saves the state of a fold from time to time.

    Args:
        path: the file; None keeps nothing.
        steps: optimizer steps that are planned in all.
        every_steps: optimizer steps from one save to the next; None leaves it to the clock.
        every_s: seconds from one to the next; None leaves it to the steps.
    """

    def __init__(
        self,
        path: Path | None = None,
        steps: int = 0,
        every_steps: int | None = None,
        every_s: float | None = None,
    ) -> None:
        self.path, self.planned = path, steps
        self._steps, self._seconds = every_steps, every_s
        self._at = time.monotonic()
        self._step = 0

    def due(self, step: int) -> bool:
        """Whether the last save is long enough ago."""
        if self._steps is not None and step - self._step >= self._steps:
            return True
        return self._seconds is not None and time.monotonic() - self._at >= self._seconds

    def save(self, parts: TrainingState, step: int, pending: bool = False) -> None:
        """Write the state after `step`; one with weights, statistics or losses that are not finite
        is never written.

        Raises:
            DiskError: when there is no room; the older state is still there.
        """
        self._at, self._step = time.monotonic(), step
        if self.path is None or not finite(parts):
            return
        held = io.BytesIO()
        state = {
            "format": FORMAT,
            "step": step,
            "steps": self.planned,
            "pending": pending,
            "parts": parts.state(),
            "generators": generators(),
        }
        torch.save(state, held)
        write_bytes(self.path, held.getbuffer())


def read(path: Path) -> TrainingCheckpoint | None:
    """The state in a file, None where there is none.

    Raises:
        RunError: for a file that is damaged, of another version, or holds anything but data; it is
            read with `weights_only=True`, which runs no code.
    """
    if not path.is_file():
        return None
    try:
        _check_sums(path)
        with warnings.catch_warnings():  # of pickles that it refuses anyway
            warnings.simplefilter("ignore")
            state = torch.load(path, map_location="cpu", weights_only=True)
        if state["format"] != FORMAT:
            raise ValueError(f"format {state['format']}")
        keys = ("step", "steps", "pending", "parts", "generators")
        saved = TrainingCheckpoint(path, *(state[key] for key in keys))
        if not 0 < saved.step <= saved.steps or saved.seconds < 0:
            raise ValueError(f"step {saved.step} of {saved.steps}")
    except UNREADABLE as error:
        raise refusal(path, error) from None
    return saved


def refusal(path: Path, error: Exception) -> RunError:
    """What to tell of a state that cannot be gone on from."""
    reason = " ".join(str(error).split())[:120]
    missing = "it has no " if isinstance(error, KeyError) else ""
    return RunError(
        f"{path} cannot be gone on from ({missing}{reason}): remove it, and the fold begins anew"
    )


def _check_sums(path: Path) -> None:
    """Compare the file with the checksums in it, which torch writes and does not look at.

    Raises:
        ValueError: for a file that is damaged.
        BadZipFile: for one that is cut, or no state at all.
    """
    with ZipFile(path) as archive:
        bad = archive.testzip()
    if bad:
        raise ValueError(f"it is damaged: the checksum of {bad} in it is wrong")


def generators() -> dict[str, Any]:
    """The states of the generators of torch, numpy and Python."""
    found: Any = np.random.get_state(legacy=True)
    name, keys, position, has_gauss, gauss = found
    version, internal, held = random.getstate()
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "numpy": [name, torch.from_numpy(keys.astype(np.int64)), position, has_gauss, gauss],
        "python": [version, list(internal), held],
    }


def set_generators(states: Mapping[str, Any]) -> None:
    """Set the generators to states that `generators` took."""
    torch.set_rng_state(states["torch"])
    if states["cuda"] and torch.cuda.device_count() == len(states["cuda"]):
        torch.cuda.set_rng_state_all(states["cuda"])
    name, keys, *rest = states["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))
    version, internal, held = states["python"]
    random.setstate((version, tuple(internal), held))


def finite(parts: TrainingState) -> bool:
    """Whether no weight, no statistic, no average and no loss since the last validation is NaN or
    infinite."""
    held = [*parts.model.state_dict().values()]
    held += parts.average.module.state_dict().values() if parts.average else []
    sound = all(bool(torch.isfinite(t).all()) for t in held if t.is_floating_point())
    return sound and all(map(math.isfinite, parts.meter.state_dict()["between"]))


def cut_history(path: Path, saved: TrainingCheckpoint | None) -> None:
    """Leave only those whole lines in a history that a state has seen; none where there is no
    state."""
    if saved is None:
        path.unlink(missing_ok=True)
        return
    if path.is_file():
        last = saved.step - 1 if saved.pending else saved.step
        lines = path.read_bytes().splitlines(keepends=True)
        write_bytes(path, b"".join(line for line in lines if _stays(line, last)))


def _stays(line: bytes, last: int) -> bool:
    """Whether a line of a history is whole, and of a step up to `last`."""
    try:
        return line.endswith(b"\n") and bool(json.loads(line)["step"] <= last)
    except (ValueError, KeyError, TypeError):
        return False
