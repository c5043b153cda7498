"""Groups in the names of image files, such as the patient in person12_3.jpg."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from comp.contract.competition import Competition
from comp.contract.sample import Sample, Split
from comp.data.listing import below


@dataclass(frozen=True)
class NameGroups:
    """Samples whose group is a part of the name of their image."""

    listed: Callable[[Path, Split], Sequence[Sample]]
    pattern: str
    """Regular expression for a file name, or for a path in the data if it has a slash; the first of
    its groups that matches is the group of the image. An image that does not match has no group."""

    def samples(self, root: Path, split: Split) -> Sequence[Sample]:
        """The samples of a split, with their groups."""
        return [
            replace(s, group=group_of_file(self.pattern, s.image, root)) if s.image else s
            for s in self.listed(root, split)
        ]


def group_in(pattern: str | None, name: str) -> str | None:
    """The group in the name of a file, or in an id; None if there is none."""
    match = re.search(pattern, name) if pattern else None
    return next(filter(None, match.groups()), None) if match else None


def group_of_file(pattern: str | None, path: Path, root: Path) -> str | None:
    """The group in the name of a file, or, if the pattern has a slash, in its path below `root`."""
    in_path = pattern is not None and "/" in pattern
    return group_in(pattern, below(path, root) if in_path else path.name)


def check_pattern(argument: str, pattern: str | None, most: int | None = None) -> None:
    """Raise ValueError if a pattern is not a regular expression with groups, at most `most`."""
    if pattern is None:
        return
    try:
        count = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"{argument} = {pattern!r} is not a regular expression: {error}") from None
    if not count or (most and count > most):
        raise ValueError(
            f"{argument} = {pattern!r} has {count} groups: put the {argument.split('_')[0]} in "
            "parentheses"
        )


def with_name_groups(
    competition: Competition, pattern: str | None, group_column: str | None = None
) -> Competition:
    """The competition with the groups that are in the names of images; None changes nothing.

    Raises:
        ValueError: it is not a regular expression with groups, or a column has the groups too.
    """
    if pattern is None:
        return competition
    check_pattern("group_pattern", pattern)
    if group_column:
        raise ValueError("give either group_column or group_pattern, not both")
    named = NameGroups(competition.samples, pattern)
    return replace(competition, samples=named.samples, group="group of files")
