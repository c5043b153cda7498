"""The device of a run whose tasks train on other machines, which may have GPUs that this one lacks.

"auto" has one meaning for a whole run: what the nodes of a cluster use is found once, recorded, and
given to each task by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from comp.config.schema import Precision, RunConfig
from comp.training.device import choose_device, choose_precision, describe


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """The device of the nodes: its kind, such as "cuda", its description, and the precision."""

    kind: str
    text: str
    precision: Precision


class _State:
    """Where the run of this process trains; None: here."""

    elsewhere: Elsewhere | None = None


def elsewhere() -> Elsewhere | None:
    """The device of the nodes on which the run trains; None: it trains on this machine."""
    return _State.elsewhere


def lacks_device() -> bool:
    """Whether the run trains on GPUs of other machines, and this machine has none."""
    there = elsewhere()
    return there is not None and there.kind == "cuda" and not torch.cuda.is_available()


@contextmanager
def trains_elsewhere(device: Elsewhere | None) -> Iterator[None]:
    """Let the run in this block train with a device of other machines."""
    before, _State.elsewhere = _State.elsewhere, device
    try:
        yield
    finally:
        _State.elsewhere = before


def run_device(config: RunConfig) -> tuple[torch.device, str, Precision]:
    """The device on which a run trains, its description, and the precision.

    Raises:
        DeviceError: this machine, on which it trains, does not have them.
    """
    there = elsewhere()
    if there:
        return torch.device(there.kind), there.text, there.precision
    device = choose_device(config.device)
    return device, describe(device), choose_precision(config.precision, device)
