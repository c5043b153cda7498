"""Groups of pairs of images: in their names, joined with those of the same target."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from comp.contract.competition import Competition
from comp.contract.sample import Sample, Split
from comp.tasks.name_groups import NameGroups, group_of_file, with_name_groups


@dataclass(frozen=True)
class PairGroups(NameGroups):
    """Pairs whose group is a part of the name of their image, joined with the groups that they had:
    pairs that share a name or a target are one group. Targets of one colour join nothing, or all
    patients with a blank slice would be one group."""

    def samples(self, root: Path, split: Split) -> Sequence[Sample]:
        """The samples of a split, with their groups."""
        listed = self.listed(root, split)
        names = [group_of_file(self.pattern, s.image, root) if s.image else None for s in listed]
        blank = _blank_groups(listed, names)
        before = [
            None if sample.group in blank and name else sample.group
            for sample, name in zip(listed, names, strict=True)
        ]
        joined = joined_groups(names, before)
        return [replace(s, group=group) for s, group in zip(listed, joined, strict=True)]


def joined_groups(first: Sequence[str | None], second: Sequence[str | None]) -> list[str | None]:
    """One group of each thing that has a group of two kinds, or of one, or None.

    Things with an equal group of either kind have the same group, which is of the first kind if any
    of them has one.
    """
    above: dict[tuple[int, str], tuple[int, str]] = {}

    def top(key: tuple[int, str]) -> tuple[int, str]:
        while key in above:
            above[key] = above.get(above[key], above[key])
            key = above[key]
        return key

    for one, other in zip(first, second, strict=True):
        if one is not None and other is not None:
            ends = top((0, one)), top((1, other))
            lower, upper = ends if ends[1][0] == 0 else ends[::-1]  # a group of the first kind
            if lower != upper:
                above[lower] = upper
    keys = [
        (0, one) if one is not None else (1, other) if other is not None else None
        for one, other in zip(first, second, strict=True)
    ]
    return [top(key)[1] if key else None for key in keys]


def _blank_groups(samples: Sequence[Sample], names: Sequence[str | None]) -> set[str]:
    """The groups of targets of one colour that pairs of several names share."""
    from comp.data.images.pairs import is_one_colour

    found: dict[str, set[str]] = defaultdict(set)
    targets: dict[str, Path] = {}
    for sample, name in zip(samples, names, strict=True):
        if sample.group is not None and name is not None and isinstance(sample.target, Path):
            found[sample.group].add(name)
            targets[sample.group] = sample.target
    return {group for group, of in found.items() if len(of) > 1 and is_one_colour(targets[group])}


def with_pair_groups(competition: Competition, pattern: str | None) -> Competition:
    """The competition of pairs with the groups that are in the names of images; None changes
    nothing.

    Raises:
        ValueError: it is not a regular expression with groups.
    """
    if pattern is None:
        return competition
    named = PairGroups(competition.samples, pattern)
    return replace(with_name_groups(competition, pattern), samples=named.samples)
