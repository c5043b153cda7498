"""Predictions of a model, one a sample, with test-time augmentation by flips.

Two ways: `dense` predictions are images of the input's size, whatever that is, and big ones are
made in tiles; other predictions come from batches of inputs of one size.
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
from comp.inference.tiles import in_tiles
from comp.runs.progress import OnPrediction
from comp.signals import stop_if_requested

if TYPE_CHECKING:
    import albumentations as A

FLIPS: dict[str, tuple[tuple[int, ...], ...]] = {
    "none": ((),),
    "hflip": ((), (3,)),
    "flips": ((), (3,), (2,), (2, 3)),
}
"""Axes of (N, C, H, W) that each copy is flipped along; a flip is its own inverse."""


def predictor_of(
    competition: Competition,
    config: RunConfig,
    model: nn.Module,
    reader: Reader,
    accelerator: Accelerator,
) -> Predictor:
    """A predictor with a competition's pipeline and activation, the model on its device."""
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
    """Pass the predictions on, telling of each; `before` of the `total` were made earlier.

    Raises:
        Stopped: when a signal came that stopped nothing yet.
    """
    for done, pair in enumerate(predictions, start=before + 1):
        stop_if_requested()
        if on_prediction:
            on_prediction(fold, done, total)
        yield pair


@dataclass(frozen=True, kw_only=True)
class Predictor:
    """All that turns a sample into a prediction.

    `model` maps float (N, C, H, W) images in 0..1 to raw predictions; a dense model says by its
    attribute `multiple` what height and width must be multiples of (1 if it has none).
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

        A prediction is float32: (H, W, C) of the sample's own size if dense, else (K,).
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
                out = in_tiles(self._augmented, images, self.config.tile, self.config.overlap)
                out = out.permute(0, 2, 3, 1)
            else:
                out = self._augmented(images)
        return out.float().cpu().numpy()

    def _augmented(self, images: torch.Tensor) -> torch.Tensor:
        """The mean over the flipped copies, each flipped back."""
        flips = FLIPS[self.config.tta]
        total = torch.zeros((), device=images.device)
        for axes in flips:
            out = self._forward(images.flip(axes) if axes else images)
            total = total + (out.flip(axes) if axes and self.dense else out)
        return total / len(flips)

    def _forward(self, images: torch.Tensor) -> torch.Tensor:
        """Pad to the model's multiple, predict, crop, activate; float32."""
        height, width = images.shape[-2:]
        multiple = int(getattr(self.model, "multiple", 1)) if self.dense else 1
        below, right = -height % multiple, -width % multiple
        if below or right:
            images = F.pad(images, (0, right, 0, below), mode="replicate")
        out: torch.Tensor = self.model(images).float()
        out = out[..., :height, :width] if self.dense else out
        return self.activation(out) if self.activation else out
