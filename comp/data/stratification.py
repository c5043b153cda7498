"""Balanced folds of classes, of several labels, and of numbers.

Each function assigns units to folds. A unit is a sample, or a group of samples that no fold splits.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

MAX_BINS = 10
"""Bins of numbers. More bins hold too few samples to balance the folds better."""


def spread(strata: Sequence[str], k: int, seed: int) -> list[int]:
    """The fold of each of N samples.

    The number of samples of a class differs by at most 1 between two folds, and so does the number
    of all samples, even if a class has fewer samples than there are folds.
    """
    generator = random.Random(seed)
    order = list(range(len(strata)))
    generator.shuffle(order)
    names = sorted(set(strata))
    generator.shuffle(names)
    rank = {name: position for position, name in enumerate(names)}
    order.sort(key=lambda index: rank[strata[index]])
    folds = [0] * len(strata)
    for position, index in enumerate(order):
        folds[index] = position % k
    return folds


def iterative(units: Sequence[Mapping[str, int]], k: int, seed: int) -> list[int]:
    """The fold of each of U units by iterative stratification, for samples with several labels.

    `units` maps each unit's labels to the number of its samples that have them; the entry "" is the
    number of all its samples. The rarest label is assigned first, each unit to the fold that lacks
    most samples of this label, and of those to the fold that lacks most samples.

    Source: Sechidis, Tsoumakas and Vlahavas, "On the Stratification of Multi-Label Data", 2011.
    """
    generator = random.Random(seed)
    order = list(range(len(units)))
    generator.shuffle(order)
    total: Counter[str] = Counter()
    for unit in units:
        total.update(unit)
    lacking = {name: [count / k] * k for name, count in total.items()}
    members: dict[str, list[int]] = defaultdict(list)
    for index in order:
        for name in units[index]:
            members[name].append(index)
    folds: dict[int, int] = {}
    while len(folds) < len(units):
        # "" comes last: every other label of the units that remain has been assigned
        rarest = min(
            (name for name in total if total[name] > 0), key=lambda n: (n == "", total[n], n)
        )
        for index in sorted(members[rarest], key=lambda i: -units[i][rarest]):
            if index in folds:
                continue
            fold = max(
                range(k), key=lambda f: (lacking[rarest][f], lacking[""][f], generator.random())
            )
            folds[index] = fold
            for name, count in units[index].items():
                lacking[name][fold] -= count
                total[name] -= count
    return [folds[index] for index in range(len(units))]


def bin_count(samples: int, k: int, per_bin: int) -> int:
    """The number of bins with at least `per_bin` samples per bin and fold; 0 if that is below 2."""
    bins = min(MAX_BINS, samples // (per_bin * k))
    return bins if bins >= 2 else 0


def quantile_bins(values: np.ndarray, bins: int) -> list[str]:
    """The bin of each of N rows of numbers (N, T); each bin has about the same number of rows.

    Rows of several numbers are ordered by the first principal component of the standardized
    columns. Equal values are in one bin, so that there may be fewer bins than `bins`.
    """
    line = values[:, 0] if values.shape[1] == 1 else first_component(values)
    inner = np.unique(np.quantile(line, np.linspace(0, 1, bins + 1)[1:-1]))
    return [f"bin {index}" for index in np.searchsorted(inner, line, side="right")]


def first_component(values: np.ndarray) -> np.ndarray:
    """The first principal component (N,) of the standardized columns of numbers (N, T)."""
    deviation = values.std(axis=0)
    columns = (values - values.mean(axis=0)) / np.where(deviation > 0, deviation, 1)
    direction = np.linalg.eigh(columns.T @ columns)[1][:, -1]
    sign = np.sign(direction[np.argmax(np.abs(direction))])
    component: np.ndarray = np.round(columns @ (direction * sign), 9)
    return component
