"""Check samples without decoding an image: ids, files, labels, groups, classes."""

from __future__ import annotations

import errno
import os
import reprlib
import stat
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from comp.contract.competition import Competition
from comp.contract.sample import Sample, Target
from comp.contract.task import no_names
from comp.data.audit.class_names import numbered_names
from comp.data.audit.findings import Finding, findings_of
from comp.data.audit.unit_checks import check_cells, check_features, check_units
from comp.data.audit.weight_checks import check_weights
from comp.data.groups import group_keys
from comp.data.per_number import PerNumber
from comp.data.text_table import list_of
from comp.errors import DataError

_ABSENT = errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EBADF


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
    """Duplicate ids, missing and empty files, invalid labels and units. No image is opened."""
    return [
        *check_duplicate_ids(train, "train"),
        *check_duplicate_ids(test, "test"),
        *check_files(train, test),
        *check_labels(competition, train),
        *check_units(competition, train, test),
        *check_features(train, test),
        *check_cells(competition, train, test),
        *check_weights(train),
    ]


def check_some_classes(competition: Competition, train: Sequence[Sample]) -> list[Finding]:
    """A single class, which is an error, and classes without a training sample; samples are looked
    at until each class was seen. It knows less than `check_classes`, and is quick."""
    if not has_classes(competition):
        return []
    labels, seen, named = competition.task.labels, set[str](), True
    known: dict[Any, tuple[str, ...]] = {}
    for sample in train:
        one = isinstance(sample.target, float | int)
        names = known.get(sample.target) if one else None
        if names is None:
            names = class_names(competition, sample)
            known.update({sample.target: names} if one else {})
        named = named and bool(names)
        seen.update(names)
        if len(seen) > 1 and len(seen) >= len(labels):
            return []
    empty = _empty_classes(name for name in labels if seen and name not in seen)
    return [*_one_class(seen if named else ()), *empty]


def _one_class(names: Collection[str]) -> list[Finding]:
    return findings_of(
        "one-class",
        "error",
        names if len(names) == 1 else (),
        "the only class of the training samples",
        "fetch the data again: a classifier needs two classes",
    )


def _empty_classes(names: Iterable[str]) -> list[Finding]:
    words = "classes without a training sample"
    advice = "check the labels: a network cannot learn these classes"
    return findings_of("empty-class", "warning", names, words, advice)


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
    from comp.data.images.file_states import file_states

    paths = (path for s in (*train, *test) for path in (s.image, s.target))
    names = list(dict.fromkeys(os.fspath(path) for path in paths if isinstance(path, Path)))
    without = (file_states(names).states[0] == 0).nonzero()[0].tolist()
    sizes = {names[i]: _size(names[i]) for i in without}
    return [
        *findings_of(
            "missing-file",
            "error",
            (display_name(Path(name)) for name, size in sizes.items() if size is None),
            "files of samples that do not exist",
            "fetch the data again, or remove them from the list of samples",
        ),
        *findings_of(
            "empty-file",
            "error",
            (display_name(Path(name)) for name, size in sizes.items() if size == 0),
            "files of 0 bytes",
            "fetch them again, or remove them; --skip-bad leaves out bad images",
        ),
    ]


def _size(name: str) -> int | None:
    """Size in bytes, None if it is not a file or does not exist, -1 if it cannot be checked."""
    try:
        status = os.stat(name)  # noqa: PTH116 - paths of pathlib are slow
    except ValueError:  # no name of a file
        return None
    except OSError as error:
        return None if error.errno in _ABSENT else -1
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def check_labels(competition: Competition, train: Sequence[Sample]) -> list[Finding]:
    """Training samples with a missing or invalid label."""
    unlabelled = [sample.id for sample in train if sample.target is None]
    check = PerNumber(partial(_objection, competition))
    problems = [(s, problem) for s in train if (problem := check(s.target))]
    reasons = {problem for _, problem in problems}
    target = "target image" if competition.task.output == "image" else "label"
    labels = competition.task.labels if target == "label" and has_classes(competition) else ()
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
            [
                f"{sample.id} ({_short(sample.target)}{f': {problem}' * (len(reasons) > 1)})"
                for sample, problem in problems
            ],
            f"training samples with a {target} that "
            + (next(iter(reasons)) if len(reasons) == 1 else "is invalid"),
            f"correct the {target}s"
            + f", or the classes of the plugin ({list_of(labels)})" * bool(labels),
        ),
    ]


def _objection(competition: Competition, target: Target) -> str:
    """The task's objection to a target, "" without an objection or a target."""
    return "" if target is None else competition.task.check(target)


def _short(target: object) -> str:
    """A target in a message; a long vector is cut."""
    many = isinstance(target, Sequence) and not isinstance(target, str)
    return reprlib.repr(target) if many else f"{target!s:.80}"


def has_valid_target(competition: Competition, sample: Sample) -> bool:
    """Whether a sample has a target, and the task accepts it."""
    return sample.target is not None and not _objection(competition, sample.target)


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

    A sample counts for each of its labels. A group counts as one member, because all its samples
    are in one fold. `stratified` says whether each fold must contain all classes; if not, a small
    class is only a warning. Small classes are those of the samples that are held out; the other
    findings are about all training samples.
    """
    names = [class_names(competition, sample) for sample in train]
    labels = competition.task.labels if has_classes(competition) else ()
    if not labels and not any(names):
        return []
    counts = Counter(name for each in names for name in each)
    known = labels or sorted(counts)
    shown = numbered_names(competition, [s for s in train if has_valid_target(competition, s)])
    return [
        *_one_class(counts if all(names) else ()),
        *_small_classes(names, train, folds, stratified),
        *_empty_classes(name for name in known if not counts[name]),
        *findings_of(
            "classes",
            "note",
            (
                f"{shown.get(n, n)}: {counts[n]:,} ({counts[n] / max(1, len(train)):.1%})"
                for n in known
                if counts[n]
            ),
            "classes of the training samples",
        ),
    ]


def _small_classes(
    names: Sequence[tuple[str, ...]], train: Sequence[Sample], folds: int, stratified: bool
) -> list[Finding]:
    members: dict[str, set[str]] = defaultdict(set)
    for sample, own, key in zip(train, names, group_keys(train), strict=True):
        for name in () if sample.train_only else own:
            members[name].add(key)
    return findings_of(
        "small-class",
        "error" if stratified else "warning",
        (f"{name} ({len(keys)})" for name, keys in members.items() if len(keys) < folds),
        f"classes with fewer members than folds ({folds}); a group counts once",
        "set scheme=auto, which spreads their members over the folds, or merge classes"
        if stratified
        else "some folds cannot score them: merge classes, or add data",
    )


def has_classes(competition: Competition) -> bool:
    """Whether the task names the labels of a target."""
    return competition.task.label_names is not no_names


def class_names(competition: Competition, sample: Sample) -> tuple[str, ...]:
    """The classes of a sample: the labels of its target, or its stratum if the task has no labels;
    () if it has none, or its target is invalid."""
    if not has_classes(competition):
        return () if sample.stratum is None else (sample.stratum,)
    if not has_valid_target(competition, sample):
        return ()
    return competition.task.label_names(sample.target)


def mixed_groups(competition: Competition, train: Sequence[Sample]) -> list[str]:
    """The groups of several classes, with the classes; none if samples have several labels."""
    if all(sample.group is None for sample in train):
        return []
    classes: dict[str, set[str]] = defaultdict(set)
    for sample in train:
        names = class_names(competition, sample)
        if len(names) > 1:
            return []
        if sample.group is not None:
            classes[sample.group].update(names)
    return [f"{g} ({', '.join(sorted(c))})" for g, c in sorted(classes.items()) if len(c) > 1]
