"""The samples of a competition, train and test, with their classes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from comp.contract.competition import Competition
from comp.contract.sample import Sample, Split
from comp.data.audit.inventory import take_inventory
from comp.data.audit.sample_checks import class_names, has_classes
from comp.errors import DataError

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Named:
    """A sample by its split and id, which is unique in its split, and its classes."""

    split: Split
    id: str
    label: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Subjects:
    """Samples with the split and the classes of each, train first.

    A sample has one class, several labels, or () if it has none or is of the test data.
    """

    competition: Competition
    samples: Sequence[Sample]
    splits: Sequence[Split]
    classes: Sequence[tuple[str, ...]]

    def __len__(self) -> int:
        """The number of samples."""
        return len(self.samples)

    @property
    def several_labels(self) -> bool:
        """Whether a sample may have several labels, or none."""
        return self.competition.task.suspects == "labels"

    @property
    def kind(self) -> str:
        """What the classes are: "classes", "strata" of a task without labels, or ""."""
        if not any(self.classes):
            return ""
        return "classes" if has_classes(self.competition) else "strata"

    def named(self, row: int) -> Named:
        """The sample of a row, for people and for JSON."""
        return Named(
            split=self.splits[row], id=self.samples[row].id, label=" ".join(self.classes[row])
        )

    def rows_of(self, split: Split) -> list[int]:
        """The rows of a split."""
        return [row for row, name in enumerate(self.splits) if name == split]

    def row_of(self, sample_id: str) -> int | None:
        """The row of an id, that of train if both splits have it; None if neither has."""
        rows = (row for row, sample in enumerate(self.samples) if sample.id == sample_id)
        return next(rows, None)

    def take(self, rows: Sequence[int]) -> Subjects:
        """The samples of these rows, in this order."""
        return Subjects(
            competition=self.competition,
            samples=_taken(self.samples, rows),
            splits=_taken(self.splits, rows),
            classes=_taken(self.classes, rows),
        )


def _taken(values: Sequence[T], rows: Sequence[int]) -> list[T]:
    return [values[row] for row in rows]


def read_subjects(competition: Competition, root: Path) -> Subjects:
    """All samples of the data. If labels cannot be read, the images that are there.

    Raises:
        DataError: there are no samples.
    """
    train, test = (take_inventory(competition, root, split) for split in ("train", "test"))
    samples = [*train.samples, *test.samples]
    if not samples:
        reasons = [finding.names[0] for side in (train, test) for finding in side.findings]
        raise DataError(
            reasons[0] if reasons else f"there are no samples in {root}: fetch the data again"
        )
    known = train.labels_known
    splits: list[Split] = ["train"] * len(train.samples)
    splits += ["test"] * len(test.samples)
    classes = [class_names(competition, sample) if known else () for sample in train.samples]
    return Subjects(
        competition=competition,
        samples=samples,
        splits=splits,
        classes=[*classes, *[()] * len(test.samples)],
    )


def choose(subjects: Subjects, rows: Sequence[int], most: int, seed: int) -> list[int]:
    """At most `most` of the rows in their order, chosen at random with the seed, so that each class
    keeps its share."""
    if len(rows) <= most:
        return list(rows)
    by_class: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for row in np.random.default_rng(seed).permutation(np.asarray(rows)).tolist():
        by_class[subjects.classes[row]].append(row)
    places = [
        ((place + 0.5) / len(members), row)
        for members in by_class.values()
        for place, row in enumerate(members)
    ]
    return sorted(row for _, row in sorted(places)[:most])
