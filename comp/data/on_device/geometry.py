"""Flips, quarter turns and affine maps of batches of images, and of masks with them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from comp.data import steps as of
from comp.data.on_device.numbers import between, chosen, constant, planes, whole

_PADDING = {"reflect": "reflection", "black": "zeros"}


def horizontal_flip(step: of.HorizontalFlip, image: Tensor, draws: Tensor, _mask: bool) -> Tensor:
    """Exchange left and right in a share of the images."""
    return chosen(image.flip(3), image, draws[:, 0], step.p)


def vertical_flip(step: of.VerticalFlip, image: Tensor, draws: Tensor, _mask: bool) -> Tensor:
    """Exchange top and bottom in a share of the images."""
    return chosen(image.flip(2), image, draws[:, 0], step.p)


def quarter_turns(step: of.RandomRotate90, image: Tensor, draws: Tensor, _mask: bool) -> Tensor:
    """Turn square images by 0, 90, 180 or 270 degrees."""
    turns = whole(draws[:, 1], 4)
    turned = torch.where(planes(turns >= 2), image.flip((2, 3)), image)
    turned = torch.where(planes(turns % 2 == 1), turned.rot90(1, (2, 3)), turned)
    return chosen(turned, image, draws[:, 0], step.p)


def stretch(step: of.Stretch, image: Tensor, draws: Tensor, mask: bool) -> Tensor:
    """Change the width."""
    width = between(draws[:, 1], step.width)
    zero, one = torch.zeros_like(width), torch.ones_like(width)
    inverse = torch.stack([1 / width, zero, zero, one], dim=1).reshape(-1, 2, 2)
    moved = _warped(image, inverse, torch.stack([zero, zero], dim=1), step.border, mask)
    return chosen(moved, image, draws[:, 0], step.p)


def affine(step: of.Affine, image: Tensor, draws: Tensor, mask: bool) -> Tensor:
    """Change the size, rotate and shift by whole pixels."""
    scale = between(draws[:, 1], step.scale)
    angle = torch.deg2rad(between(draws[:, 2], step.rotate))
    sides = constant((image.shape[3], image.shape[2]), image.device)
    shift = (between(draws[:, 3:5], step.shift) * sides).trunc()
    cos, sin = angle.cos() / scale, angle.sin() / scale
    inverse = torch.stack([cos, -sin, sin, cos], dim=1).reshape(-1, 2, 2)
    moved = _warped(image, inverse, shift, step.border, mask)
    return chosen(moved, image, draws[:, 0], step.p)


def _warped(image: Tensor, inverse: Tensor, shift: Tensor, border: of.Border, mask: bool) -> Tensor:
    """Take each pixel from the place `inverse` @ (its place - `shift`), about the middle.

    Args:
        inverse: (N, 2, 2), of x and y in pixels.
        shift: (N, 2), x and y in pixels.
    """
    height, width = image.shape[2:]
    sides = constant((max(width - 1, 1), max(height - 1, 1)), image.device)
    linear = inverse * sides / sides[:, None]  # as grid_sample counts: -1 to 1 over a side
    offset = -(inverse @ shift[:, :, None]) * 2 / sides[:, None]
    grid = functional.affine_grid(
        torch.cat([linear, offset], dim=2), list(image.shape), align_corners=True
    )
    mode = "nearest" if mask else "bilinear"
    padding = _PADDING[border]
    return functional.grid_sample(image, grid, mode, padding, align_corners=True)
