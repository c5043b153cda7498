"""Images that look alike in a run: over folds, in train and test, within a fold."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from comp.contract.sample import Sample
from comp.data.audit.leaks import same_group
from comp.data.audit.near_duplicates import (
    UNCOMPARED,
    Signature,
    compute_signature,
    find_near_pairs,
)
from comp.data.drift.images import own_images
from comp.data.groups import NEVER, UNUSED, group_keys, held_out_apart
from comp.review.looks import read_image

if TYPE_CHECKING:
    from comp.review.facts import RunFacts

MOST, MOST_TEST = 2000, 1000
"""Images of train and of test that are compared, chosen at random."""
LEAST = 40
LIMIT_S = 0.7
"""Seconds after which no further image is read, if there are forty."""

Where = Literal["folds", "test", "fold"]
"""Two training samples in different folds, one of train and one of test, two in one fold."""


@dataclass(frozen=True, kw_only=True)
class Copy:
    """Two images that look alike. `first` is of train; `second` too, unless `where` is "test"."""

    first: Sample
    second: Sample
    where: Where
    same_group: bool
    same_label: bool | None
    """None if a label is not known."""
    flip: str
    correlation: float


@dataclass(frozen=True, kw_only=True)
class Copies:
    """The pairs that look alike, over folds first, and how many images were compared."""

    pairs: Sequence[Copy]
    train: int
    all_train: int
    test: int
    all_test: int

    @property
    def all_compared(self) -> bool:
        """Whether every image was compared."""
        return self.train == self.all_train and self.test == self.all_test


def find_copies(facts: RunFacts) -> Copies | None:
    """The pairs among at most 2,000 images of train and 1,000 of test, and fewer if they are slow
    to read. None without images of their own: a file of several samples is not compared."""
    if facts.oof is None or facts.reader is None:
        return None
    data = facts.oof.data
    used = [sample for sample in data.train if data.folds.get(sample.id) != UNUSED]
    train, test = own_images(used), own_images(data.test)
    if not train:
        return None
    chosen_train = _signatures(facts, _chosen(train, MOST, 0))
    chosen_test = _signatures(facts, _chosen(test, MOST_TEST, 1))
    samples = [sample for sample, _ in [*chosen_train, *chosen_test]]
    numbers: dict[str, int] = {}
    keys = group_keys(samples)
    sets = [
        UNCOMPARED if row >= len(chosen_train) else numbers.setdefault(key, len(numbers))
        for row, key in enumerate(keys)
    ]
    near = find_near_pairs([sign for _, sign in [*chosen_train, *chosen_test]], sets)
    pairs = []
    for pair in near:
        first, second = samples[pair.first], samples[pair.second]
        in_test = pair.second >= len(chosen_train)
        where: Where = "test" if in_test else _where(facts, first, second)
        pairs.append(
            Copy(
                first=first,
                second=second,
                where=where,
                same_group=not in_test and same_group(first, second),
                same_label=_same_label(first, second),
                flip=pair.flip,
                correlation=pair.correlation,
            )
        )
    pairs.sort(key=lambda copy: ("folds", "test", "fold").index(copy.where))
    return Copies(
        pairs=pairs,
        train=len(chosen_train),
        all_train=len(train),
        test=len(chosen_test),
        all_test=len(test),
    )


def _chosen(samples: Sequence[Sample], most: int, seed: int) -> list[Sample]:
    order = np.random.default_rng(seed).permutation(len(samples))[:most]
    return [samples[index] for index in order]


def _signatures(
    facts: RunFacts, samples: Sequence[Sample]
) -> list[tuple[Sample, Signature | None]]:
    """The signatures of images until the time is up; those that cannot be read are left out."""
    found: list[tuple[Sample, Signature | None]] = []
    end = time.monotonic() + LIMIT_S
    for sample in samples:
        pixels = read_image(facts, sample)
        if pixels is None:
            continue
        found.append((sample, compute_signature(_shown(pixels))))
        if len(found) >= LEAST and time.monotonic() > end:
            break
    return found


def _shown(pixels: np.ndarray) -> np.ndarray:
    """Grey (H, W) or the first three channels."""
    if pixels.ndim == 2:
        return pixels
    return pixels[..., 0] if pixels.shape[2] < 3 else np.ascontiguousarray(pixels[..., :3])


def _where(facts: RunFacts, first: Sample, second: Sample) -> Where:
    """ "folds" if a model that holds one of them out trains on the other."""
    assert facts.oof is not None
    folds, scheme = facts.oof.data.folds, facts.oof.config.scheme
    numbers = [folds.get(sample.id, NEVER) for sample in (first, second)]
    if max(numbers) < 0:  # no score needs either of them
        return "fold"
    if same_group(first, second) and (min(numbers) < 0 or scheme == "time"):
        return "fold"  # such a sample does not train beside its group
    one, other = (number if number >= 0 else held_out_apart(number) for number in numbers)
    return "folds" if one != other else "fold"


def _same_label(first: Sample, second: Sample) -> bool | None:
    one, other = first.target, second.target
    if one is None or other is None:
        return None
    if isinstance(one, float | int) or isinstance(other, float | int):
        return one == other
    if hasattr(one, "__fspath__") or hasattr(other, "__fspath__"):
        return None  # masks are compared by no one here
    return bool(np.array_equal(np.asarray(one), np.asarray(other)))
