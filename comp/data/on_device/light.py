"""Brightness, contrast, gamma, saturation and hue of batches of images in 0..1."""

from __future__ import annotations

import torch
from torch import Tensor

from comp.data import steps as of
from comp.data.on_device.numbers import between, chosen, constant, planes

_GREY = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in grey, ITU-R BT.601."""


def brightness_contrast(step: of.RandomBrightnessContrast, image: Tensor, draws: Tensor) -> Tensor:
    """Multiply the values, and add to them."""
    factor = 1 + between(draws[:, 1], (-step.contrast, step.contrast))
    added = between(draws[:, 2], (-step.brightness, step.brightness))
    changed = (image * planes(factor) + planes(added)).clamp(0, 1)
    return chosen(changed, image, draws[:, 0], step.p)


def gamma(step: of.RandomGamma, image: Tensor, draws: Tensor) -> Tensor:
    """Raise the values to a power."""
    changed = image.clamp(0, 1) ** planes(between(draws[:, 1], step.gamma))
    return chosen(changed, image, draws[:, 0], step.p)


def color(step: of.ColorJitter, image: Tensor, draws: Tensor) -> Tensor:
    """Change saturation and hue of colour images, in either order."""
    if image.shape[1] != 3:
        return image
    saturation = planes(between(draws[:, 1], step.saturation))
    turn = between(draws[:, 2], step.hue)[:, None, None]
    first = planes(draws[:, 3] < 0.5)
    changed = torch.where(first, _saturated(image, saturation), image)
    changed = _turned_hue(changed, turn)
    changed = torch.where(first, changed, _saturated(changed, saturation))
    return chosen(changed, image, draws[:, 0], step.p)


def _saturated(image: Tensor, factor: Tensor) -> Tensor:
    weights = constant(_GREY, image.device)[:, None, None]
    grey = (image * weights).sum(1, keepdim=True)
    return (grey + (image - grey) * factor).clamp(0, 1)


def _turned_hue(image: Tensor, turn: Tensor) -> Tensor:
    """Turn the hue of HSV (N, 3, H, W) by a fraction of the colour circle."""
    largest, smallest = image.amax(1), image.amin(1)
    spread = largest - smallest
    red, green, blue = image.unbind(1)
    safe = torch.where(spread > 0, spread, torch.ones_like(spread))
    sixth = torch.where(
        largest == red,
        (green - blue) / safe,
        torch.where(largest == green, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    hue = sixth + 6 * turn
    places = constant((5.0, 3.0, 1.0), image.device)[:, None, None]
    k = torch.remainder(places + hue[:, None], 6)
    return largest[:, None] - spread[:, None] * torch.minimum(k, 4 - k).clamp(0, 1)
