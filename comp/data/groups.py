"""What folds never split: groups of samples, and units of samples that share one prediction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from comp.contract.sample import Sample
from comp.errors import FoldError

NEVER = -1
"""The fold of a sample that only trains: it is held out in no fold."""
UNUSED = -2
"""The fold of a sample that would only train, but is a copy of one that is held out: it is left
out."""
APART = -10
"""The fold of an external sample that fold 0 predicts for a score of its own; `APART` - k of one
that fold k does."""


def apart_from(fold: int) -> int:
    """What stands in folds.csv for an external sample that trains in all folds but `fold`."""
    return APART - fold


def held_out_apart(number: int) -> int:
    """The fold that an external sample does not train in, by its number in folds.csv; `NEVER` of
    all other samples."""
    return APART - number if number <= APART else NEVER


def group_keys(samples: Sequence[Sample]) -> list[str]:
    """A key of each sample: equal for two samples that must be on the same side of every fold.

    It is that of the sample's group; without one, that of the group of its unit; without one, that
    of its unit; without one, its own.
    """
    groups = _groups_of_units(samples)
    return [_key(sample, groups) for sample in samples]


def is_grouped(samples: Sequence[Sample]) -> bool:
    """Whether some samples have a group or a unit."""
    return any(sample.group is not None or sample.unit is not None for sample in samples)


def check_units_have_one_group(samples: Sequence[Sample], noun: str) -> None:
    """Check that all samples of a unit are in one group.

    Raises:
        FoldError: a unit has samples of two groups; `noun` is the word for a group.
    """
    groups = _groups_of_units(samples)
    for sample in samples:
        if sample.group is None or sample.unit is None:
            continue
        if sample.group != groups[sample.unit]:
            raise FoldError(
                f"unit '{sample.unit}' has samples of two {noun}s, '{groups[sample.unit]}' and "
                f"'{sample.group}': give all samples of a unit the same {noun}"
            )


def _groups_of_units(samples: Sequence[Sample]) -> dict[str, str]:
    """The first group of each unit whose samples have one."""
    groups: dict[str, str] = {}
    for sample in samples:
        if sample.unit is not None and sample.group is not None:
            groups.setdefault(sample.unit, sample.group)
    return groups


def _key(sample: Sample, groups: Mapping[str, str]) -> str:
    group = sample.group
    if group is None and sample.unit is not None:
        group = groups.get(sample.unit)
        if group is None:
            return f"unit {sample.unit}"
    return f"group {group}" if group is not None else f"sample {sample.id}"
