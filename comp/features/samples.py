"""Cached features as training batches and as predictions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
import torch
from accelerate import Accelerator
from torch import nn
from torch.utils.data import Dataset

from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.dataset import LOSS_WEIGHT, Batch, Draw, memory_format
from comp.data.images.items import numbers_of
from comp.data.pipelines import pipeline_of
from comp.errors import RunError
from comp.features.store import FeatureStore
from comp.inference.tta import SYMMETRIES, resolve_tta, trained_symmetries


class FeatureSet(Dataset[Batch]):
    """One view of the features of a sample per draw, as `image`, with its encoded target.

    The seed of the draw chooses the view, which is augmented, or one of the copies that prediction
    averages.

    Args:
        encode: turns the target into what the loss sees.
        copies: symmetries that training shows, too.
        weights: the weight of each sample in the loss; None: all are 1.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        store: FeatureStore,
        encode: Callable[[np.ndarray], np.ndarray],
        weights: Sequence[float] | None = None,
        copies: int = 0,
    ) -> None:
        self.samples, self.store, self.weights, self.copies = samples, store, weights, copies
        targets = [numbers_of(sample).get("target") for sample in samples]
        self.targets = [None if t is None else np.asarray(encode(t)) for t in targets]
        self.rows = [store.row(sample) for sample in samples]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, draw: Draw) -> Batch:
        return {name: values[0] for name, values in self.__getitems__([draw]).items()}

    def __getitems__(self, draws: Sequence[Draw]) -> Batch:
        """The batch of several draws, already collated."""
        indices, seeds = zip(*draws, strict=True)
        views = self.store.draws([self.rows[index] for index in indices], seeds, self.copies)
        batch = {"image": torch.from_numpy(views)}
        targets = [self.targets[index] for index in indices]
        if targets[0] is not None:
            batch["target"] = torch.from_numpy(np.stack(targets))
        if self.weights is not None:
            weights = [self.weights[index] for index in indices]
            batch[LOSS_WEIGHT] = torch.tensor(weights, dtype=torch.float32)
        return batch


def trained_copies(competition: Competition, config: RunConfig, store: FeatureStore) -> int:
    """The number of symmetries of a cache that augmentation shows as well, counted from the first;
    0 without augmentation."""
    if not config.loader.augment:
        return 0
    shown = SYMMETRIES[trained_symmetries(pipeline_of(competition, config, True))]
    stored = SYMMETRIES[store.index["symmetries"]]
    return len(list(takewhile(shown.__contains__, stored)))


def feature_predictor(
    competition: Competition,
    config: RunConfig,
    model: nn.Module,
    store: FeatureStore,
    accelerator: Accelerator,
) -> FeaturePredictor:
    """A predictor with the activation of a competition; moves the model to its device.

    Args:
        model: a network that takes features.
    """
    layout = memory_format(config)
    return FeaturePredictor(
        model=model.to(accelerator.device, memory_format=layout),  # type: ignore[call-overload]
        store=store,
        tta=resolve_tta(competition, config),
        batch_size=config.predict.batch_size,
        accelerator=accelerator,
        activation=competition.task.activation,
    )


@dataclass(frozen=True, kw_only=True)
class FeaturePredictor:
    """Predicts samples from their features, like `comp.inference.predict.Predictor` from images.

    `model` maps features to raw predictions. `tta` is a key of `comp.inference.tta.SYMMETRIES`.
    """

    model: nn.Module
    store: FeatureStore
    tta: str
    batch_size: int
    accelerator: Accelerator
    activation: Callable[[torch.Tensor], torch.Tensor] | None = None

    def __call__(self, samples: Sequence[Sample]) -> Iterator[tuple[Sample, np.ndarray]]:
        """Yield each sample with its prediction, float32 (K,), in order.

        Raises:
            RunError: the cache does not have all copies of the images.
        """
        copies = SYMMETRIES[self.tta]
        stored = SYMMETRIES[self.store.index["symmetries"]]
        if stored[: len(copies)] != copies:
            raise RunError(
                f"the features in {self.store.folder} are those of predict.tta = "
                f"{self.store.index['symmetries']}, not {self.tta}: start a new run"
            )
        for start in range(0, len(samples), self.batch_size):
            chunk = samples[start : start + self.batch_size]
            rows = [self.store.row(sample) for sample in chunk]
            features = torch.from_numpy(self.store.plain(rows, len(copies)))
            yield from zip(chunk, self._predict(features), strict=True)

    def _predict(self, features: torch.Tensor) -> np.ndarray:
        """The mean over the copies, of features (N, copies, ...): float32 (N, K)."""
        if self.model.training:  # asking each module costs more than a batch
            self.model.eval()
        features = features.to(self.accelerator.device)
        total = torch.zeros((), device=features.device)
        with torch.inference_mode(), self.accelerator.autocast():
            for copy in range(features.shape[1]):
                raw = self.model(features[:, copy]).float()
                total = total + (self.activation(raw) if self.activation else raw)
        return (total / features.shape[1]).cpu().numpy()
