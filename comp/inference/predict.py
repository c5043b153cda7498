"""Predict samples with a model, with test-time augmentation by flips and quarter turns.

A model with the output "image" predicts an image of the same size as the input, of any size; large
images are predicted in tiles. Other models predict numbers for batches of inputs of one size.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
from comp.data.dataset import memory_format, worker_count
from comp.data.pipelines import as_pipeline, pipeline_of
from comp.errors import RunError
from comp.inference.forward import NO_OTHERS, Forward
from comp.inference.reading import ItemSet, Reading
from comp.inference.rows import RowPredictor
from comp.inference.transfer import arrived, on_device, tuned
from comp.inference.tta import resolve_tta
from comp.runs.progress import OnPrediction
from comp.signals import stop_if_requested

if TYPE_CHECKING:
    from comp.contract.pipeline import Pipeline


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
        pipeline=pipeline_of(competition, config, False),
        config=config.predict.model_copy(update={"tta": resolve_tta(competition, config)}),
        accelerator=accelerator,
        activation=competition.task.activation,
        output=competition.task.output,
        inputs=competition.inputs,
        workers=config.loader.workers,
        layout=layout,
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
    try:
        for done, pair in enumerate(predictions, start=before + 1):
            stop_if_requested()
            if on_prediction:
                on_prediction(fold, done, total)
            yield pair
    finally:  # whoever reads ahead must end, although a traceback keeps the iterator
        if isinstance(predictions, Generator):
            predictions.close()


@dataclass(frozen=True, kw_only=True)
class Predictor:
    """Predicts samples.

    `model` maps the entries `inputs` of an item to raw predictions, as `Forward` says. `config.tta`
    is a key of `comp.inference.tta.SYMMETRIES`.
    """

    model: nn.Module
    reader: Reader
    pipeline: Pipeline
    config: PredictConfig
    accelerator: Accelerator
    activation: Callable[[torch.Tensor], torch.Tensor] | None = None
    output: Literal["numbers", "image"] = "numbers"
    inputs: tuple[str, ...] = ("image",)
    workers: int | None = None
    """`loader.workers`."""
    layout: torch.memory_format = torch.contiguous_format
    """The memory layout of images."""

    def __call__(self, samples: Sequence[Sample]) -> Iterator[tuple[Sample, np.ndarray]]:
        """Yield each sample with its prediction, in order.

        A prediction is float32: (H, W, K) with the size of the sample, or (K,). Only samples of
        equal shapes that follow each other share a batch.
        """
        items = ItemSet(
            samples=samples,
            reader=self.reader,
            pipeline=as_pipeline(self.pipeline),
            inputs=self.inputs,
        )
        reading = Reading(
            items=items,
            batch_size=self.config.batch_size,
            device=self.accelerator.device,
            workers=worker_count(self.workers, self.accelerator.device),
        )
        self.model.eval()
        rest = iter(samples)
        for predictions in arrived(self._outputs(reading)):
            for prediction in predictions:
                yield next(rest), prediction

    def _outputs(self, reading: Reading) -> Iterator[torch.Tensor]:
        """The predictions of each batch, on the device, which may still work on them."""
        shape: torch.Size | None = None
        for parts in reading.batches():
            entries = on_device(parts, self.accelerator.device, self.layout)
            image = entries.pop("image")
            with tuned(image.shape == shape, self.accelerator.device):
                output = self._forward(image, entries)
            if len(output) != len(image):
                raise RunError(
                    f"the network predicts {len(output)} samples for a batch of {len(image)}: it "
                    "must keep the first axis of its input"
                )
            yield output
            shape = image.shape

    def batch(
        self, images: torch.Tensor, others: Mapping[str, torch.Tensor] = NO_OTHERS
    ) -> np.ndarray:
        """Predict uint8 or float (N, C, H, W): float32 (N, H, W, K) or (N, K).

        Args:
            others: the inputs of the model besides the image, N of each.
        """
        self.model.eval()
        device = self.accelerator.device
        others = {name: values.to(device) for name, values in others.items()}
        return self._forward(images.to(device), others).cpu().numpy()

    def _forward(self, images: torch.Tensor, others: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Predict a batch on the device: float32."""
        if self.model.training:  # asking each module would take as long as a small batch
            self.model.eval()
        forward = Forward(
            model=self.model,
            tta=self.config.tta,
            activation=self.activation,
            output=self.output,
            tile=self.config.tile,
            overlap=self.config.overlap,
            inputs=self.inputs,
        )
        with torch.inference_mode(), self.accelerator.autocast():
            return forward(images, others).float()
