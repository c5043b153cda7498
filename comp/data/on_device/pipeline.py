"""Random steps on whole batches: `augment.on` = device.

Each image has random numbers of its own, which the data set draws from the seed of the draw. So a
batch has the same images with any number of workers, in another order, and after a resumed run. No
step waits for the device: what changes only some images is computed for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from comp.contract.pipeline import Change
from comp.data import steps as of
from comp.data.on_device import damage, equalize, geometry, light, maps
from comp.errors import ConfigError

Move = Callable[[Any, Tensor, Tensor, bool], Tensor]
"""(step, float (N, C, H, W), random numbers (N, n), whether it is a mask) -> the moved images."""
Value = Callable[[Any, Tensor, Tensor], Tensor]
"""(step, images in 0..1, random numbers (N, n)) -> the changed images."""

_MOVES: dict[type[of.Step], tuple[int, Move]] = {
    of.HorizontalFlip: (1, geometry.horizontal_flip),
    of.VerticalFlip: (1, geometry.vertical_flip),
    of.RandomRotate90: (2, geometry.quarter_turns),
    of.Stretch: (2, geometry.stretch),
    of.Affine: (5, geometry.affine),
}
"""Steps that move images, and masks with them: how many numbers they need, and the step."""
_VALUES: dict[type[of.Step], tuple[int, Value]] = {
    of.Equalize: (2, equalize.equalize),
    of.RandomBrightnessContrast: (3, light.brightness_contrast),
    of.RandomGamma: (2, light.gamma),
    of.ColorJitter: (4, light.color),
    of.Blur: (4, maps.blur),
    of.Sharpen: (4, maps.sharpen),
    of.GaussNoise: (4, damage.noise),
    of.Resample: (4, maps.resample),
    of.Jpeg: (2, damage.jpeg),
    of.Erase: (2, damage.erase),
}
"""The other steps. A step that erases needs four numbers more for each rectangle."""


class DeviceSteps:
    """A `comp.contract.pipeline.BatchPipeline` of random steps.

    Args:
        masks: whether targets are images, which move with theirs and keep their values.

    Raises:
        ConfigError: a step cannot be taken on the device.
    """

    def __init__(self, steps: Sequence[of.Step], masks: bool = False) -> None:
        for step in steps:
            if type(step) not in _MOVES and type(step) not in _VALUES:
                raise ConfigError(_refusal(step))
        self.steps = tuple(steps)
        self.masks = masks

    @property
    def changes(self) -> Sequence[Change]:
        """The steps in records."""
        return [step.change() for step in self.steps if step.p > 0]

    def describe(self) -> str:
        """The steps as text."""
        return f"on the device: {self.steps}"

    def draw(self, seed: int) -> np.ndarray:
        """The random numbers of one draw, float32, in 0..1 without 1."""
        count = sum(map(_numbers, self.steps))
        generator = np.random.default_rng([seed, 1])  # not the stream of the steps on the CPU
        return generator.random(count, dtype=np.float32)

    @torch.no_grad()
    def __call__(
        self, image: Tensor, target: Tensor | None, draws: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        """Change float images (N, C, H, W) in 0..1, and the masks that are their targets."""
        position = 0
        for step in self.steps:
            numbers = draws[:, position : position + _numbers(step)]
            position += _numbers(step)
            if type(step) in _VALUES:
                image = _VALUES[type(step)][1](step, image, numbers)
                continue
            move = _MOVES[type(step)][1]
            image = move(step, image, numbers, False)
            if self.masks and target is not None:
                target = _moved_mask(move, step, target, numbers)
        return image, target


def _numbers(step: of.Step) -> int:
    """How many random numbers a step needs."""
    count = (_MOVES.get(type(step)) or _VALUES[type(step)])[0]
    return count + 4 * step.holes[1] if isinstance(step, of.Erase) else count


def _moved_mask(move: Move, step: of.Step, target: Tensor, numbers: Tensor) -> Tensor:
    """Move masks, (N, K, H, W) or (N, H, W), of any type."""
    planes = target if target.ndim == 4 else target[:, None]
    moved = move(step, planes.float(), numbers, True).to(target.dtype)
    return moved if target.ndim == 4 else moved[:, 0]


def _refusal(step: of.Step) -> str:
    if isinstance(step, of.Policy):
        return (
            f"augment.preset = {step.policy} changes images one by one, and augment.on = device "
            "whole batches: set augment.on = cpu, or use light, medium or strong"
        )
    return f"augment.on = device has no {step.change().name}: turn it off, or set augment.on = cpu"
