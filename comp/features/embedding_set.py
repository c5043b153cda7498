"""The embeddings of samples, and which of the samples look alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from comp.config.nearest import did_you_mean
from comp.contract.competition import Competition
from comp.contract.sample import Sample, Split
from comp.errors import ConfigError
from comp.features.similarity import nearest, similar_pairs
from comp.files import replacing

FILES = (".npz", ".parquet")
"""Kinds of files that `Embeddings.save` writes."""


class Neighbour(NamedTuple):
    """A sample whose embedding is near that of another one; `label` is "" if it is not known."""

    id: str
    split: Split
    label: str
    similarity: float


class DuplicatePair(NamedTuple):
    """Two samples that look alike. `leak`: one trains and the other one is of the test data."""

    first: str
    second: str
    similarity: float
    leak: bool
    same_group: bool
    """Whether both have the same group, so that no fold splits them."""
    first_split: Split
    """The split of `first`: train and test may have the same ids."""
    second_split: Split


@dataclass(frozen=True, kw_only=True)
class Embeddings:
    """The embeddings of samples; rows of `values`, float32 (N, D), are in the order of `samples`.

    `splits` says for each sample whether it is of "train" or "test".
    """

    competition: Competition
    backbone: str
    samples: Sequence[Sample]
    splits: Sequence[Split]
    values: np.ndarray

    @property
    def ids(self) -> list[str]:
        """The ids of the samples."""
        return [sample.id for sample in self.samples]

    @property
    def labels(self) -> list[str]:
        """The label names of the samples, separated by spaces; "" without any."""
        names = self.competition.task.label_names
        return [" ".join(names(s.target)) if s.target is not None else "" for s in self.samples]

    def split_of(self, sample_id: str, split: Split | None = None) -> Split:
        """The split of a sample; of an id that both splits have, `split`, or train.

        Raises:
            ConfigError: no sample has this id.
        """
        return self.splits[self._row_of(sample_id, split)]

    def neighbours(
        self, sample_id: str, count: int = 5, split: Split | None = None
    ) -> list[Neighbour]:
        """The samples that look most like one, by the cosine of embeddings without their mean.

        Args:
            split: of the sample; None: that which has the id, train if both have it.

        Raises:
            ConfigError: no sample has this id.
        """
        ids, labels = self.ids, self.labels
        found = nearest(self.values, self._row_of(sample_id, split), count)
        return [Neighbour(ids[i], self.splits[i], labels[i], value) for i, value in found]

    def _row_of(self, sample_id: str, split: Split | None) -> int:
        ids = self.ids
        rows = {self.splits[i]: i for i, name in enumerate(ids) if name == sample_id}
        row = rows.get(split) if split else rows.get("train", rows.get("test"))
        if row is None:
            where = f" of {split}" if split else ""
            raise ConfigError(
                f"no sample '{sample_id}'{where} among {len(ids):,}: "
                f"{did_you_mean(sample_id, ids)}the first is {ids[0]}"
            )
        return row

    def duplicates(self, least: float = 0.95) -> list[DuplicatePair]:
        """The pairs of samples with a similarity of at least `least`, the most similar first.

        Raises:
            ConfigError: `least` is not above 0 and at most 1, or there are too many pairs.
        """
        if not 0 < least <= 1:
            raise ConfigError(f"a similarity of {least:g} does not exist: give one from 0.5 to 1")
        return [
            DuplicatePair(
                first=self.samples[i].id,
                second=self.samples[j].id,
                similarity=similarity,
                leak=self.splits[i] != self.splits[j],
                same_group=self.samples[i].group is not None
                and self.samples[i].group == self.samples[j].group,
                first_split=self.splits[i],
                second_split=self.splits[j],
            )
            for i, j, similarity in similar_pairs(self.values, least)
        ]

    def of_split(self, split: Literal["train", "test", "all"]) -> Embeddings:
        """Those of the samples of one split, or all."""
        if split == "all":
            return self
        rows = [row for row, name in enumerate(self.splits) if name == split]
        return replace(
            self,
            samples=[self.samples[row] for row in rows],
            splits=[split] * len(rows),
            values=self.values[rows],
        )

    def save(self, path: Path) -> None:
        """Write ids, splits, labels and embeddings to a .npz or .parquet file.

        In the first they are the arrays `ids`, `splits`, `labels` and `embeddings`, in the second
        the columns `id`, `split`, `label` and `embedding`.

        Raises:
            ConfigError: another kind of file.
            DiskError: it cannot be written.
        """
        check_suffix(path)
        with replacing(path) as temporary, temporary.open("wb") as stream:
            if path.suffix == ".npz":
                np.savez_compressed(
                    stream,
                    ids=np.array(self.ids),
                    splits=np.array(self.splits),
                    labels=np.array(self.labels),
                    embeddings=self.values,
                )
            else:
                import polars as pl

                columns = {"id": self.ids, "split": self.splits, "label": self.labels}
                pl.DataFrame({**columns, "embedding": self.values}).write_parquet(stream)


def check_suffix(path: Path) -> None:
    """Check that `Embeddings.save` can write a file of this name.

    Raises:
        ConfigError: it cannot.
    """
    if path.suffix not in FILES:
        raise ConfigError(f"{path.name} is not a .npz or .parquet file: give another name")
