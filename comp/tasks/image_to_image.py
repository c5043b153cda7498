"""Images to images: the target is an image of the size of the input."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from comp.contract.sample import Sample, Target
from comp.contract.task import Loss, Task
from comp.errors import DataError
from comp.tasks.pseudo_targets import image_targets

if TYPE_CHECKING:
    import numpy as np
    import torch

    from comp.config.sections import LossConfig


def image_to_image(outputs: int = 1, limits: tuple[float, float] | None = (0.0, 1.0)) -> Task:
    """The target is an 8-bit image, whose values 0 to 255 mean 0 to 1.

    Args:
        outputs: channels of a prediction, float32 (H, W, outputs).
        limits: predictions are clipped to them; None leaves them as they are.
    """
    return Task(
        kind="images to images",
        output="image",
        outputs=outputs,
        losses=("mse", "mae", "huber", "smooth_l1", "charbonnier"),
        make_loss=_make_loss,
        check=_check,
        encode=_encode,
        activation=partial(activate_image, limits=limits) if limits else None,
        options={"limits": None if limits is None else list(map(float, limits))},
        pseudo=image_targets(),
        restores=True,
        reports=("example",),
    )


def _check(target: Target) -> str:
    from pathlib import Path

    return "" if isinstance(target, Path) else "is not the path of an image"


def _encode(image: np.ndarray) -> np.ndarray:
    if image.dtype != "uint8":
        raise DataError(
            f"a target image has values of type {image.dtype}, but images to images need 8 bits: "
            "let the reader convert it"
        )
    return image


def _make_loss(name: str, settings: LossConfig, _train: Sequence[Sample]) -> Loss:
    from comp.training.losses import check_plain
    from comp.training.value_losses import value_loss

    check_plain(settings, f"loss.name = '{name}'")
    return value_loss(name, settings)


def activate_image(raw: torch.Tensor, limits: Sequence[float]) -> torch.Tensor:
    """Raw outputs clipped to the limits."""
    lowest, highest = limits
    return raw.clamp(lowest, highest)
