"""Data without a test set: a part of the training samples becomes one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from comp.contract.competition import Competition
from comp.contract.sample import Sample, Split, Target
from comp.data.groups import group_keys
from comp.errors import DataError
from comp.tasks.name_groups import with_name_groups


@dataclass(frozen=True)
class HeldOut:
    """Training samples of which a share is the test set.

    Groups are held out whole. The choice follows from the names of groups and samples alone, so
    that it is the same on every machine. Of samples with a time, the last are held out: the groups
    that end last.
    """

    listed: Callable[[Path, Split], Sequence[Sample]]
    """Lists all samples as the training set."""
    share: float
    """The share of the test set, above 0 and at most 0.5."""

    def samples(self, root: Path, split: Split) -> Sequence[Sample]:
        """The samples of a split; those of the test set do not have a target."""
        listed = self.listed(root, "train")
        chosen = self._chosen(listed)
        if split == "train":
            return [sample for sample in listed if sample.id not in chosen]
        return [replace(s, target=None, stratum=None) for s in listed if s.id in chosen]

    def labels(self, root: Path) -> Mapping[str, Target]:
        """The targets of the test set, by id."""
        listed = self.listed(root, "train")
        chosen = self._chosen(listed)
        return {sample.id: sample.target for sample in listed if sample.id in chosen}

    def _chosen(self, listed: Sequence[Sample]) -> set[str]:
        """The ids of the test set."""
        units: dict[str, list[Sample]] = defaultdict(list)
        for sample, key in zip(listed, group_keys(listed), strict=True):
            units[f"id {sample.id}" if key.startswith("sample ") else key].append(sample)
        in_time = bool(listed) and all(sample.time is not None for sample in listed)
        found = self._last(listed, units) if in_time else self._of_strata(units)
        return {sample.id for name in found for sample in units[name]}

    def _of_strata(self, units: Mapping[str, Sequence[Sample]]) -> list[str]:
        """The share of the units of each stratum."""
        strata: dict[str, list[str]] = defaultdict(list)
        for name in sorted(units, key=lambda unit: sha256(unit.encode()).digest()):
            strata[str(units[name][0].stratum)].append(name)
        return [
            name
            for names in strata.values()
            for i, name in enumerate(names)
            if self._count(i + 1) > self._count(i)
        ]

    def _count(self, units: int) -> int:
        """How many of the first units of a stratum are held out. A share of 1 / n takes the units
        n // 2, n // 2 + n, ...; the quarter keeps these away from the rounding of floats."""
        return int((units - 0.25) * self.share + 0.5)

    def _last(self, listed: Sequence[Sample], units: Mapping[str, Sequence[Sample]]) -> list[str]:
        """The units that end last.

        Raises:
            DataError: these groups are so large that training would lose half of its part.
        """
        from comp.data.times import time_keys

        times = {s.id: time for s, time in zip(listed, time_keys(listed), strict=True)}
        ends = {name: max(times[s.id] for s in samples) for name, samples in units.items()}
        ordered = sorted(ends[name] for name, samples in units.items() for _ in samples)
        first = ordered[int(len(ordered) * (1 - self.share))]
        found = [name for name, end in ends.items() if end >= first]
        count = sum(len(units[name]) for name in found)
        grouped = len(units) < len(listed)
        if grouped and len(listed) - count < len(listed) * (1 - self.share) / 2:
            raise DataError(
                f"test_share = {self.share} would hold out {count:,} of {len(listed):,} samples, "
                "because the groups that end last are held out whole and have most samples: leave "
                "out the column of times or that of groups, or give a test set"
            )
        return found


def with_parts(
    competition: Competition, group_pattern: str | None, group_column: str | None, share: float
) -> Competition:
    """The competition with groups in the names of images, and a part of the samples held out.

    Raises:
        ValueError: the arguments contradict each other.
    """
    return with_test_share(with_name_groups(competition, group_pattern, group_column), share)


def with_test_share(competition: Competition, share: float) -> Competition:
    """The competition with a share of its training samples as the test set; 0 changes nothing.

    Raises:
        ValueError: the share is not between 0 and 0.5, or there is a sample submission.
    """
    if share == 0:
        return competition
    if not 0 < share <= 0.5:
        raise ValueError(f"test_share = {share}: give a number above 0 and up to 0.5")
    if competition.sample_submission is not None:
        raise ValueError(
            f"test_share is for data without a test set, and {competition.sample_submission} lists "
            "one: leave test_share out, or give sample_submission=None"
        )
    held_out = HeldOut(competition.samples, share)
    arguments = competition.file_arguments
    layout = [name for name in competition.layout if arguments.get(name) != "test_images"]
    return replace(
        competition,
        samples=held_out.samples,
        test_labels=held_out.labels,
        layout=tuple(layout),
        file_arguments={n: a for n, a in arguments.items() if a != "test_images"},
    )
