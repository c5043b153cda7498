"""Predict large images in overlapping tiles, and blend the tiles."""

from __future__ import annotations

from collections.abc import Callable

import torch


def predict_in_tiles(
    predict: Callable[[torch.Tensor], torch.Tensor], images: torch.Tensor, size: int, overlap: int
) -> torch.Tensor:
    """Apply `predict` to images (N, C, H, W) in tiles of at most `size` pixels a side.

    `predict` returns (N, K, h, w) with the height and width of its input. Overlapping predictions
    are blended linearly. An image that fits into one tile is predicted in one piece.
    """
    height, width = images.shape[-2:]
    if height <= size and width <= size:
        return predict(images)
    rows, columns = tile_starts(height, size, overlap), tile_starts(width, size, overlap)
    total: torch.Tensor | None = None
    weight = torch.zeros(height, width, device=images.device)
    for top in rows:
        for left in columns:
            tile = images[..., top : top + size, left : left + size]
            out = predict(tile)
            fade = _fade(tile.shape[-2], overlap)[:, None] * _fade(tile.shape[-1], overlap)[None]
            fade = fade.to(out)
            if total is None:
                total = out.new_zeros(*out.shape[:2], height, width)
            total[..., top : top + size, left : left + size] += out * fade
            weight[top : top + size, left : left + size] += fade
    assert total is not None
    return total / weight


def tile_starts(length: int, size: int, overlap: int) -> list[int]:
    """The first pixel of each tile, evenly spread. Neighbours share at least `overlap` pixels, or
    half a tile if that is less."""
    if length <= size:
        return [0]
    stride = max(size - size // 2, size - overlap)
    count = -(-(length - size) // stride) + 1
    return [round(i * (length - size) / (count - 1)) for i in range(count)]


def _fade(length: int, overlap: int) -> torch.Tensor:
    """Weights of the pixels of a tile along one side: they rise and fall over the overlap."""
    ramp = torch.arange(1, length + 1, dtype=torch.float32).clamp(max=max(1, overlap))
    return torch.minimum(ramp, ramp.flip(0))
