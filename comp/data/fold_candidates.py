"""The samples that folds hold out in turn, and what can be known of their classes in folds."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from pathlib import Path
from typing import Any, Literal

import numpy as np

from comp.contract.sample import Sample, Target
from comp.data.groups import group_keys, is_grouped
from comp.data.per_number import PerNumber
from comp.data.stratification import bin_count, quantile_bins

LabelNames = Callable[[Target], tuple[str, ...]]
"""`Task.label_names`: the names of the labels of a valid target."""


@dataclass(frozen=True)
class Candidates:
    """The samples that are held out in turn, with what folds depend on.

    `names` are the labels of each sample, `noun` is the word for a group in messages.
    """

    samples: Sequence[Sample]
    names: Sequence[tuple[str, ...]]
    noun: str

    @classmethod
    def of(cls, samples: Sequence[Sample], label_names: LabelNames, noun: str) -> Candidates:
        """The candidates among samples with valid targets."""
        named = PerNumber(label_names)
        return cls(samples, [names_of(sample, named) for sample in samples], noun)

    @cached_property
    def keys(self) -> list[str]:
        """A key of the group of each sample; a sample without a group is a group by itself."""
        return group_keys(self.samples)

    @cached_property
    def grouped(self) -> bool:
        """Whether samples have groups or units."""
        return is_grouped(self.samples)

    @cached_property
    def kind(self) -> Literal["classes", "labels", "numbers", "none"]:
        """What the samples can be stratified by: one class each, several labels, numbers."""
        if any(self.names):
            return "labels" if max(map(len, self.names)) > 1 else "classes"
        numeric = bool(self.samples) and all(_is_number(s.target) for s in self.samples)
        return "numbers" if numeric else "none"

    def bins(self, per_bin: int, k: int) -> int:
        """The number of bins of numbers; 0 if there are too few samples."""
        return bin_count(len(set(self.keys)), k, per_bin) if self.kind == "numbers" else 0

    def in_bins(self, bins: int) -> Candidates:
        """The same samples with the bins of their numbers as classes."""
        rows = [np.asarray(sample.target, dtype=np.float64).ravel() for sample in self.samples]
        names = [(name,) for name in quantile_bins(np.array(rows), bins)]
        return Candidates(self.samples, names, self.noun)


def names_of(sample: Sample, label_names: LabelNames) -> tuple[str, ...]:
    """The labels by which folds balance a sample: its stratum, else those of its target."""
    if sample.stratum is not None:
        return (sample.stratum,)
    return () if sample.target is None else label_names(sample.target)


def _is_number(target: Target) -> bool:
    """Whether a target is a finite number or several."""
    if type(target) is float:
        return math.isfinite(target)
    if target is None or isinstance(target, Path | str):
        return False
    numbers: Iterable[Any] = [target] if isinstance(target, Real) else np.asarray(target).ravel()
    return all(isinstance(value, Real) and math.isfinite(value) for value in numbers)


def members_of(candidates: Candidates) -> dict[str, set[str]]:
    """The groups with samples of each class. "" is the class of samples without one, if every
    sample has at most one class."""
    members: dict[str, set[str]] = defaultdict(set)
    single = candidates.kind == "classes"
    for key, names in zip(candidates.keys, candidates.names, strict=True):
        for name in names or [""] * single:
            members[name].add(key)
    return members


def small_classes(candidates: Candidates, k: int) -> list[tuple[str, int]]:
    """The classes with fewer members than folds, and their members; a group is one member."""
    members = members_of(candidates)
    return [(name, len(keys)) for name, keys in sorted(members.items()) if len(keys) < k]


def named(name: str) -> str:
    """A class in a message."""
    return f"class '{name}'" if name else "the class of samples without a label"


def strata_of(candidates: Candidates) -> list[str]:
    """The class of each sample, "" for a sample without one."""
    return [names[0] if names else "" for names in candidates.names]


def counts_in_folds(candidates: Candidates, folds: Sequence[int], k: int) -> dict[str, list[int]]:
    """The number of samples of each class in each fold."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0] * k)
    single = candidates.kind == "classes"
    for names, fold in zip(candidates.names, folds, strict=True):
        for name in names or [""] * single:
            counts[name][fold] += 1
    return counts


def single_class_folds(candidates: Candidates, folds: Sequence[int]) -> dict[int, str]:
    """The folds that hold out samples of one class only, with this class, if the samples have more
    than one class and each has at most one."""
    strata = strata_of(candidates)
    if candidates.kind != "classes" or len(set(strata)) < 2:
        return {}
    found: dict[int, set[str]] = defaultdict(set)
    for fold, stratum in zip(folds, strata, strict=True):
        found[fold].add(stratum)
    return {fold: min(names) for fold, names in sorted(found.items()) if len(names) == 1}
