"""Check samples without decoding an image: ids, files, labels, groups, classes."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from numbers import Real
from pathlib import Path
from typing import Any

from comp.contract.competition import Competition, Sample
from comp.data.audit.findings import Finding, findings_of
from comp.errors import DataError


class UnfitSamplesError(DataError):
    """Samples with problems. `samples` contains all of them for an audit, and `findings` describes
    the problems that the samples do not show."""

    def __init__(
        self, message: str, samples: Sequence[Sample], findings: Sequence[Finding] = ()
    ) -> None:
        super().__init__(message)
        self.samples, self.findings = samples, findings

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.samples, self.findings)


def quick_checks(
    competition: Competition, train: Sequence[Sample], test: Sequence[Sample]
) -> list[Finding]:
    """Duplicate ids, missing and empty files, and invalid labels. No image is opened."""
    return [
        *check_duplicate_ids(train, "train"),
        *check_duplicate_ids(test, "test"),
        *check_files(train, test),
        *check_labels(competition, train),
    ]


def check_duplicate_ids(samples: Sequence[Sample], split: str) -> list[Finding]:
    """Ids that several samples of a split have."""
    counts = Counter(sample.id for sample in samples)
    return findings_of(
        "duplicate-id",
        "error",
        (f"{name} ({count} times)" for name, count in counts.items() if count > 1),
        f"ids that several samples of {split} have",
        "give each sample a different id: predictions are matched by id",
    )


def sample_files(samples: Iterable[Sample]) -> list[Path]:
    """The images and target images of samples, in order, without duplicates."""
    paths = (path for s in samples for path in (s.image, s.target) if isinstance(path, Path))
    return list(dict.fromkeys(paths))


def check_files(
    train: Sequence[Sample],
    test: Sequence[Sample],
    display_name: Callable[[Path], str] = str,
) -> list[Finding]:
    """Missing and empty files of samples; `display_name` returns the name of a path in findings."""
    sizes = {path: _size(path) for path in sample_files([*train, *test])}
    return [
        *findings_of(
            "missing-file",
            "error",
            (display_name(path) for path, size in sizes.items() if size is None),
            "files of samples that do not exist",
            "fetch the data again, or remove them from the list of samples",
        ),
        *findings_of(
            "empty-file",
            "error",
            (display_name(path) for path, size in sizes.items() if size == 0),
            "files of 0 bytes",
            "fetch them again, or remove them; --skip-bad leaves out bad images",
        ),
    ]


def _size(path: Path) -> int | None:
    """Size in bytes, None if the file does not exist, -1 if it cannot be checked."""
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError:
        return -1


def check_labels(competition: Competition, train: Sequence[Sample]) -> list[Finding]:
    """Training samples with a missing or invalid label."""
    unlabelled = [sample.id for sample in train if sample.target is None]
    invalid = [
        f"{s.id} ({s.target})"
        for s in train
        if s.target is not None and not has_valid_target(competition, s)
    ]
    target = "target image" if competition.dense else "label"
    count = len(competition.classes)
    reason = f"is not one of the {count} classes" if count else "is not a number"
    return [
        *findings_of(
            "no-label",
            "error",
            unlabelled,
            f"training samples without a {target}",
            f"add the {target}, or remove the sample",
        ),
        *findings_of(
            "bad-label",
            "error",
            invalid,
            f"training samples with a label that {reason}",
            "correct the labels",
        ),
    ]


def has_valid_target(competition: Competition, sample: Sample) -> bool:
    """Whether a sample has a target image, or a label that is a finite number and, in a
    classification, the index of a class."""
    value: object = sample.target
    if isinstance(value, Path):
        return True
    if not isinstance(value, Real) or not math.isfinite(value):
        return False
    return not competition.classes or value in range(len(competition.classes))


def check_missing_groups(competition: Competition, train: Sequence[Sample]) -> list[Finding]:
    """Training samples without a group, if the competition has groups."""
    noun = competition.group
    if not noun:
        return []
    return findings_of(
        "no-group",
        "warning",
        (sample.id for sample in train if sample.group is None),
        f"training samples without a known {noun}; each counts as a separate {noun}",
        f"add it: samples of one {noun} may be in training and in validation",
    )


def check_classes(
    competition: Competition, train: Sequence[Sample], folds: int, stratified: bool
) -> list[Finding]:
    """A single class, classes with fewer members than folds, empty classes, and class counts.

    A group counts as one member, because all its samples are in one fold. `stratified` says whether
    each fold must contain all classes; if not, a small class is only a warning.
    """
    members: dict[str, set[str]] = defaultdict(set)
    for index, sample in enumerate(train):
        name = class_of(competition, sample)
        if name is not None:
            members[name].add(f"sample {index}" if sample.group is None else f"of {sample.group}")
    if not members and not competition.classes:
        return []
    counts = Counter(class_of(competition, sample) for sample in train)
    known = competition.classes or sorted(members)
    return [
        *findings_of(
            "one-class",
            "error",
            list(members) if len(members) == 1 else [],
            "the only class of the training samples",
            "fetch the data again: a classifier needs two classes",
        ),
        *findings_of(
            "small-class",
            "error" if stratified else "warning",
            (f"{name} ({len(units)})" for name, units in members.items() if len(units) < folds),
            f"classes with fewer members than folds ({folds}); a group counts once",
            "use fewer folds, or merge classes",
        ),
        *findings_of(
            "empty-class",
            "warning",
            (name for name in known if not counts[name]),
            "classes without a training sample",
            "check the labels: a network cannot learn these classes",
        ),
        *findings_of(
            "classes",
            "note",
            (f"{n} {counts[n]} ({counts[n] / max(1, len(train)):.1%})" for n in known if counts[n]),
            "classes of the training samples",
        ),
    ]


def class_of(competition: Competition, sample: Sample) -> str | None:
    """The class name of a sample, None if it has no class."""
    if sample.stratum is not None:
        return sample.stratum
    names, label = competition.classes, sample.target
    if label is None or isinstance(label, Path) or label not in range(len(names)):
        return None
    return names[int(label)]
