"""Noise, black rectangles and the traces of JPEG in batches of images in 0..1."""

from __future__ import annotations

import functools

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from comp.data import steps as of
from comp.data.on_device.numbers import between, chosen, constant, normal, planes, whole

_LUMA = (
    *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55),
    *(14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62),
    *(18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMA = (
    *(17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99),
    *(24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99),
    *(99,) * 32,
)
"""The tables of quantisation of the JPEG standard, ITU-T T.81, annex K."""
_TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
_TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))


def noise(step: of.GaussNoise, image: Tensor, draws: Tensor) -> Tensor:
    """Add normal noise, the same in all channels unless `per_channel`."""
    count, channels, height, width = image.shape
    planes_of_noise = channels if step.per_channel else 1
    added = normal(draws[:, 2:4], planes_of_noise * height * width)
    added = added.reshape(count, planes_of_noise, height, width)
    changed = (image + added * planes(between(draws[:, 1], step.std))).clamp(0, 1)
    return chosen(changed, image, draws[:, 0], step.p)


def erase(step: of.Erase, image: Tensor, draws: Tensor) -> Tensor:
    """Fill rectangles with black."""
    low, high = step.holes
    holes = low + whole(draws[:, 1], high - low + 1)
    inside = torch.zeros_like(image[:, :1], dtype=torch.bool)
    for hole in range(high):
        drawn = draws[:, 2 + 4 * hole : 6 + 4 * hole]
        rows = _span(image.shape[2], drawn[:, 0], drawn[:, 2], step.sides)
        columns = _span(image.shape[3], drawn[:, 1], drawn[:, 3], step.sides)
        hidden = rows[:, None, :, None] & columns[:, None, None, :]
        inside = inside | (hidden & planes(hole < holes))
    return chosen(image.masked_fill(inside, 0), image, draws[:, 0], step.p)


def _span(side: int, length: Tensor, start: Tensor, sides: of.Range) -> Tensor:
    """The pixels of a side that a rectangle covers, (N, side)."""
    pixels = (between(length, sides) * side).floor()
    first = whole(start, side - pixels + 1)
    places = torch.arange(side, device=length.device)
    return (places >= first[:, None]) & (places < (first + pixels)[:, None])


def jpeg(step: of.Jpeg, image: Tensor, draws: Tensor) -> Tensor:
    """Round the coefficients of blocks of 8 x 8 pixels as a JPEG of a random quality does.

    Of colour images, the colours have half the resolution. What follows in a file loses nothing.
    """
    low, high = step.quality
    quality = low + whole(draws[:, 1], high - low + 1)
    height, width = image.shape[2:]
    padding = (0, -width % 16, 0, -height % 16)
    pixels = functional.pad((image * 255).round(), padding, mode="replicate")
    if image.shape[1] == 3:
        luma, chroma = _mixed(pixels, _TO_YCC).split((1, 2), dim=1)
        luma = _coded(luma, quality, _LUMA)
        chroma = _coded(functional.avg_pool2d(chroma, 2) + 128, quality, _CHROMA) - 128
        chroma = functional.interpolate(
            chroma, scale_factor=2, mode="bilinear", align_corners=False
        )
        pixels = _mixed(torch.cat([luma, chroma], dim=1), _TO_RGB)
    else:
        pixels = _coded(pixels, quality, _LUMA)
    changed = pixels[:, :, :height, :width].round().clamp(0, 255) / 255
    return chosen(changed, image, draws[:, 0], step.p)


def _mixed(image: Tensor, weights: tuple[tuple[float, ...], ...]) -> Tensor:
    """Each channel a sum of the channels."""
    return torch.einsum("oc,nchw->nohw", constant(weights, image.device), image)


def _coded(image: Tensor, quality: Tensor, base: tuple[int, ...]) -> Tensor:
    """Grey images with values of 0 to 255, with rounded coefficients."""
    scale = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality).floor()
    table = constant(base, image.device)
    table = ((table * scale[:, None] + 50) / 100).floor().clamp(1, 255)[:, None]
    count, channels, height, width = image.shape
    tiles = (count, channels, height // 8, 8, width // 8, 8)
    blocks = (image - 128).reshape(tiles).transpose(3, 4).reshape(count, -1, 64)
    cosines = constant(_cosines(), image.device)
    rounded = (blocks @ cosines.T / table).round() * table
    blocks = (rounded @ cosines + 128).clamp(0, 255)
    whole_tiles = (count, channels, height // 8, width // 8, 8, 8)
    return blocks.reshape(whole_tiles).transpose(3, 4).reshape(image.shape)


@functools.cache
def _cosines() -> tuple[tuple[float, ...], ...]:
    """The discrete cosine transform of 8 x 8 values, row by row, as a matrix of 64 x 64."""
    places = np.arange(8)
    matrix = np.cos((2 * places + 1) * places[:, None] * (np.pi / 16)) / 2
    matrix[0] /= 2**0.5
    return tuple(map(tuple, np.kron(matrix, matrix).tolist()))
