"""Blur, sharpening and resampling of batches of images, each as a matrix for each side.

These changes treat rows and columns alike and one after another, and each image has its own sigma
or size. So each is a matrix (N, H, H) for the rows and one for the columns, and two products of
batches of matrices do it for all images at once, with the identity for those that stay.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from comp.data import steps as of
from comp.data.on_device.numbers import between, chosen, planes, whole

MapOfSide = Callable[[int], Tensor]
"""(pixels of a side) -> matrices (N, pixels, pixels)."""


def blur(step: of.Blur, image: Tensor, draws: Tensor) -> Tensor:
    """Blur a share of the images, or give them a low resolution."""
    sigma = between(draws[:, 2], step.sigma)
    most = int(step.sigma[1] * 3.5)
    radius = (sigma * 3.5).floor()

    def of_side(side: int) -> Tensor:
        blurred = _gaussian(side, sigma, radius, most)
        if step.downscale is None:
            return _or_identity(blurred, draws[:, 0] < step.p)
        scale = between(draws[:, 3], step.downscale)
        small = (scale * side).round().clamp(min=1)
        low = _up(side, small, _LINEAR) @ _area_down(side, small, 1 / scale)
        mixed = torch.where((draws[:, 1] < 0.5)[:, None, None], blurred, low)
        return _or_identity(mixed, draws[:, 0] < step.p)

    return _mapped(image, of_side)


def sharpen(step: of.Sharpen, image: Tensor, draws: Tensor) -> Tensor:
    """Add the difference to a blurred image, except where there is none."""
    low, high = step.kernel
    radius = low // 2 + whole(draws[:, 1], (high - low) // 2 + 1)
    sigma, alpha = between(draws[:, 2], step.sigma), between(draws[:, 3], step.alpha)

    def of_side(side: int) -> Tensor:
        return _gaussian(side, sigma, radius, high // 2)

    residual = image - _mapped(image, of_side)
    sharp = (image + planes(alpha) * residual).clamp(0, 1)
    soft = _mapped((residual.abs() > 1e-6).to(image.dtype), of_side)
    changed = sharp * soft + image * (1 - soft)
    return chosen(changed, image, draws[:, 0], step.p)


def resample(step: of.Resample, image: Tensor, draws: Tensor) -> Tensor:
    """Make a share of the images smaller and larger again, each with a random interpolation."""
    factor = between(draws[:, 1], step.scale)
    down, up = whole(draws[:, 2], 3), whole(draws[:, 3], 3)

    def of_side(side: int) -> Tensor:
        small = (factor * side).round().clamp(min=1)
        smaller = _pick(
            down,
            _area_down(side, small, side / small),
            *(_down(side, small, kernel) for kernel in (_LINEAR, _CUBIC)),
        )
        larger = _pick(up, *(_up(side, small, kernel) for kernel in (_LINEAR, _CUBIC, _LANCZOS)))
        return _or_identity(larger @ smaller, draws[:, 0] < step.p)

    return _mapped(image, of_side).clamp(0, 1)


def _mapped(image: Tensor, of_side: MapOfSide) -> Tensor:
    """Apply the maps of both sides to (N, C, H, W)."""
    rows = of_side(image.shape[2])[:, None]
    columns = rows if image.shape[3] == image.shape[2] else of_side(image.shape[3])[:, None]
    return rows @ image @ columns.transpose(2, 3)


def _or_identity(maps: Tensor, changes: Tensor) -> Tensor:
    identity = torch.eye(maps.shape[1], device=maps.device)
    return torch.where(changes[:, None, None], maps, identity)


def _pick(which: Tensor, *maps: Tensor) -> Tensor:
    """For each image one of several maps."""
    first, *others = maps
    for index, each in enumerate(others, start=1):
        first = torch.where((which == index)[:, None, None], each, first)
    return first


def _gaussian(side: int, sigma: Tensor, radius: Tensor, most: int) -> Tensor:
    """A blur of `sigma` pixels, cut off at `radius` pixels; the image is reflected at its ends."""
    offsets = torch.arange(-most, most + 1, device=sigma.device)
    weights = torch.exp(-0.5 * (offsets / sigma[:, None]) ** 2)
    weights = weights * (offsets.abs() <= radius[:, None])
    weights = weights / weights.sum(1, keepdim=True)
    places = offsets[:, None] + torch.arange(side, device=sigma.device)
    ends = max(side - 1, 1)
    places = (places % (2 * ends)).clamp(max=2 * side)
    places = torch.where(places > ends, 2 * ends - places, places).clamp(max=side - 1)
    columns = torch.arange(side, device=sigma.device)
    taken = (places[:, :, None] == columns).to(weights.dtype)
    return torch.einsum("no,oij->nij", weights, taken)


def _area_down(side: int, small: Tensor, ratio: Tensor) -> Tensor:
    """`side` pixels to `small`, each the mean of `ratio` pixels. Rows after `small` are 0."""
    places = torch.arange(side, device=small.device)
    start = places[None, :, None] * ratio[:, None, None]
    end = start + ratio[:, None, None]
    overlap = (torch.minimum(end, places + 1.0) - torch.maximum(start, places + 0.0)).clamp(min=0)
    inside = places[None, :, None] < small[:, None, None]
    return overlap / overlap.sum(2, keepdim=True).clamp(min=1e-6) * inside


_Kernel = tuple[Sequence[int], Callable[[Tensor], Tensor]]
"""The pixels to the left and right of a place, and their weights by the distance."""


def _cubic(distance: Tensor) -> Tensor:
    """The cubic of OpenCV, with a = -0.75."""
    d = distance.abs()
    near = (1.25 * d - 2.25) * d * d + 1
    far = ((-0.75 * d + 3.75) * d - 6) * d + 3
    return torch.where(d <= 1, near, torch.where(d < 2, far, torch.zeros_like(d)))


def _lanczos(distance: Tensor) -> Tensor:
    return torch.sinc(distance) * torch.sinc(distance / 4) * (distance.abs() < 4)


_LINEAR: _Kernel = (range(2), lambda d: (1 - d.abs()).clamp(min=0))
_CUBIC: _Kernel = (range(-1, 3), _cubic)
_LANCZOS: _Kernel = (range(-3, 5), _lanczos)


def _down(side: int, small: Tensor, kernel: _Kernel) -> Tensor:
    inside = torch.arange(side, device=small.device)[None, :, None] < small[:, None, None]
    return _taken(side, side / small, torch.full_like(small, side), kernel) * inside


def _up(side: int, small: Tensor, kernel: _Kernel) -> Tensor:
    return _taken(side, small / side, small, kernel)


def _taken(side: int, ratio: Tensor, count: Tensor, kernel: _Kernel) -> Tensor:
    """`side` pixels, each taken from the place (i + 0.5) * `ratio` - 0.5 of `count` pixels."""
    offsets, weight_of = kernel
    places = torch.arange(side, device=ratio.device)
    centers = (places + 0.5) * ratio[:, None] - 0.5
    base = centers.floor()
    maps, total = torch.zeros((), device=ratio.device), torch.zeros((), device=ratio.device)
    for offset in offsets:
        weights = weight_of(centers - base - offset)
        pixels = torch.minimum((base + offset).clamp(min=0), count[:, None] - 1)
        maps = maps + weights[:, :, None] * (pixels[:, :, None] == places)
        total = total + weights
    return maps / total[:, :, None]
