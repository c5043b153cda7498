"""A constant of a loss, copied to a device once and not in each step."""

from __future__ import annotations

import torch
from torch import Tensor


class OnDevice:
    """A tensor that does not change, and its copies on other devices.

    Args:
        value: on any device.
    """

    def __init__(self, value: Tensor) -> None:
        self.value = value
        self._copies: dict[torch.device, Tensor] = {value.device: value}

    def on(self, device: torch.device) -> Tensor:
        """The tensor on a device."""
        if device not in self._copies:
            self._copies[device] = self.value.to(device)
        return self._copies[device]
