"""Equalisation of batches of images in 0..1, as `comp.data.images.equalize` does it with OpenCV."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from comp.data import steps as of
from comp.data.images.equalize import LEAST_SIDE, MOST_REGIONS
from comp.data.on_device.numbers import between, chosen, constant

_TO_XYZ = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)
_FROM_XYZ = (
    (3.240479, -1.537150, -0.498535),
    (-0.969256, 1.875991, 0.041556),
    (0.055648, -0.204043, 1.057311),
)
_WHITE = (0.950456, 1.0, 1.088754)
_LINEAR_BELOW = 0.008856


def equalize(step: of.Equalize, image: Tensor, draws: Tensor) -> Tensor:
    """Equalise a share of the images: of colour images the lightness, else each channel."""
    limit = between(draws[:, 1], step.clip_limit)
    if image.shape[1] == 3:
        lab = _to_lab(image)
        light = _equalized(lab[:, :1] / 100, step.how, limit) * 100
        changed = _from_lab(torch.cat([light, lab[:, 1:]], dim=1))
    else:
        changed = _equalized(image, step.how, limit)
    return chosen(changed, image, draws[:, 0], step.p)


def _equalized(values: Tensor, how: str, limit: Tensor) -> Tensor:
    """Each plane of (N, C, H, W) in 0..1."""
    count, channels, height, width = values.shape
    planes = (values * 255).round().clamp(0, 255).long().reshape(-1, height, width)
    if how == "histogram":
        tables = _histogram_tables(_histograms(planes.flatten(1)), height * width)
        changed = tables.gather(1, planes.flatten(1)).reshape(planes.shape)
    else:
        changed = _by_region(planes, limit.repeat_interleave(channels))
    return changed.reshape(count, channels, height, width) / 255


def _histograms(values: Tensor) -> Tensor:
    """How often each of 256 values occurs in each row of (P, n): (P, 256)."""
    counts = torch.zeros(len(values), 256, dtype=torch.int64, device=values.device)
    return counts.scatter_add_(1, values, torch.ones_like(values))


def _histogram_tables(counts: Tensor, pixels: int) -> Tensor:
    """The new value of each value, as cv2.equalizeHist has it: (P, 256)."""
    first = (counts > 0).int().argmax(1, keepdim=True)
    least = counts.gather(1, first)
    after = (counts.cumsum(1) - least).clamp(min=0)
    values = torch.arange(256, device=counts.device)
    tables = (after * (255 / (pixels - least).clamp(min=1))).round().clamp(0, 255)
    return torch.where(least == pixels, values.expand_as(counts), tables.long()).float()


def _by_region(planes: Tensor, limit: Tensor) -> Tensor:
    """Contrast-limited equalisation of (P, H, W) by regions, as cv2.createCLAHE does it."""
    count, height, width = planes.shape
    regions = [min(MOST_REGIONS, max(1, n // LEAST_SIDE)) for n in (height, width)]
    rows, columns = regions
    even = height % rows == 0 and width % columns == 0
    right, below = (0, 0) if even else (columns - width % columns, rows - height % rows)
    padded = functional.pad(planes[:, None].float(), (0, right, 0, below), mode="reflect")
    padded = padded[:, 0].long()
    tall, wide = padded.shape[1] // rows, padded.shape[2] // columns
    tiles = padded.reshape(count, rows, tall, columns, wide).transpose(2, 3)
    counts = _histograms(tiles.reshape(-1, tall * wide))
    tables = _limited_tables(counts, limit.repeat_interleave(rows * columns), tall * wide)
    tables = tables.reshape(count, rows, columns, 256)
    upper, lower, down = _neighbours(height, tall, rows, planes.device)
    first, second, across = _neighbours(width, wide, columns, planes.device)
    plane = torch.arange(count, device=planes.device)[:, None, None]

    def looked_up(row: Tensor, column: Tensor) -> Tensor:
        return tables[plane, row[:, None], column[None, :], planes]

    down, across = down[:, None], across[None, :]
    top = looked_up(upper, first) * (1 - across) + looked_up(upper, second) * across
    bottom = looked_up(lower, first) * (1 - across) + looked_up(lower, second) * across
    return (top * (1 - down) + bottom * down).round()


def _limited_tables(counts: Tensor, limit: Tensor, pixels: int) -> Tensor:
    """The new values of each region, (R, 256), whose values may occur at most `limit` times as
    often as the mean; what is cut off is spread over all values."""
    most = (limit * pixels / 256).floor().clamp(min=1).long()[:, None]
    cut = counts.clamp(max=most)
    left = (counts - cut).sum(1, keepdim=True)
    rest = left % 256
    spacing = (256 // rest.clamp(min=1)).clamp(min=1)
    values = torch.arange(256, device=counts.device)
    more = (values % spacing == 0) & (values // spacing < rest)
    cut = cut + left // 256 + more
    return (cut.cumsum(1) * (255 / pixels)).round().clamp(0, 255)


def _neighbours(
    side: int, region: int, regions: int, device: torch.device
) -> tuple[Tensor, Tensor, Tensor]:
    """The regions before and after each pixel of a side, and how near it is to the second."""
    place = torch.arange(side, device=device) / region - 0.5
    before = place.floor()
    near = place - before
    return before.clamp(min=0).long(), (before + 1).clamp(max=regions - 1).long(), near


def _to_lab(image: Tensor) -> Tensor:
    """RGB in 0..1 to CIE L*a*b*, with L in 0..100."""
    linear = torch.where(image > 0.04045, ((image + 0.055) / 1.055) ** 2.4, image / 12.92)
    xyz = torch.einsum("oc,nchw->nohw", constant(_TO_XYZ, image.device), linear)
    xyz = xyz / constant(_WHITE, image.device)[:, None, None]
    root = torch.where(xyz > _LINEAR_BELOW, xyz.clamp(min=0) ** (1 / 3), 7.787 * xyz + 16 / 116)
    x, y, z = root.unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1)


def _from_lab(lab: Tensor) -> Tensor:
    light, a, b = lab.unbind(1)
    y = (light + 16) / 116
    root = torch.stack([y + a / 500, y, y - b / 200], dim=1)
    xyz = torch.where(root**3 > _LINEAR_BELOW, root**3, (root - 16 / 116) / 7.787)
    xyz = xyz * constant(_WHITE, lab.device)[:, None, None]
    linear = torch.einsum("oc,nchw->nohw", constant(_FROM_XYZ, lab.device), xyz).clamp(0, 1)
    return torch.where(
        linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear
    ).clamp(0, 1)
