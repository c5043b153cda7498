"""Samples that must not be training samples, because they are scored: ids, groups and copies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from comp.contract.sample import Sample
from comp.data.columns.cells import meaning
from comp.data.external import copies_of_scored
from comp.errors import DataError

DISTINCT = 0.9
"""Share of different rows from which rows of a table do not repeat by chance."""
MANY = 0.5
"""Share of rows that are training rows too, above which they are the same table."""
ADVICE = "remove them, because a score on training samples is too good"


def check_apart(
    samples: Sequence[Sample], train: Sequence[Sample], noun: str, own_groups: bool = False
) -> str:
    """Check that samples have neither an id, a group nor a unit of a training sample, and that
    their images are not copies of training images.

    Equal ids that are whole numbers count rows, so they are not an error. Rows of a table may be
    equal by chance: they are an error if most are training rows, although training rows differ.

    Args:
        noun: the word for a group.
        own_groups: groups and units of the same name are different ones.

    Returns:
        A note on the rows that are training rows too, "" if there are none.

    Raises:
        DataError: a sample is a training sample; the message has their number and the first.
    """
    known = {sample.id: sample.image for sample in train}
    ids = [s.id for s in samples if s.id in known and not _counts_rows(s, known[s.id])]
    _refuse(ids, len(samples), "have the id of a training sample")
    if not own_groups:
        _check_groups([s.group for s in samples], [s.group for s in train], noun)
        _check_groups([s.unit for s in samples], [s.unit for s in train], "unit")
    copies = set(_copies(samples, train))
    images = [s.id for s in samples if s.image and s.id in copies]
    _refuse(images, len(samples), "have the same image file as a training sample")
    return _rows_note([s.id for s in samples if s.id in copies], len(samples), train)


def _check_groups(names: Sequence[str | None], trained: Sequence[str | None], noun: str) -> None:
    known = set(trained) - {None}
    shared = sorted(name for name in names if name is not None and name in known)
    if shared:
        raise DataError(
            f"{len(shared)} of {len(names)} samples are of a {noun} that is in the training data, "
            f"the first {noun} is '{shared[0]}': remove them, or set validation_groups=own if both "
            f"sources count their {noun}s apart"
        )


def _counts_rows(sample: Sample, image: Path | None) -> bool:
    return sample.id.isdecimal() and (image is None or sample.image != image)


def _refuse(ids: Sequence[str], total: int, problem: str) -> None:
    if ids:
        raise DataError(f"{len(ids)} of {total} samples {problem}, the first is {ids[0]}: {ADVICE}")


def _copies(samples: Sequence[Sample], train: Sequence[Sample]) -> list[str]:
    """Ids of the samples whose image file, which no other sample has, is that of a training sample,
    or has the same bytes, and of those whose row has the same cells."""
    files = Counter(sample.image for sample in samples)
    trained = {sample.image for sample in train}
    same = [s.id for s in samples if s.image in trained and s.image and files[s.image] == 1]
    number = {f"{index}": sample.id for index, sample in enumerate(samples)}
    others = [
        replace(sample, id=f"{index}", train_only=True) for index, sample in enumerate(samples)
    ]
    scored = [replace(sample, id=f"train/{sample.id}", train_only=False) for sample in train]
    return [*same, *(number[name] for name in copies_of_scored([*scored, *others]))]


def _rows_note(ids: Sequence[str], total: int, train: Sequence[Sample]) -> str:
    if not ids:
        return ""
    rows = {tuple(map(meaning, sample.features.values())) for sample in train}
    if len(ids) > MANY * total and len(rows) >= DISTINCT * len(train):
        _refuse(ids, total, "have the cells of a training row")
    return f"{len(ids)} of {total} rows have the cells of a training row, the first is {ids[0]}"
