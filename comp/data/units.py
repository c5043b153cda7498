"""Units: several samples, such as the images of one patient, that share one prediction."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from comp.contract.sample import Sample

Pool = Literal["mean", "max"] | None


EXTERNAL = re.compile(r"^external-\d+/")
"""What `comp.data.external` puts before the id of a sample."""


def unit_of(sample: Sample) -> str:
    """The id of the prediction that a sample belongs to: its unit, or its own id.

    Of an external sample the unit has the prefix of its id: each folder counts its units apart.
    Folds keep units of one name together all the same, in case they are the same
    (`comp.data.groups`).
    """
    if sample.unit is None:
        return sample.id
    source = EXTERNAL.match(sample.id) if sample.train_only else None
    return f"{source[0]}{sample.unit}" if source else sample.unit


def units_of(samples: Sequence[Sample], pool: Pool) -> Sequence[Sample]:
    """One sample for each prediction: the samples themselves without `pool`, else the first of
    each unit, whose id is the unit."""
    if pool is None:
        return samples
    first: dict[str, Sample] = {}
    for sample in samples:
        first.setdefault(unit_of(sample), sample)
    return [replace(sample, id=name) for name, sample in first.items()]


def pooled(
    predictions: Iterable[tuple[Sample, np.ndarray]], samples: Sequence[Sample], pool: Pool
) -> Iterator[tuple[Sample, np.ndarray]]:
    """Yield each unit of `samples` with the mean or the maximum of the predictions of its samples,
    float32, as soon as the last of them is there; without `pool`, the predictions themselves."""
    if pool is None:
        yield from predictions
        return
    left = Counter(unit_of(sample) for sample in samples)
    units = {unit.id: unit for unit in units_of(samples, pool)}
    collected: dict[str, list[np.ndarray]] = {}
    for sample, values in predictions:
        name = unit_of(sample)
        collected.setdefault(name, []).append(values)
        left[name] -= 1
        if not left[name]:
            parts = np.stack(collected.pop(name)).astype(np.float64)
            joined = parts.mean(axis=0) if pool == "mean" else parts.max(axis=0)
            yield units[name], joined.astype(np.float32)
