"""Predict samples with a model, with test-time augmentation by flips and quarter turns.

A model with the output "image" predicts an image of the same size as the input, of any size; large
images are predicted in tiles. Other models predict numbers for batches of inputs of one size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from accelerate import Accelerator
from torch import nn

from comp.config.prediction import PredictConfig
from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.sample import Reader, Sample
from comp.data.columns.reader import ColumnReader
from comp.data.dataset import SampleSet, memory_format
from comp.inference.forward import NO_OTHERS, Forward
from comp.inference.rows import RowPredictor
from comp.inference.tta import resolve_tta
from comp.runs.progress import OnPrediction
from comp.signals import stop_if_requested

if TYPE_CHECKING:
    import albumentations as A


def predictor_of(
    competition: Competition,
    config: RunConfig,
    model: nn.Module,
    reader: Reader,
    accelerator: Accelerator,
) -> Predictor | RowPredictor:
    """A predictor with the pipeline and the activation of a competition; moves the model to its
    device."""
    layout = memory_format(config)
    model = model.to(accelerator.device, memory_format=layout)  # type: ignore[call-overload]
    if isinstance(reader, ColumnReader) and reader.images is None:
        return RowPredictor(
            model=model,
            reader=reader,
            accelerator=accelerator,
            inputs=competition.inputs,
            batch_size=config.predict.batch_size,
            activation=competition.task.activation,
        )
    return Predictor(
        model=model,
        reader=reader,
        pipeline=competition.pipeline(config, False),
        config=config.predict.model_copy(update={"tta": resolve_tta(competition, config)}),
        accelerator=accelerator,
        activation=competition.task.activation,
        output=competition.task.output,
        inputs=competition.inputs,
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

    `model` maps the entries `inputs` of an item to raw predictions, as `Forward` says. `config.tta`
    is a key of `comp.inference.tta.SYMMETRIES`.
    """

    model: nn.Module
    reader: Reader
    pipeline: A.Compose
    config: PredictConfig
    accelerator: Accelerator
    activation: Callable[[torch.Tensor], torch.Tensor] | None = None
    output: Literal["numbers", "image"] = "numbers"
    inputs: tuple[str, ...] = ("image",)

    def __call__(self, samples: Sequence[Sample]) -> Iterator[tuple[Sample, np.ndarray]]:
        """Yield each sample with its prediction, in order.

        A prediction is float32: (H, W, K) with the size of the sample, or (K,).
        """
        dataset = SampleSet(samples, self.reader, self.pipeline, inputs=self.inputs)
        items = ((sample, self._entries(dataset, i)) for i, sample in enumerate(samples))
        for _, same_size in groupby(items, key=lambda item: [v.shape for v in item[1].values()]):
            while chunk := list(islice(same_size, self.config.batch_size)):
                entries = {n: torch.stack([item[n] for _, item in chunk]) for n in self.inputs}
                predictions = self.batch(entries.pop("image"), entries)
                yield from zip((sample for sample, _ in chunk), predictions, strict=True)

    def _entries(self, dataset: SampleSet, index: int) -> dict[str, torch.Tensor]:
        item = dataset[index, 0]
        return {name: item[name] for name in self.inputs}

    def batch(
        self, images: torch.Tensor, others: Mapping[str, torch.Tensor] = NO_OTHERS
    ) -> np.ndarray:
        """Predict uint8 or float (N, C, H, W): float32 (N, H, W, K) or (N, K).

        Args:
            others: the inputs of the model besides the image, N of each.
        """
        self.model.eval()
        device = self.accelerator.device
        forward = Forward(
            model=self.model,
            tta=self.config.tta,
            activation=self.activation,
            output=self.output,
            tile=self.config.tile,
            overlap=self.config.overlap,
            inputs=self.inputs,
        )
        others = {name: values.to(device) for name, values in others.items()}
        with torch.inference_mode(), self.accelerator.autocast():
            out = forward(images.to(device), others)
        return out.float().cpu().numpy()
