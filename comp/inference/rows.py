"""Predict the rows of a table with a network of columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from accelerate import Accelerator
from torch import nn

from comp.contract.sample import Sample
from comp.data.columns.reader import ColumnReader
from comp.signals import stop_if_requested


@dataclass(frozen=True, kw_only=True)
class RowPredictor:
    """Predicts rows. `model` maps the entries `inputs` of an item to raw predictions (N, K)."""

    model: nn.Module
    reader: ColumnReader
    accelerator: Accelerator
    inputs: tuple[str, ...]
    batch_size: int
    activation: Callable[[torch.Tensor], torch.Tensor] | None = None

    def __call__(self, samples: Sequence[Sample]) -> Iterator[tuple[Sample, np.ndarray]]:
        """Yield each sample with its prediction, float32 (K,), in order."""
        for start in range(0, len(samples), self.batch_size):
            stop_if_requested()
            chunk = samples[start : start + self.batch_size]
            yield from zip(chunk, self.batch(chunk), strict=True)

    def batch(self, samples: Sequence[Sample]) -> np.ndarray:
        """The predictions of several samples, float32 (N, K)."""
        self.model.eval()
        arrays = self.reader.batch(samples)
        device = self.accelerator.device
        entries = [torch.from_numpy(arrays[name]).to(device) for name in self.inputs]
        with torch.inference_mode(), self.accelerator.autocast():
            out: torch.Tensor = self.model(*entries).float()
            out = self.activation(out) if self.activation else out
        return out.float().cpu().numpy()
