"""Leaks: what stands on both sides of a fold, or in train and in test."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path
from typing import TYPE_CHECKING

from comp.contract.competition import Competition, Sample, Split
from comp.data.audit.findings import Finding, found
from comp.data.audit.inspection import Inspection, OnImage
from comp.data.audit.near_duplicates import APART, MOST_PAIRS, Pair, near_pairs

if TYPE_CHECKING:
    from comp.data.folds import Folds

PlacedSample = tuple[Split, Sample]

JOIN = "give them one group, or remove all but one"


@dataclass(frozen=True)
class AuditContext:
    """All samples with what was seen of their images, and the folds that a run would deal (None
    where they cannot be dealt; a sample with a fault of its own stands in none). `told` is whether
    labels and groups of the samples are known; where they are not, nothing is said of them."""

    train: Sequence[Sample]
    test: Sequence[Sample]
    inspections: Mapping[Path, Inspection]
    folds: Folds | None
    labels_known: bool = True

    @property
    def placed(self) -> list[PlacedSample]:
        """Each sample with its split, train first."""
        return [*(("train", s) for s in self.train), *(("test", s) for s in self.test)]

    def digest(self, path: object) -> str:
        """The digest of a file, "" where there is none."""
        look = self.inspections.get(path) if isinstance(path, Path) else None
        return look.digest if look else ""

    def label(self, sample: Sample) -> object:
        """A label, or the digest of a target image."""
        return self.digest(sample.target) if isinstance(sample.target, Path) else sample.target

    def separable(self, one: Sample, other: Sample) -> bool:
        """Whether no group keeps two training samples on one side of a fold."""
        return self.labels_known and not together(one, other)

    def dealt(self, pairs: Sequence[tuple[Sample, Sample]]) -> str:
        """In words how many pairs of training samples the folds separate."""
        folds = self.folds
        if folds is None:
            return ""
        sides = [(folds.get(one.id), folds.get(other.id)) for one, other in pairs]
        count = sum(one != other for one, other in sides if None not in (one, other))
        k = max(folds.values(), default=0) + 1
        return f"; the {k} folds of a run separate {count} of these {len(pairs)} pairs"


def together(one: Sample, other: Sample) -> bool:
    """Whether two training samples are of one group, so that no fold separates them."""
    return one.group is not None and one.group == other.group


def identical_images(context: AuditContext) -> list[Finding]:
    """Images of the same pixels: in train and test, and within train under different labels or in
    different groups."""
    sets: dict[str, list[PlacedSample]] = defaultdict(list)
    for split, sample in context.placed:
        digest = context.digest(sample.image)
        if digest:
            sets[digest].append((split, sample))
    pairs: list[tuple[Sample, Sample]] = []
    for members in sets.values():
        own = [sample for split, sample in members if split == "train"]
        pairs += pairwise(own)
    odd = [(a, b) for a, b in pairs if context.label(a) != context.label(b)]
    strange = [(a, b) for a, b in pairs if context.separable(a, b)]
    joined = [(a, b) for a, b in pairs if together(a, b)]
    return [
        *_in_both(context, sets),
        *found(
            "identical-other-label",
            "error",
            (f"{a.id} = {b.id}" for a, b in odd),
            "identical training images with different labels or target images",
            "find out which label is right, and remove the other sample",
        ),
        *found(
            "identical-other-group",
            "warning",
            (f"{a.id} = {b.id}" for a, b in strange),
            "identical training images that no group keeps together" + context.dealt(strange),
            JOIN,
        ),
        *found(
            "identical-in-group",
            "note",
            (f"{a.id} = {b.id}" for a, b in joined),
            "identical training images of one group",
        ),
        *found(
            "identical-in-test",
            "note",
            (" = ".join(names) for names in _of_test(sets) if len(names) > 1),
            "identical images in test",
        ),
    ]


def _of_test(sets: Mapping[str, Sequence[PlacedSample]]) -> list[list[str]]:
    return [[s.id for split, s in members if split == "test"] for members in sets.values()]


def _in_both(context: AuditContext, sets: Mapping[str, Sequence[PlacedSample]]) -> list[Finding]:
    """Test images that are a training image, or the target image of one."""
    known = {
        context.digest(s.target): f"the target image of {s.id}" for s in reversed(context.train)
    }
    known |= {context.digest(s.image): s.id for s in reversed(context.train)}
    known.pop("", None)
    copies = [
        f"test {sample.id} = train {known[digest]}"
        for digest, members in sets.items()
        for split, sample in members
        if split == "test" and digest in known
    ]
    return found(
        "test-in-train",
        "error",
        copies,
        "test images that stand in train too: their score says nothing",
        "remove them from train, or from test",
    )


def shared_targets(context: AuditContext) -> list[Finding]:
    """Target images that several training samples share."""
    sets: dict[str, list[Sample]] = defaultdict(list)
    for sample in context.train:
        digest = context.digest(sample.target)
        if digest:
            sets[digest].append(sample)
    shared = [members for members in sets.values() if len(members) > 1]
    pairs = [(a, b) for members in shared for a, b in pairwise(members)]
    strange = [(a, b) for a, b in pairs if context.separable(a, b)]
    return [
        *found(
            "target-other-group",
            "warning",
            (f"{a.id} and {b.id}" for a, b in strange),
            "samples of one target image that no group keeps together" + context.dealt(strange),
            "give them one group",
        ),
        *found(
            "shared-target",
            "note",
            (", ".join(s.id for s in m) for m in shared if all(together(m[0], s) for s in m)),
            "target images that several samples of one group share",
        ),
    ]


def near(context: AuditContext, on_image: OnImage | None = None) -> list[Finding]:
    """Images that look alike but are not identical: in train and test, or in different groups.

    `on_image` is called with how many images were compared, and how many there are.
    """
    placed = context.placed
    shown: dict[str, list[str]] = {"across": [], "strange": [], "joined": []}
    pairs: list[tuple[Sample, Sample]] = []
    counts: Counter[tuple[str, int]] = Counter()
    for first, second, pair in _alike(context, placed, on_image):
        (split, a), (other, b) = placed[first], placed[second]
        kind = "across" if split != other else "joined" if together(a, b) else "strange"
        counts[kind, first] += 1
        if counts[kind, first] > MOST_PAIRS or (kind == "strange" and not context.labels_known):
            continue
        names = f"train {a.id} ~ test {b.id}" if kind == "across" else f"{a.id} ~ {b.id}"
        shown[kind].append(f"{names}{pair.turn and ', '}{pair.turn} ({pair.alike:.3f})")
        pairs += [(a, b)] * (kind == "strange")
    many = f"; of an image no more than {MOST_PAIRS} pairs are told"
    most = {kind: many * (len(names) >= MOST_PAIRS) for kind, names in shown.items()}
    return [
        *found(
            "near-in-test",
            "warning",
            shown["across"],
            "test images that are nearly a training image, perhaps re-encoded, resized or turned"
            + most["across"],
            "look at the pairs; remove true copies from train",
        ),
        *found(
            "near-other-group",
            "warning",
            shown["strange"],
            "near-duplicates in train that no group keeps together"
            + context.dealt(pairs)
            + most["strange"],
            f"look at the pairs; where they are copies {JOIN}",
        ),
        *found(
            "near-in-group",
            "note",
            shown["joined"],
            "near-duplicates in train of one group" + most["joined"],
        ),
    ]


def _alike(
    context: AuditContext, placed: Sequence[PlacedSample], on_image: OnImage | None
) -> list[tuple[int, int, Pair]]:
    """Places of two samples that look alike, and how they do, but for two of test.

    Of identical images one is compared, and of its copies no more than MOST_PAIRS are told.
    """
    copies: dict[str, list[int]] = defaultdict(list)
    for place, (_, sample) in enumerate(placed):
        digest = context.digest(sample.image)
        if digest:
            copies[digest].append(place)
    sets = list(copies.values())
    sides: list[int] = []
    numbers: dict[tuple[bool, str], int] = {}
    for split, sample in (placed[places[0]] for places in sets):
        group = (sample.group is None, sample.id if sample.group is None else sample.group)
        sides.append(APART if split == "test" else numbers.setdefault(group, len(numbers)))
    inspections = [context.inspections[placed[places[0]][1].image] for places in sets]
    found = []
    for pair in near_pairs([look.signature for look in inspections], sides, on_image):
        for one in product(sets[pair.first][:MOST_PAIRS], sets[pair.second][:MOST_PAIRS]):
            first, second = sorted(one)
            if placed[first][0] == "train":
                found.append((first, second, pair))
    return sorted(found, key=lambda one: one[:2])


def groups(competition: Competition, context: AuditContext) -> list[Finding]:
    """Groups on both sides of a fold, and groups whose name stands in train and in test."""
    word = competition.group or "group"
    where: dict[str, set[int]] = defaultdict(set)
    for sample in context.train:
        fold = (context.folds or {}).get(sample.id)
        if sample.group is not None and fold is not None:
            where[sample.group].add(fold)
    both = {s.group for s in context.train} & {s.group for s in context.test} - {None}
    return [
        *found(
            "group-across-folds",
            "error",
            (group for group, sides in where.items() if len(sides) > 1),
            f"a {word} on both sides of a fold",
            "set scheme=auto",
        ),
        *found(
            "group-in-both",
            "warning",
            sorted(str(group) for group in both),
            f"the same name of a {word} in train and in test; whether it is the same {word}, only "
            "who made the data can tell",
            f"if it is, the test score is too good: remove the {word} from one side",
        ),
        *found(
            "group-of-classes",
            "warning",
            _of_several(context.train),
            f"a {word} with samples of more than one class; all of them stay in one fold",
            "look at their labels",
        ),
    ]


def _of_several(train: Sequence[Sample]) -> list[str]:
    """The groups that hold more than one class, with the classes."""
    held: dict[str, set[str]] = defaultdict(set)
    for sample in train:
        if sample.group is not None and sample.stratum is not None:
            held[sample.group].add(sample.stratum)
    return [f"{g} ({', '.join(sorted(c))})" for g, c in sorted(held.items()) if len(c) > 1]
