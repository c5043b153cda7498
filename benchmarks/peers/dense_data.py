"""Pages and masks for programs that leave the reading to their user."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image

KINDS = ("denoising", "salt")
"""Competitions whose answers are images."""
CROP = 256
"""Side of the crops of pages."""
CROPS_OF_A_PAGE = 4
"""A page has about as many pixels as so many crops."""
SIDE = 128
"""To which masks and their images are resized: a multiple of 32."""


class Pages(torch.utils.data.Dataset[Any]):
    """Pages, and their clean pages if they train; crops and flips if `training` is True."""

    def __init__(self, rows: Sequence[Mapping[str, str]], training: bool | None) -> None:
        """Keep the rows; `training` is None for pages without a clean page."""
        self.rows, self.training = rows, training

    def __len__(self) -> int:
        """The number of pages."""
        return len(self.rows)

    def __getitem__(self, index: int) -> Any:
        """A page, or a page and its clean page, float32 (1, H, W)."""
        row = self.rows[index]
        page = grey(row["image"])
        if self.training is None:
            return page
        both = torch.stack([page, grey(row["target"])])
        y, x = (int(torch.randint(max(1, n - CROP + 1), ())) for n in both.shape[-2:])
        both = both[..., y : y + CROP, x : x + CROP]  # pages of one size each, crops of one for all
        if self.training:
            both = both.flip([d for d in (-1, -2) if torch.rand(()) < 0.5])
        return both[0], both[1]


class Masks(torch.utils.data.Dataset[Any]):
    """Images, and their masks if they train; flipped from side to side if `training` is True."""

    def __init__(
        self, rows: Sequence[Mapping[str, str]], training: bool | None, mean: Any, std: Any
    ) -> None:
        """Keep the rows; `training` is None for images without a mask."""
        self.rows, self.training = rows, training
        self.mean, self.std = (torch.tensor(v).view(3, 1, 1) for v in (mean, std))

    def __len__(self) -> int:
        """The number of images."""
        return len(self.rows)

    def __getitem__(self, index: int) -> Any:
        """An image, float32 (3, 128, 128), or an image and its mask, float32 (1, 128, 128)."""
        row = self.rows[index]
        with Image.open(row["image"]) as file:
            colours = np.array(file.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR))
        image = (torch.from_numpy(colours).permute(2, 0, 1) / 255 - self.mean) / self.std
        if self.training is None:
            return image
        with Image.open(row["target"]) as file:
            values = np.array(file.convert("L").resize((SIDE, SIDE), Image.Resampling.NEAREST))
        mask = torch.from_numpy(values > 0)[None].float()
        if self.training and torch.rand(()) < 0.5:
            return image.flip(-1), mask.flip(-1)
        return image, mask


def grey(file: str) -> torch.Tensor:
    """A grey page, float32 (1, H, W) in 0..1."""
    with Image.open(file) as image:
        return torch.from_numpy(np.array(image.convert("L")))[None].float() / 255


def to_files(
    competition: str, answers: Iterable[torch.Tensor], rows: Sequence[Mapping[str, str]]
) -> Iterator[np.ndarray]:
    """Answers (1, H, W) as arrays (H, W): pages as they are, and probabilities of a mask in the
    size of their image, of which those above 0.5 are 1."""
    for answer, row in zip(answers, rows, strict=True):
        if competition == "denoising":
            yield answer[0].float().clamp(0, 1).numpy()
            continue
        with Image.open(row["image"]) as image:
            size = image.height, image.width
        large = torch.nn.functional.interpolate(answer[None].float(), size, mode="bilinear")
        yield (large[0, 0] > 0.5).numpy().astype(np.uint8)
