"""Whether test differs from train: a record for run.json and `--json`, and a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from comp.contract.sample import Sample
from comp.data.drift.separation import SHOWN, Feature, Fit, Separation, separate
from comp.data.drift.series import Series, compare_names
from comp.data.groups import group_keys, is_grouped
from comp.errors import DataError

By = Literal["image statistics", "columns", "embeddings"]

LEAST = 50
"""Samples of train and of test from which they are compared."""
LEAST_GROUPS = 20
"""Groups of each side from which they are compared: few groups differ by chance."""
LEAST_AUC = 0.52
"""The lower end of the interval above which train and test differ; random halves of one data set
stay below it."""


@dataclass(frozen=True, kw_only=True)
class Drift:
    """How much test differs from train.

    `auc` is that of a classifier that tells test from train on held-out groups, 0.5 by chance, with
    the interval `low` to `high` of 95 %; `halves` is that between random halves of train. `train`
    and `test` are the samples that were compared, chosen with `seed` if there are more, and
    `train_groups` and `test_groups` their groups. `features` differ most. `like_test` and
    `like_train` are ids of test samples from both ends, the most different and the most similar
    ones. `names` compares the names of image files.
    """

    by: By
    auc: float
    low: float
    high: float
    halves: float
    train: int
    test: int
    train_groups: int
    test_groups: int
    seed: int = 0
    features: Sequence[Feature] = ()
    like_test: Sequence[str] = ()
    like_train: Sequence[str] = ()
    names: Series | None = None

    @property
    def found(self) -> bool:
        """Whether train and test differ, beyond chance and beyond what random halves of train
        do."""
        return self.low - max(0.0, self.halves - 0.5) > LEAST_AUC

    def record(self) -> dict[str, Any]:
        """All numbers, in values of JSON."""
        return {"found": self.found} | asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Drift:
        """What `record` returned.

        Raises:
            KeyError, TypeError: it is damaged.
        """
        values = {name: value for name, value in record.items() if name != "found"}
        values["features"] = [Feature(**feature) for feature in values["features"]]
        values["names"] = Series(**values["names"]) if values["names"] else None
        return cls(**values)


@dataclass(frozen=True, kw_only=True)
class Sides:
    """The samples of train and test that are compared."""

    train: Sequence[Sample]
    test: Sequence[Sample]
    seed: int = 0
    groups: np.ndarray = field(repr=False)
    """int (N,) of all samples, train first: a group of both sides has one number."""

    @classmethod
    def of(cls, train: Sequence[Sample], test: Sequence[Sample], most: int, seed: int) -> Sides:
        """At most `most` samples of each side, chosen at random with the seed.

        Raises:
            DataError: there are too few samples, or too few groups.
        """
        train = [sample for sample in train if not sample.train_only]
        for name, samples in (("training", train), ("test", test)):
            if len(samples) < LEAST:
                raise DataError(
                    f"{len(samples)} {name} samples are too few to compare train and test: "
                    f"{LEAST} are needed"
                )
        chosen = [_chosen(samples, most, seed + side) for side, samples in enumerate((train, test))]
        groups = _groups(*chosen)
        sides = cls(train=chosen[0], test=chosen[1], seed=seed, groups=groups)
        for name, count in zip(("training", "test"), sides.counts, strict=True):
            if count < LEAST_GROUPS:
                raise DataError(
                    f"{count} groups of {name} samples are too few to compare train and test: "
                    f"{LEAST_GROUPS} are needed"
                )
        return sides

    @property
    def samples(self) -> list[Sample]:
        """All samples, train first."""
        return [*self.train, *self.test]

    @property
    def of_test(self) -> np.ndarray:
        """Whether each sample is of test, bool (N,)."""
        return np.arange(len(self.groups)) >= len(self.train)

    @property
    def counts(self) -> tuple[int, int]:
        """The groups of train and of test."""
        first, second = self.groups[~self.of_test], self.groups[self.of_test]
        return len(np.unique(first)), len(np.unique(second))


def _chosen(samples: Sequence[Sample], most: int, seed: int) -> list[Sample]:
    """At most `most` samples in their order."""
    if len(samples) <= most:
        return list(samples)
    order = np.random.default_rng(seed).permutation(len(samples))[:most]
    return [samples[index] for index in sorted(order)]


def _groups(train: Sequence[Sample], test: Sequence[Sample]) -> np.ndarray:
    """The number of the group of each sample. Only groups can be the same in train and in test:
    ids and units of the two are not related."""
    keys = [
        key if key.startswith("group ") else f"{side} {key}"
        for side, samples in (("train", train), ("test", test))
        for key in group_keys(samples)
    ]
    return np.asarray(np.unique(keys, return_inverse=True)[1])


def measure_drift(
    by: By, sides: Sides, values: np.ndarray, names: Sequence[str], fit: Fit
) -> Drift:
    """Compare train and test.

    Args:
        values: float (N, F) of all samples, train first.
        names: F names of the features, "" for one that says nothing alone; or none.
        fit: makes the classifier.

    Raises:
        DataError: the features are the same in all samples.
    """
    if not values.shape[1]:
        raise DataError(f"{by} are the same in all samples: nothing to compare")
    lone = is_grouped(sides.train) and not is_grouped(sides.test)
    result = separate(values, names, sides.of_test, sides.groups, fit, lone=lone)
    (train_groups, test_groups), auc = sides.counts, result.auc
    like_test, like_train = _ends(sides, result)
    return Drift(
        by=by,
        auc=round(auc.value, 4),
        low=round(auc.low, 4),
        high=round(auc.high, 4),
        halves=round(result.halves, 4),
        train=len(sides.train),
        test=len(sides.test),
        train_groups=train_groups,
        test_groups=test_groups,
        seed=sides.seed,
        features=[_rounded(feature) for feature in result.features],
        like_test=like_test,
        like_train=like_train,
        names=_names(sides) if by == "image statistics" else None,
    )


def _ends(sides: Sides, result: Separation) -> tuple[list[str], list[str]]:
    """Ids of the test samples that are most like test, and most like train."""
    order = np.argsort(-result.scores[sides.of_test], kind="stable")
    ids = [sides.test[index].id for index in order]
    return ids[:SHOWN], ids[::-1][:SHOWN]


def _rounded(feature: Feature) -> Feature:
    return Feature(
        name=feature.name,
        auc=round(feature.auc, 4),
        train=float(f"{feature.train:.5g}"),
        test=float(f"{feature.test:.5g}"),
    )


def _names(sides: Sides) -> Series | None:
    """The names of the image files of both sides; None if they have none."""
    train, test = (
        [s.image.name for s in samples if s.image] for samples in (sides.train, sides.test)
    )
    return compare_names(train, test) if train and test else None
