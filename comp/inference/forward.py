"""Predict a batch of images with a network: copies, tiles, padding, and the activation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from comp.data.dataset import to_unit
from comp.inference.tiles import predict_in_tiles
from comp.inference.tta import SYMMETRIES

Predict = Callable[[torch.Tensor], torch.Tensor]
"""(N, C, H, W) -> (N, K) or (N, K, H, W)."""
NO_OTHERS: Mapping[str, torch.Tensor] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Forward:
    """Predicts batches.

    `model` maps `inputs` to raw predictions; the image is float (N, C, H, W) in 0..1, and only it
    is flipped, turned and cut into tiles. If the output is an image, height and width of the
    model's input must be multiples of its attribute `multiple`, or of 1 without it. `tta` is a key
    of `comp.inference.tta.SYMMETRIES`.
    """

    model: nn.Module
    tta: str = "none"
    activation: Callable[[torch.Tensor], torch.Tensor] | None = None
    output: Literal["numbers", "image"] = "numbers"
    tile: int = 1024
    overlap: int = 64
    inputs: Sequence[str] = ("image",)

    def __call__(
        self, images: torch.Tensor, others: Mapping[str, torch.Tensor] = NO_OTHERS
    ) -> torch.Tensor:
        """Predict uint8 or float (N, C, H, W): (N, K), or (N, H, W, K) if the output is an image.

        Args:
            others: the inputs of the model besides the image, N of each.
        """
        images = to_unit(images)
        others = {name: to_unit(values) for name, values in others.items()}
        predict = partial(self._augmented, others)
        return FORWARDS[self.output](predict, images, self.tile, self.overlap)

    def _augmented(self, others: Mapping[str, torch.Tensor], images: torch.Tensor) -> torch.Tensor:
        """The mean of the predictions of all copies; images are flipped and turned back."""
        symmetries = SYMMETRIES[self.tta]
        total = torch.zeros((), device=images.device)
        for symmetry in symmetries:
            out = self._padded(symmetry.apply(images), others)
            total = total + (symmetry.undo(out) if self.output == "image" else out)
        return total / len(symmetries)

    def _padded(self, images: torch.Tensor, others: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Pad to the model's multiple, predict, crop and apply the activation; float32."""
        height, width = images.shape[-2:]
        multiple = int(getattr(self.model, "multiple", 1)) if self.output == "image" else 1
        below, right = -height % multiple, -width % multiple
        if below or right:
            images = F.pad(images, (0, right, 0, below), mode="replicate")
        known = {**others, "image": images}
        inputs = (known[name].clone() for name in self.inputs)  # a network may change them
        out: torch.Tensor = self.model(*inputs).float()
        out = out[..., :height, :width] if self.output == "image" else out
        return self.activation(out) if self.activation else out


def _numbers(predict: Predict, images: torch.Tensor, _tile: int, _overlap: int) -> torch.Tensor:
    return predict(images)


def _image(predict: Predict, images: torch.Tensor, tile: int, overlap: int) -> torch.Tensor:
    return predict_in_tiles(predict, images, tile, overlap).permute(0, 2, 3, 1)


FORWARDS: dict[str, Callable[[Predict, torch.Tensor, int, int], torch.Tensor]] = {
    "numbers": _numbers,
    "image": _image,
}
"""Output -> (what predicts a batch, images, tile, overlap) -> predictions, channels last."""
