"""What is wrong with samples, as far as it shows without decoding an image."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from numbers import Real
from pathlib import Path

from comp.contract.competition import Competition, Sample
from comp.data.audit.findings import Finding, found
from comp.errors import DataError


class UnfitSamplesError(DataError):
    """Samples that do not fit their data. `samples` are all that are listed, faults and all, for an
    audit to look at, and `findings` are of what they do not show."""

    def __init__(
        self, message: str, samples: Sequence[Sample], findings: Sequence[Finding] = ()
    ) -> None:
        super().__init__(message)
        self.samples, self.findings = samples, findings


def quick_checks(
    competition: Competition, train: Sequence[Sample], test: Sequence[Sample]
) -> list[Finding]:
    """Duplicate ids, missing and empty files, and labels that cannot be.

    No image is decoded: it costs a look at the size of each file.
    """
    return [
        *duplicate_ids(train, "train"),
        *duplicate_ids(test, "test"),
        *files(train, test),
        *labels(competition, train),
    ]


def duplicate_ids(samples: Sequence[Sample], split: str) -> list[Finding]:
    """Ids that several samples of a split have."""
    counts = Counter(sample.id for sample in samples)
    return found(
        "duplicate-id",
        "error",
        (f"{name} ({count} times)" for name, count in counts.items() if count > 1),
        f"ids that several samples of {split} have",
        "give each sample an id of its own: predictions are matched by id",
    )


def sample_files(samples: Iterable[Sample]) -> list[Path]:
    """The files that samples name, images and target images, each once, in their order."""
    named = (path for s in samples for path in (s.image, s.target) if isinstance(path, Path))
    return list(dict.fromkeys(named))


def files(
    train: Sequence[Sample], test: Sequence[Sample], name: Callable[[Path], str] = str
) -> list[Finding]:
    """Files that samples name and that are not there, or are empty; `name` says how a path is
    called."""
    sizes = {path: _size(path) for path in sample_files([*train, *test])}
    return [
        *found(
            "missing-file",
            "error",
            (name(path) for path, size in sizes.items() if size is None),
            "files that samples name and that are not there",
            "fetch the data again, or take them out of the list of samples",
        ),
        *found(
            "empty-file",
            "error",
            (name(path) for path, size in sizes.items() if size == 0),
            "files of no bytes",
            "fetch them again, or remove them; --skip-bad goes on without bad images",
        ),
    ]


def _size(path: Path) -> int | None:
    """Size in bytes, None where there is no such file; -1 where that cannot be told."""
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError:
        return -1


def labels(competition: Competition, train: Sequence[Sample]) -> list[Finding]:
    """Training samples without a label, or with one that is no number or no class."""
    lone = [sample.id for sample in train if sample.target is None]
    odd = [
        f"{s.id} ({s.target})" for s in train if s.target is not None and not fits(competition, s)
    ]
    what = "target image" if competition.dense else "label"
    among = f" that is none of the {len(competition.classes)} classes" * bool(competition.classes)
    return [
        *found(
            "no-label",
            "error",
            lone,
            f"training samples without a {what}",
            f"add the {what}, or remove the sample",
        ),
        *found(
            "bad-label",
            "error",
            odd,
            f"training samples with a label{among or ' that is no number'}",
            "mend the labels",
        ),
    ]


def fits(competition: Competition, sample: Sample) -> bool:
    """Whether a sample has a target image, or a label that is a finite number and, where there are
    classes, the index of one."""
    value: object = sample.target
    if isinstance(value, Path):
        return True
    if not isinstance(value, Real) or not math.isfinite(value):
        return False
    return not competition.classes or value in range(len(competition.classes))


def ungrouped(competition: Competition, train: Sequence[Sample]) -> list[Finding]:
    """Training samples of no group, where the competition has groups."""
    word = competition.group
    if not word:
        return []
    return found(
        "no-group",
        "warning",
        (sample.id for sample in train if sample.group is None),
        f"training samples of no known {word}; each counts as a {word} of its own",
        f"fill it in: samples of one {word} may stand on both sides of a fold",
    )


def classes(
    competition: Competition, train: Sequence[Sample], folds: int, balanced: bool
) -> list[Finding]:
    """How samples stand with the classes: one class only, too few of a class for so many folds, a
    class of none, and how many each has.

    A class has as many members as it has groups: all of a group stand in one fold. `balanced` is
    whether each fold must have all classes; where it need not, a class may be small.
    """
    members: dict[str, set[str]] = defaultdict(set)
    for place, sample in enumerate(train):
        name = class_of(competition, sample)
        if name is not None:
            members[name].add(f"sample {place}" if sample.group is None else f"of {sample.group}")
    if not members and not competition.classes:
        return []
    counts = Counter(class_of(competition, sample) for sample in train)
    known = competition.classes or sorted(members)
    return [
        *found(
            "one-class",
            "error",
            list(members) if len(members) == 1 else [],
            "the only class that training samples have",
            "fetch the data again: there is nothing to tell apart",
        ),
        *found(
            "small-class",
            "error" if balanced else "warning",
            (f"{name} ({len(own)})" for name, own in members.items() if len(own) < folds),
            f"classes with fewer members than folds ({folds}); a group counts once",
            "use fewer folds, or join classes",
        ),
        *found(
            "empty-class",
            "warning",
            (name for name in known if not counts[name]),
            "classes without a training sample",
            "no network learns them: look at the labels",
        ),
        *found(
            "classes",
            "note",
            (f"{n} {counts[n]} ({counts[n] / max(1, len(train)):.1%})" for n in known if counts[n]),
            "classes of the training samples",
            "",
        ),
    ]


def class_of(competition: Competition, sample: Sample) -> str | None:
    """The name of a sample's class, None where it has none."""
    if sample.stratum is not None:
        return sample.stratum
    names, label = competition.classes, sample.target
    if label is None or isinstance(label, Path) or label not in range(len(names)):
        return None
    return names[int(label)]
