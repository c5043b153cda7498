"""Checks of units, whose samples share one prediction, and of the numbers beside images."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.audit.findings import Finding, findings_of


def check_units(competition: Competition, *splits: Sequence[Sample]) -> list[Finding]:
    """Units of samples with different targets, and units that no prediction is made for."""
    units: dict[tuple[int, str], list[Sample]] = defaultdict(list)
    for split, samples in enumerate(splits):
        for sample in samples:
            if sample.unit is not None and not sample.train_only:
                units[split, sample.unit].append(sample)
    different = [
        f"{unit} ({members[0].id}, {other.id})"
        for (_, unit), members in units.items()
        for other in members[1:]
        if not same_target(members[0].target, other.target)
    ]
    return [
        *findings_of(
            "unit-of-targets",
            "error",
            different,
            "samples of one unit with different targets: a unit has one prediction",
            "correct the targets, or the units",
        ),
        *findings_of(
            "unit-named-as-sample",
            "error",
            sorted(
                sample.id
                for split, samples in enumerate(splits)
                for sample in samples
                if sample.unit is None and (split, sample.id) in units
            ),
            "samples without a unit whose id is the name of a unit: they would be one prediction",
            "give the sample a unit, or the unit another name",
        ),
        *findings_of(
            "pool-without-units",
            "error",
            [competition.name] if competition.pool and not units else [],
            "a competition pools predictions, but its samples have no units",
            "give each sample the unit that it belongs to, or remove pool from the plugin",
        ),
        *findings_of(
            "unit-without-pool",
            "error",
            [] if competition.pool else [unit for _, unit in units],
            "units of samples, but the competition does not pool predictions",
            'set pool="mean" or pool="max" in the plugin, or give the samples a group instead',
        ),
    ]


def check_features(*splits: Sequence[Sample]) -> list[Finding]:
    """Samples whose numbers beside the image have other names, or another order, than those of the
    first sample: the network gets them by position."""
    samples = [sample for split in splits for sample in split]
    expected = list(samples[0].features) if samples else []
    return findings_of(
        "features",
        "error",
        [sample.id for sample in samples if list(sample.features) != expected],
        f"samples whose features are not {', '.join(expected) or 'empty'}, in this order",
        "give all samples the same features",
    )


def check_cells(competition: Competition, *splits: Sequence[Sample]) -> list[Finding]:
    """Samples with a text or a gap among the numbers beside the image, which only a competition
    with `columns` can treat."""
    if competition.columns:
        return []
    return findings_of(
        "features-not-numbers",
        "error",
        [
            sample.id
            for samples in splits
            for sample in samples
            if any(cell is None or isinstance(cell, str) for cell in sample.features.values())
        ],
        "samples with a text or a gap in their features, which the network gets as numbers",
        "set columns=True in the plugin, so that each fold treats them, or give numbers",
    )


def same_target(first: object, second: object) -> bool:
    """Whether two targets are the same path, or the same number or numbers."""
    if any(value is None or isinstance(value, Path) for value in (first, second)):
        return first == second
    import numpy as np

    return np.array_equal(np.asarray(first), np.asarray(second))
