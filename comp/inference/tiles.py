"""Pages that do not fit in memory, predicted in tiles that overlap and fade into each other."""

from __future__ import annotations

from collections.abc import Callable

import torch


def in_tiles(
    predict: Callable[[torch.Tensor], torch.Tensor], images: torch.Tensor, size: int, overlap: int
) -> torch.Tensor:
    """Apply `predict` to images (N, C, H, W) in tiles of at most `size` pixels a side.

    `predict` returns (N, K, h, w) of its input's height and width. Where neighbours overlap, their
    predictions fade linearly into each other. Images no larger than a tile go through in one piece.
    """
    height, width = images.shape[-2:]
    if height <= size and width <= size:
        return predict(images)
    rows, columns = starts(height, size, overlap), starts(width, size, overlap)
    total: torch.Tensor | None = None
    weight = torch.zeros(height, width, device=images.device)
    for top in rows:
        for left in columns:
            part = images[..., top : top + size, left : left + size]
            out = predict(part)
            fade = _fade(part.shape[-2], overlap)[:, None] * _fade(part.shape[-1], overlap)[None]
            fade = fade.to(out)
            if total is None:
                total = out.new_zeros(*out.shape[:2], height, width)
            total[..., top : top + size, left : left + size] += out * fade
            weight[top : top + size, left : left + size] += fade
    assert total is not None
    return total / weight


def starts(length: int, size: int, overlap: int) -> list[int]:
    """Where tiles begin, evenly spread: neighbours share at least `overlap` pixels, or half a tile
    where that is less."""
    if length <= size:
        return [0]
    stride = max(size - size // 2, size - overlap)
    count = -(-(length - size) // stride) + 1
    return [round(i * (length - size) / (count - 1)) for i in range(count)]


def _fade(length: int, overlap: int) -> torch.Tensor:
    """Weights of a tile's pixels along one side: rising over the overlap, one, falling."""
    ramp = torch.arange(1, length + 1, dtype=torch.float32).clamp(max=max(1, overlap))
    return torch.minimum(ramp, ramp.flip(0))
