"""Find leaks: equal or similar images in training and validation, or in train and test."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path
from typing import TYPE_CHECKING

from comp.contract.competition import Competition
from comp.contract.sample import Sample, Split
from comp.data.audit.findings import Finding, findings_of
from comp.data.audit.inspection import Inspection
from comp.data.audit.near_duplicates import MAX_PAIRS, UNCOMPARED, NearPair, find_near_pairs
from comp.data.audit.sample_checks import mixed_groups
from comp.data.audit.unit_checks import same_target
from comp.data.groups import group_keys
from comp.data.images.decode_many import OnImage

if TYPE_CHECKING:
    from comp.data.folds import Folds

SplitSample = tuple[Split, Sample]
SamplePair = tuple[Sample, Sample]

JOIN = "give them one group, or keep only one of them"


@dataclass(frozen=True)
class AuditContext:
    """All samples, the inspections of their images, and the folds of a run.

    `folds` is None if they cannot be made; a sample with an invalid target is in no fold.
    `labels_known` says whether labels and groups are known; if not, they are not checked.
    """

    train: Sequence[Sample]
    test: Sequence[Sample]
    inspections: Mapping[Path, Inspection]
    folds: Folds | None
    labels_known: bool = True

    @property
    def split_samples(self) -> list[SplitSample]:
        """Each sample with its split, train first."""
        return [*(("train", s) for s in self.train), *(("test", s) for s in self.test)]

    def digest(self, path: object) -> str:
        """The digest of an image file, "" if it has none."""
        inspection = self.inspections.get(path) if isinstance(path, Path) else None
        return inspection.digest if inspection else ""

    def label(self, sample: Sample) -> object:
        """The label, or the digest of the target image."""
        return self.digest(sample.target) if isinstance(sample.target, Path) else sample.target

    def may_be_separated(self, first: Sample, second: Sample) -> bool:
        """Whether folds can separate two training samples, as far as groups are known."""
        return self.labels_known and not same_group(first, second)

    def separated(self, pairs: Sequence[SamplePair]) -> str:
        """The end of a message: how many pairs of training samples the folds separate."""
        folds = self.folds
        if folds is None:
            return ""
        fold_pairs = [(folds.get(first.id), folds.get(second.id)) for first, second in pairs]
        count = sum(a != b for a, b in fold_pairs if None not in (a, b))
        k = max(folds.values(), default=0) + 1  # without NEVER, which is below 0
        return f"; the {k} folds of a run separate {count} of these {len(pairs)} pairs"


def same_group(first: Sample, second: Sample) -> bool:
    """Whether two training samples are in one group or unit, so that no fold separates them."""
    in_group = first.group is not None and first.group == second.group
    return in_group or (first.unit is not None and first.unit == second.unit)


def find_identical_images(context: AuditContext) -> list[Finding]:
    """Images with the same pixels: in train and test, or within train with different labels or in
    different groups."""
    copies: dict[str, list[SplitSample]] = defaultdict(list)
    for split, sample in context.split_samples:
        digest = context.digest(sample.image)
        if digest:
            copies[digest].append((split, sample))
    pairs: list[SamplePair] = []
    for members in copies.values():
        pairs += pairwise([sample for split, sample in members if split == "train"])
    contradicting = [
        (a, b) for a, b in pairs if not same_target(context.label(a), context.label(b))
    ]
    separable = [(a, b) for a, b in pairs if context.may_be_separated(a, b)]
    grouped = [(a, b) for a, b in pairs if same_group(a, b)]
    return [
        *_test_images_in_train(context, copies),
        *findings_of(
            "identical-other-label",
            "error",
            (f"{a.id} = {b.id}" for a, b in contradicting),
            "identical training images with different labels or target images",
            "find out which label is correct, and remove the other sample",
        ),
        *findings_of(
            "identical-other-group",
            "warning",
            (f"{a.id} = {b.id}" for a, b in separable),
            "identical training images in different groups" + context.separated(separable),
            JOIN,
        ),
        *findings_of(
            "identical-in-group",
            "note",
            (f"{a.id} = {b.id}" for a, b in grouped),
            "identical training images of one group",
        ),
        *findings_of(
            "identical-in-test",
            "note",
            (" = ".join(names) for names in _test_ids(copies) if len(names) > 1),
            "identical images in test",
        ),
    ]


def _test_ids(copies: Mapping[str, Sequence[SplitSample]]) -> list[list[str]]:
    return [[s.id for split, s in members if split == "test"] for members in copies.values()]


def _test_images_in_train(
    context: AuditContext, copies: Mapping[str, Sequence[SplitSample]]
) -> list[Finding]:
    """Test images that are also a training image or a target image."""
    train_names = {
        context.digest(s.target): f"the target image of {s.id}" for s in reversed(context.train)
    }
    train_names |= {context.digest(s.image): s.id for s in reversed(context.train)}
    train_names.pop("", None)
    return findings_of(
        "test-in-train",
        "error",
        [
            f"test {sample.id} = train {train_names[digest]}"
            for digest, members in copies.items()
            for split, sample in members
            if split == "test" and digest in train_names
        ],
        "test images that are also in train: their score means nothing",
        "remove them from train, or from test",
    )


def find_shared_targets(context: AuditContext) -> list[Finding]:
    """Target images of several training samples."""
    samples_of: dict[str, list[Sample]] = defaultdict(list)
    for sample in context.train:
        digest = context.digest(sample.target)
        if digest:
            samples_of[digest].append(sample)
    shared = [members for members in samples_of.values() if len(members) > 1]
    pairs = [(a, b) for members in shared for a, b in pairwise(members)]
    separable = [(a, b) for a, b in pairs if context.may_be_separated(a, b)]
    grouped = [members for members in shared if all(same_group(members[0], s) for s in members)]
    return [
        *findings_of(
            "target-other-group",
            "warning",
            (f"{a.id} and {b.id}" for a, b in separable),
            "samples with the same target image in different groups" + context.separated(separable),
            "give them one group",
        ),
        *findings_of(
            "shared-target",
            "note",
            (", ".join(sample.id for sample in members) for members in grouped),
            "target images of several samples of one group",
        ),
    ]


def find_near_duplicates(context: AuditContext, on_image: OnImage | None = None) -> list[Finding]:
    """Images that look alike but are not identical: in train and test, or in different groups.

    `on_image` is called with the number of compared images and the total.
    """
    samples = context.split_samples
    names: dict[str, list[str]] = {"test": [], "separable": [], "grouped": []}
    pairs: list[SamplePair] = []
    counts: Counter[tuple[str, int]] = Counter()
    for first, second, pair in _near_samples(context, samples, on_image):
        (first_split, a), (second_split, b) = samples[first], samples[second]
        in_test = first_split != second_split
        kind = "test" if in_test else "grouped" if same_group(a, b) else "separable"
        counts[kind, first] += 1
        if counts[kind, first] > MAX_PAIRS or (kind == "separable" and not context.labels_known):
            continue
        name = f"train {a.id} ~ test {b.id}" if in_test else f"{a.id} ~ {b.id}"
        names[kind].append(f"{name}{pair.flip and ', '}{pair.flip} ({pair.correlation:.3f})")
        pairs += [(a, b)] * (kind == "separable")
    limit = f"; at most {MAX_PAIRS} pairs of an image are listed"
    limits = {kind: limit * (len(shown) >= MAX_PAIRS) for kind, shown in names.items()}
    return [
        *findings_of(
            "near-in-test",
            "warning",
            names["test"],
            "test images that look like a training image; they may be re-encoded, resized or "
            f"flipped copies{limits['test']}",
            "look at the pairs; remove real copies from train",
        ),
        *findings_of(
            "near-other-group",
            "warning",
            names["separable"],
            "near-duplicates in train in different groups"
            + context.separated(pairs)
            + limits["separable"],
            f"look at the pairs; if they are copies, {JOIN}",
        ),
        *findings_of(
            "near-in-group",
            "note",
            names["grouped"],
            f"near-duplicates in train in one group{limits['grouped']}",
        ),
    ]


def _near_samples(
    context: AuditContext, samples: Sequence[SplitSample], on_image: OnImage | None
) -> list[tuple[int, int, NearPair]]:
    """The indices of two samples that look alike, with their pair; pairs within test are left out.

    One of several identical images is compared, and at most MAX_PAIRS of its copies are listed.
    """
    copies: dict[str, list[int]] = defaultdict(list)
    for index, (_, sample) in enumerate(samples):
        digest = context.digest(sample.image)
        if digest:
            copies[digest].append(index)
    images = list(copies.values())
    sets: list[int] = []
    set_numbers: dict[str, int] = {}
    keys = group_keys([sample for _, sample in samples])
    for first_of_image in (indices[0] for indices in images):
        number = set_numbers.setdefault(keys[first_of_image], len(set_numbers))
        sets.append(UNCOMPARED if samples[first_of_image][0] == "test" else number)
    inspections = [context.inspections[samples[indices[0]][1].image_file] for indices in images]
    near = []
    for pair in find_near_pairs([i.signature for i in inspections], sets, on_image):
        for indices in product(images[pair.first][:MAX_PAIRS], images[pair.second][:MAX_PAIRS]):
            first, second = sorted(indices)
            if samples[first][0] == "train":
                near.append((first, second, pair))
    return sorted(near, key=lambda row: row[:2])


def check_groups(competition: Competition, context: AuditContext) -> list[Finding]:
    """Groups in several folds, groups in train and test, and groups with several classes."""
    noun = competition.group or "group"
    folds_of: dict[str, set[int]] = defaultdict(set)
    for sample in context.train:
        fold = (context.folds or {}).get(sample.id)
        if sample.group is not None and fold is not None and fold >= 0:
            folds_of[sample.group].add(fold)
    in_both = {s.group for s in context.train} & {s.group for s in context.test} - {None}
    return [
        *findings_of(
            "group-across-folds",
            "error",
            (group for group, folds in folds_of.items() if len(folds) > 1),
            f"a {noun} in training and in validation",
            "set scheme=auto",
        ),
        *findings_of(
            "group-in-both",
            "warning",
            sorted(str(group) for group in in_both),
            f"a {noun} name in train and in test; only the author of the data knows whether it is "
            f"the same {noun}",
            f"if it is, the test score is too good: remove the {noun} from train or test",
        ),
        *findings_of(
            "group-of-classes",
            "warning",
            mixed_groups(competition, context.train),
            f"a {noun} with samples of several classes; all its samples are in one fold",
            "check the labels",
        ),
    ]
