"""resume.pt: the complete state of an unfinished fold, in one file that is replaced as a whole.

It contains everything that the next step depends on: weights, moving average, optimizer, schedule,
gradient scaler, the random generators, the best weights so far, and the losses since the last
validation. Augmentation, the order of the samples and freezing are functions of the step, so they
need no state.
"""

from __future__ import annotations

import math
import struct
import warnings
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile, ZipFile

import torch
from torch import nn

from comp.errors import RunError
from comp.training.generators import set_generator_states
from comp.training.out_of_memory import is_out_of_memory

if TYPE_CHECKING:
    from accelerate import Accelerator
    from timm.utils import ModelEmaV3

    from comp.training.averages import WeightAverage
    from comp.training.best import BestWeights
    from comp.training.meter import Meter
    from comp.training.schedule import Schedule

RESUME = "resume.pt"
FORMAT = 1
READ_ERRORS = (
    *(OSError, RuntimeError, UnpicklingError, ValueError, KeyError, TypeError, EOFError),
    *(BadZipFile, struct.error, zlib.error),
)
"""What reading a damaged or foreign file may raise."""


@dataclass(frozen=True)
class TrainingState:
    """The objects of the training loop that have a state."""

    model: nn.Module
    average: ModelEmaV3 | None
    optimizer: Any
    schedule: Schedule
    best: BestWeights
    meter: Meter
    accelerator: Accelerator
    end: WeightAverage | None = None
    """The weights of the last steps, if their mean is kept."""

    def average_weights(self, step: int) -> None:
        """Update the averages of the weights after `step` optimizer steps."""
        if self.average:
            self.average.update(self.model, step=step)
        if self.end:
            self.end.update(self.model, step)

    @property
    def scored_model(self) -> nn.Module:
        """The moving average of the weights if there is one, else the model itself."""
        return self.average.module if self.average else self.model

    @property
    def lr(self) -> float:
        """The highest learning rate of the parameter groups."""
        return max(float(group["lr"]) for group in self.optimizer.param_groups)

    def state_dict(self) -> dict[str, Any]:
        """The state as tensors, numbers and lists only, so that loading it runs no code."""
        scaler = self.accelerator.scaler
        return {
            "model": self.model.state_dict(),
            "average": self.average.module.state_dict() if self.average else None,
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "scaler": scaler.state_dict() if scaler else None,
            "best": self.best.state_dict(),
            "meter": self.meter.state_dict(),
            **({"end": self.end.state_dict()} if self.end else {}),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Resume from what `state_dict` returned."""
        self.model.load_state_dict(state["model"])
        if self.average:
            self.average.module.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        if self.accelerator.scaler and state["scaler"]:
            self.accelerator.scaler.load_state_dict(state["scaler"])
        self.best.load_state_dict(state["best"])
        self.meter.load_state_dict(state["meter"])
        if self.end:
            self.end.load_state_dict(state["end"])

    def is_finite(self) -> bool:
        """Whether all weights, buffers, averages and losses since the last validation are
        finite."""
        tensors = [*self.model.state_dict().values()]
        tensors += self.average.module.state_dict().values() if self.average else []
        finite = are_finite([tensor for tensor in tensors if tensor.is_floating_point()])
        return finite and all(map(math.isfinite, self.meter.state_dict()["between"]))


def are_finite(tensors: Sequence[torch.Tensor]) -> bool:
    """Whether all values are finite. A sum with a value that is not is not finite, so sums answer
    in one pass and with one wait for the device, unless they overflow."""
    if not tensors:
        return True
    sums = torch.stack([tensor.detach().float().sum() for tensor in tensors])
    return math.isfinite(float(sums.abs().max())) or all(
        bool(torch.isfinite(tensor).all()) for tensor in tensors
    )


@dataclass(frozen=True)
class TrainingCheckpoint:
    """A state read from a file: after `step` of `steps` optimizer steps, and before the validation
    of that step if `validation_pending`."""

    path: Path
    step: int
    steps: int
    validation_pending: bool
    state: Mapping[str, Any]
    generator_states: Mapping[str, Any]

    @property
    def seconds(self) -> float:
        """Seconds of training so far."""
        return float(self.state["meter"]["seconds"])

    def restore_generators(self, device: torch.device) -> None:
        """Set the random generators, on the GPU that of `device`, to the states in the checkpoint.

        Raises:
            RunError: the checkpoint does not contain valid states.
        """
        with self.loading():
            set_generator_states(self.generator_states, device)

    @contextmanager
    def loading(self) -> Iterator[None]:
        """Turn an error of loading the checkpoint into one line.

        Raises:
            RunError: the checkpoint does not fit.
        """
        try:
            yield
        except (*READ_ERRORS, AttributeError) as error:
            if is_out_of_memory(error):
                raise
            raise _cannot_resume(self.path, error) from None


def read_checkpoint(path: Path) -> TrainingCheckpoint | None:
    """Read the state of an unfinished fold; None if the file does not exist.

    The file is read with `weights_only=True`, which runs no code.

    Raises:
        RunError: the file is damaged, has another format, or contains anything but data.
    """
    if not path.is_file():
        return None
    try:
        _check_sums(path)
        with warnings.catch_warnings():  # torch warns about pickles that it then refuses
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True)
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']}")
        keys = ("step", "steps", "pending", "parts", "generators")
        checkpoint = TrainingCheckpoint(path, *(content[key] for key in keys))
        if not 0 < checkpoint.step <= checkpoint.steps or checkpoint.seconds < 0:
            raise ValueError(f"step {checkpoint.step} of {checkpoint.steps}")
    except READ_ERRORS as error:
        raise _cannot_resume(path, error) from None
    return checkpoint


def _cannot_resume(path: Path, error: Exception) -> RunError:
    reason = " ".join(str(error).split())[:120]
    missing = "it does not contain " if isinstance(error, KeyError) else ""
    return RunError(
        f"cannot resume from {path} ({missing}{reason}): delete it and the fold restarts"
    )


def _check_sums(path: Path) -> None:
    """Check the checksums in the file, which torch writes but does not verify.

    Raises:
        ValueError: a checksum is wrong.
        BadZipFile: the file is truncated, or not a checkpoint.
    """
    with ZipFile(path) as archive:
        damaged = archive.testzip()
    if damaged:
        raise ValueError(f"it is damaged: the checksum of {damaged} in it is wrong")
