"""Folds that somebody else has made: the author of the data, or a file of ids and folds."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from comp.config.schema import Scheme
from comp.contract.sample import Sample
from comp.data.groups import group_keys
from comp.errors import FoldError


def own_folds(
    samples: Sequence[Sample], k: int, scheme: Scheme, noun: str
) -> dict[str, int] | None:
    """The folds in `Sample.fold` by sample id; None if no sample has one.

    Raises:
        FoldError: only some samples have one, or they are not valid folds.
    """
    without = [sample for sample in samples if sample.fold is None]
    if len(without) == len(samples):
        return None
    if without:
        raise FoldError(
            f"{len(samples) - len(without)} samples have a fold of their own and {len(without)} do "
            f"not, the first is '{without[0].id}': give every sample a fold, or none"
        )
    if scheme != "auto":
        raise FoldError(
            f"scheme = {scheme}, but the samples have folds of their own: use scheme = auto, or "
            "folds_csv for other folds"
        )
    folds = {sample.id: sample.fold for sample in samples if sample.fold is not None}
    return check_folds(samples, folds, k, noun, "the data")


def read_given_folds(path: Path, samples: Sequence[Sample], k: int, noun: str) -> dict[str, int]:
    """The fold of each sample in a CSV with the columns `id` and `fold`, such as the folds.csv of a
    run. Rows with the fold -1 are samples that only train, and may be missing from the data.

    Raises:
        FoldError: the file cannot be read, or does not fit the samples.
    """
    folds = {name: fold for name, fold in _read(path).items() if fold >= 0}
    ids = {sample.id for sample in samples}
    for names, problem in (
        (sorted(ids - folds.keys()), "has no fold for {} samples, the first is '{}'"),
        (sorted(folds.keys() - ids), "has {} ids that are not in the data, the first is '{}'"),
    ):
        if names:
            raise FoldError(
                f"folds_csv = {path} {problem.format(len(names), names[0])}: its ids must be those "
                "of the training samples"
            )
    return check_folds(samples, folds, k, noun, f"folds_csv = {path}")


def _read(path: Path) -> dict[str, int]:
    """The rows of a CSV file by id."""
    advice = "give a CSV file with the columns id and fold, such as the folds.csv of a run"
    folds: dict[str, int] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            missing = [name for name in ("id", "fold") if name not in (reader.fieldnames or [])]
            if missing:
                raise FoldError(f"folds_csv = {path} has no column '{missing[0]}': {advice}")
            for row in reader:
                name, fold = row["id"], (row["fold"] or "").strip()
                if not fold.removeprefix("-").isdecimal():
                    raise FoldError(
                        f"folds_csv = {path}: the fold of '{name}' is '{fold:.40}'; write a whole "
                        "number from 0"
                    )
                if folds.setdefault(name, int(fold)) != int(fold):
                    raise FoldError(f"folds_csv = {path} has two folds for '{name}': keep one")
    except (OSError, ValueError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise FoldError(f"cannot read folds_csv = {path} ({reason}): {advice}") from None
    return folds


def check_folds(
    samples: Sequence[Sample], folds: Mapping[str, int], k: int, noun: str, origin: str
) -> dict[str, int]:
    """The folds by sample id, if they are 0 to `k` - 1, none is empty, and no group is split.

    Raises:
        FoldError: they are not; `origin` says where they come from.
    """
    numbers = sorted(set(folds.values()))
    count = len(numbers)
    if numbers != list(range(count)):
        raise FoldError(
            f"{origin} has the folds {', '.join(map(str, numbers)):.80}: number them from 0, "
            "without gaps"
        )
    if count < 2:
        raise FoldError(f"{origin} has only {count} fold: cross-validation needs at least 2")
    if count != k:
        raise FoldError(f"folds = {k}, but {origin} has {count} folds: use --folds {count}")
    first: dict[str, Sample] = {}
    for sample, key in zip(samples, group_keys(samples), strict=True):
        other = first.setdefault(key, sample)
        if folds[other.id] != folds[sample.id]:
            word, _, name = key.partition(" ")
            word = noun if word == "group" else word
            raise FoldError(
                f"{origin} splits {word} '{name}': '{other.id}' is in fold {folds[other.id]} and "
                f"'{sample.id}' in fold {folds[sample.id]}; put a {word} into one fold"
            )
    return {sample.id: int(folds[sample.id]) for sample in samples}
