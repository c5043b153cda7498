"""Treated columns of samples as batches, alone or beside images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import Dataset

from comp.contract.sample import Item, Reader, Sample
from comp.data.dataset import LOSS_WEIGHT, Batch, Draw, ResumableBatchSampler
from comp.data.images.items import numbers_of

if TYPE_CHECKING:
    from comp.data.columns.treatment import Treatment

NUMBERS, CATEGORIES = "numbers", "categories"
"""The entries of an item with the treated columns, float32 (F,) and int64 (C,)."""


@dataclass(frozen=True)
class ColumnReader:
    """Reads the treated columns of samples, and their images if `images` is given.

    An item has `numbers`, float32 (F,), `categories`, int64 (C,), and the target if it is numbers.
    The entry `features` of the reader of images is left out. `samples` are treated at once, and
    others when they are read.
    """

    treatment: Treatment
    images: Reader | None = None
    samples: Sequence[Sample] = field(default=(), repr=False)
    _treated: dict[tuple[object, ...], tuple[np.ndarray, np.ndarray]] = field(
        default_factory=dict, init=False, repr=False
    )

    def __post_init__(self) -> None:
        if self.samples:
            arrays = self.batch(self.samples)
            pairs = zip(arrays[NUMBERS], arrays[CATEGORIES], strict=True)
            self._treated.update(zip(map(_cells, self.samples), pairs, strict=True))

    def __call__(self, sample: Sample) -> Item:
        """Read one sample."""
        key = _cells(sample)
        if key not in self._treated:
            arrays = self.batch([sample])
            self._treated[key] = arrays[NUMBERS][0], arrays[CATEGORIES][0]
        numbers, categories = self._treated[key]
        item = dict(self.images(sample)) if self.images else dict(numbers_of(sample))
        item.pop("features", None)
        return item | {NUMBERS: numbers.copy(), CATEGORIES: categories.copy()}

    @property
    def target_alone(self) -> Reader:
        """How the reader of images reads a target alone, if it can.

        Raises:
            AttributeError: it cannot, or there are no images.
        """
        alone: Reader = self.images.target_alone  # type: ignore[union-attr]
        return alone

    def batch(self, samples: Sequence[Sample]) -> dict[str, np.ndarray]:
        """The treated columns of several samples: `numbers` (N, F) and `categories` (N, C)."""
        matrix = self.treatment.for_network([sample.features for sample in samples])
        return {NUMBERS: matrix.numbers, CATEGORIES: matrix.categories}


def _cells(sample: Sample) -> tuple[object, ...]:
    """The cells of a sample, in which a gap equals a gap."""
    return tuple(None if cell != cell else cell for cell in sample.features.values())


class RowSet(Dataset[Batch]):
    """The rows of a table with their targets; a whole batch is read at once.

    Args:
        encode: a target -> what the loss sees.
        inputs: the entries of an item that the network takes, in this order.
        weights: the weight of each sample in the loss; None: all are 1.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        reader: ColumnReader,
        encode: Callable[[np.ndarray], np.ndarray],
        inputs: Sequence[str],
        weights: Sequence[float] | None = None,
    ) -> None:
        arrays = reader.batch(samples)
        entries: dict[str, Any] = {name: arrays[name] for name in inputs}
        targets = [numbers_of(sample)["target"] for sample in samples]
        entries["target"] = np.stack([np.asarray(encode(target)) for target in targets])
        if weights is not None:
            entries[LOSS_WEIGHT] = np.asarray(weights, dtype=np.float32)
        self._entries = {name: torch.from_numpy(values) for name, values in entries.items()}

    def __len__(self) -> int:
        return len(self._entries["target"])

    def __getitem__(self, draw: Draw) -> Batch:
        return {name: values[draw[0]] for name, values in self._entries.items()}

    def __getitems__(self, draws: Sequence[Draw]) -> Batch:
        """The batch of several draws, already collated."""
        indices = torch.tensor([index for index, _ in draws])
        return {name: values[indices] for name, values in self._entries.items()}


class RowBatchSampler(ResumableBatchSampler):
    """The batches of rows, which have no random streams: nothing augments them."""

    def _draw_seed(self, _position: int) -> int:
        return 0
