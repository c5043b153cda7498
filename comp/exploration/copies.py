"""Pairs of images that are copies of each other, or nearly, to look at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

from comp.data.audit.inspection import Inspection
from comp.data.audit.leaks import same_group
from comp.data.audit.near_duplicates import find_near_pairs
from comp.data.audit.unit_checks import same_target
from comp.data.images.decode_many import OnImage
from comp.exploration.subjects import Named, Subjects

MOST = 1000
"""Pairs that are listed, the worst first."""


@dataclass(frozen=True, kw_only=True)
class Copy:
    """Two images that are equal or look alike. `flip` turns the first into the second, and
    `similarity` is the correlation of their thumbnails. `leak`: one trains, the other one is of the
    test data. `other_label`: both train, with different targets. `apart`: both train, and no group
    keeps them in one fold."""

    first: Named
    second: Named
    kind: Literal["identical", "near"]
    flip: str
    similarity: float
    leak: bool
    other_label: bool
    apart: bool


@dataclass(frozen=True, kw_only=True)
class Copies:
    """The pairs, the worst first, and how many there are of each kind. Of several identical images,
    each is paired with the next."""

    images: int
    identical: int
    near: int
    leaks: int
    other_label: int
    apart: int
    pairs: Sequence[Copy]


def find_copies(
    subjects: Subjects,
    inspections: Mapping[Path, Inspection],
    on_image: OnImage | None = None,
) -> Copies:
    """Find copies among all images that were inspected.

    Args:
        on_image: called with the number of images that were compared, and their total.
    """
    same: dict[str, list[int]] = defaultdict(list)
    for row, sample in enumerate(subjects.samples):
        inspection = inspections.get(sample.image) if sample.image else None
        if inspection and inspection.digest:
            same[inspection.digest].append(row)
    firsts = [rows[0] for rows in same.values()]
    signatures = [inspections[subjects.samples[row].image_file].signature for row in firsts]
    found = [
        _copy(subjects, inspections, pair, "", 1.0)
        for rows in same.values()
        for pair in pairwise(rows)
    ]
    for near in find_near_pairs(signatures, None, on_image):
        rows = (firsts[near.first], firsts[near.second])
        found.append(_copy(subjects, inspections, rows, near.flip, near.correlation, near=True))
    order = sorted(found, key=_worst_first)
    return Copies(
        images=sum(map(len, same.values())),
        identical=sum(copy.kind == "identical" for copy in found),
        near=sum(copy.kind == "near" for copy in found),
        leaks=sum(copy.leak for copy in found),
        other_label=sum(copy.other_label for copy in found),
        apart=sum(copy.apart for copy in found),
        pairs=order[:MOST],
    )


def _worst_first(copy: Copy) -> tuple[bool, bool, bool, bool, float]:
    identical = copy.kind == "identical"
    return not copy.leak, not copy.other_label, not copy.apart, not identical, -copy.similarity


def _copy(
    subjects: Subjects,
    inspections: Mapping[Path, Inspection],
    rows: tuple[int, int],
    flip: str,
    similarity: float,
    *,
    near: bool = False,
) -> Copy:
    first, second = (subjects.samples[row] for row in rows)
    splits = {subjects.splits[row] for row in rows}
    training = splits == {"train"}

    def target(value: object) -> object:
        known = inspections.get(value) if isinstance(value, Path) else None
        return (known.digest if known else "") if isinstance(value, Path) else value

    known = training and first.target is not None and second.target is not None
    images = isinstance(first.target, Path) and near  # masks of near-copies differ by some pixels
    return Copy(
        first=subjects.named(rows[0]),
        second=subjects.named(rows[1]),
        kind="near" if near else "identical",
        flip=flip,
        similarity=round(similarity, 4),
        leak=len(splits) == 2,
        other_label=known
        and not images
        and not same_target(target(first.target), target(second.target)),
        apart=training and not same_group(first, second),
    )
