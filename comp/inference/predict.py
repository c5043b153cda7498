"""Predict samples with a model, with test-time augmentation by flips.

A `dense` model predicts an image of the same size as the input, of any size; large images are
predicted in tiles. Other models predict batches of inputs of one size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from torch import nn

from comp.config.schema import RunConfig
from comp.config.sections import PredictConfig
from comp.contract.competition import Competition, Reader, Sample
from comp.data.dataset import SampleSet, memory_format, to_unit
from comp.inference.tiles import predict_in_tiles
from comp.runs.progress import OnPrediction
from comp.signals import stop_if_requested

if TYPE_CHECKING:
    import albumentations as A

FLIPS: dict[str, tuple[tuple[int, ...], ...]] = {
    "none": ((),),
    "hflip": ((), (3,)),
    "flips": ((), (3,), (2,), (2, 3)),
}
"""The axes of (N, C, H, W) along which each copy is flipped; a flip is its own inverse."""


def predictor_of(
    competition: Competition,
    config: RunConfig,
    model: nn.Module,
    reader: Reader,
    accelerator: Accelerator,
) -> Predictor:
    """A predictor with the pipeline and the activation of a competition; moves the model to its
    device."""
    layout = memory_format(config)
    return Predictor(
        model=model.to(accelerator.device, memory_format=layout),  # type: ignore[call-overload]
        reader=reader,
        pipeline=competition.pipeline(config, False),
        config=config.predict,
        accelerator=accelerator,
        activation=competition.activation,
        dense=competition.dense,
    )


def with_progress(
    predictions: Iterator[tuple[Sample, np.ndarray]],
    fold: int,
    total: int,
    on_prediction: OnPrediction | None,
    before: int = 0,
) -> Iterator[tuple[Sample, np.ndarray]]:
    """Yield the predictions and report each one; `before` of the `total` are already done.

    Raises:
        Stopped: a signal came.
    """
    for done, pair in enumerate(predictions, start=before + 1):
        stop_if_requested()
        if on_prediction:
            on_prediction(fold, done, total)
        yield pair


@dataclass(frozen=True, kw_only=True)
class Predictor:
    """Predicts samples.

    `model` maps float (N, C, H, W) images in 0..1 to raw predictions. Height and width of the input
    of a dense model must be multiples of its attribute `multiple`, or of 1 without it.
    """

    model: nn.Module
    reader: Reader
    pipeline: A.Compose
    config: PredictConfig
    accelerator: Accelerator
    activation: Callable[[torch.Tensor], torch.Tensor] | None = None
    dense: bool = False

    def __call__(self, samples: Sequence[Sample]) -> Iterator[tuple[Sample, np.ndarray]]:
        """Yield each sample with its prediction, in order.

        A prediction is float32: (H, W, C) with the size of the sample if dense, else (K,).
        """
        dataset = SampleSet(samples, self.reader, self.pipeline)
        items = ((sample, dataset[i, 0]["image"]) for i, sample in enumerate(samples))
        for _, same_size in groupby(items, key=lambda item: item[1].shape):
            while chunk := list(islice(same_size, self.config.batch_size)):
                predictions = self.batch(torch.stack([image for _, image in chunk]))
                yield from zip((sample for sample, _ in chunk), predictions, strict=True)

    def batch(self, images: torch.Tensor) -> np.ndarray:
        """Predict uint8 or float (N, C, H, W): float32 (N, H, W, C) if dense, else (N, K)."""
        self.model.eval()
        images = to_unit(images.to(self.accelerator.device))
        with torch.inference_mode(), self.accelerator.autocast():
            if self.dense:
                tile, overlap = self.config.tile, self.config.overlap
                out = predict_in_tiles(self._augmented, images, tile, overlap)
                out = out.permute(0, 2, 3, 1)
            else:
                out = self._augmented(images)
        return out.float().cpu().numpy()

    def _augmented(self, images: torch.Tensor) -> torch.Tensor:
        """The mean of the predictions of the flipped copies, each flipped back."""
        flips = FLIPS[self.config.tta]
        total = torch.zeros((), device=images.device)
        for axes in flips:
            out = self._forward(images.flip(axes) if axes else images)
            total = total + (out.flip(axes) if axes and self.dense else out)
        return total / len(flips)

    def _forward(self, images: torch.Tensor) -> torch.Tensor:
        """Pad to the model's multiple, predict, crop and apply the activation; float32."""
        height, width = images.shape[-2:]
        multiple = int(getattr(self.model, "multiple", 1)) if self.dense else 1
        below, right = -height % multiple, -width % multiple
        if below or right:
            images = F.pad(images, (0, right, 0, below), mode="replicate")
        out: torch.Tensor = self.model(images).float()
        out = out[..., :height, :width] if self.dense else out
        return self.activation(out) if self.activation else out
