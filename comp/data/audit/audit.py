"""Audit the data of a competition before training, and report all problems at once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from comp.config.schema import RunConfig
from comp.contract import registry
from comp.contract.competition import Competition, Sample
from comp.data.audit.findings import Finding, errors, findings_of, worst_first
from comp.data.audit.inspection import Inspection, image_findings, inspect_images
from comp.data.audit.inventory import SplitInventory, find_stray_files, take_inventory
from comp.data.audit.leaks import (
    AuditContext,
    check_groups,
    find_identical_images,
    find_near_duplicates,
    find_shared_targets,
)
from comp.data.audit.sample_checks import (
    check_classes,
    check_duplicate_ids,
    check_files,
    check_labels,
    check_missing_groups,
    has_valid_target,
    sample_files,
)
from comp.data.folds import Folds, SmallClassError, is_stratified, make_folds
from comp.data.images.decode_many import OnImage
from comp.data.location import DataSource
from comp.errors import CompError, FoldError
from comp.submission.template import check_ids


@dataclass(frozen=True, kw_only=True)
class Audit:
    """The findings in the data of a competition, the worst first.

    `images` is the number of inspected images, `train` and `test` are the numbers of samples. A
    `quick` audit does not decode images.
    """

    competition: str
    data: Path
    synthetic: bool
    quick: bool
    train: int
    test: int
    images: int
    seconds: float
    findings: Sequence[Finding]

    @property
    def ok(self) -> bool:
        """Whether no finding is an error."""
        return not errors(self.findings)

    def values(self) -> dict[str, Any]:
        """The output of `--json`."""
        counts = Counter(finding.severity for finding in self.findings)
        return {
            "ok": self.ok,
            **asdict(self),
            "errors": counts["error"],
            "warnings": counts["warning"],
            "notes": counts["note"],
        }


def audit(
    config: RunConfig,
    source: DataSource,
    *,
    quick: bool = False,
    on_image: OnImage | None = None,
    on_compared: OnImage | None = None,
) -> Audit:
    """Check all data of a competition. Unreadable files become findings, not exceptions.

    Args:
        quick: hash the images without decoding them; the content of images is not checked, and
            only copies with the same bytes are found.
        on_image: called after each image with the number of inspected images and the total.
        on_compared: called with the number of images compared with each other and the total.
    """
    start = time.perf_counter()
    competition, root = registry.get(config.competition), source.root
    train, test = (take_inventory(competition, root, split) for split in ("train", "test"))
    samples = [*train.samples, *test.samples]
    inspections = inspect_images(sample_files(samples), on_image, decode=not quick)
    by_path = {inspection.path: inspection for inspection in inspections}
    findings = [
        *_sample_findings(competition, root, train, test),
        *_label_findings(competition, config, train),
    ]
    folds, fold_findings = _make_folds(competition, config, train, findings)
    context = AuditContext(train.samples, test.samples, by_path, folds, train.labels_known)
    findings += [
        *fold_findings,
        *check_groups(competition, context),
        *find_identical_images(context),
        *find_shared_targets(context),
        *image_findings(inspections, partial(_display_name, root=root)),
        *_size_mismatches(samples, by_path),
        *find_near_duplicates(context, on_compared),
        *_image_summary(inspections),
        *find_stray_files(competition, root, samples),
    ]
    return Audit(
        competition=competition.name,
        data=root,
        synthetic=source.synthetic,
        quick=quick,
        train=len(train.samples),
        test=len(test.samples),
        images=len(inspections),
        seconds=round(time.perf_counter() - start, 2),
        findings=worst_first(findings),
    )


def _sample_findings(
    competition: Competition, root: Path, train: SplitInventory, test: SplitInventory
) -> list[Finding]:
    """Problems of the lists of samples, and of their files."""
    findings = [
        *train.findings,
        *test.findings,
        *check_duplicate_ids(train.samples, "train"),
        *check_duplicate_ids(test.samples, "test"),
        *check_files(train.samples, test.samples, partial(_display_name, root=root)),
    ]
    if test.labels_known:
        try:
            check_ids(competition, root, test.samples)
        except CompError as error:
            words = "the test samples do not match the sample submission"
            findings += findings_of(
                "submission", "error", [str(error)], words, "fetch the data again"
            )
    return findings


def _label_findings(
    competition: Competition, config: RunConfig, train: SplitInventory
) -> list[Finding]:
    """Problems of labels, groups and classes, if they are known."""
    if not train.labels_known:
        return []
    stratified = is_stratified(train.samples, config.scheme)
    return [
        *check_labels(competition, train.samples),
        *check_missing_groups(competition, train.samples),
        *check_classes(competition, train.samples, config.folds, stratified),
    ]


def _make_folds(
    competition: Competition, config: RunConfig, train: SplitInventory, known: Sequence[Finding]
) -> tuple[Folds | None, list[Finding]]:
    """The folds of a run over the samples with a valid target; or None and the reason, unless
    `known` contains it."""
    if not train.labels_known:
        return None, []
    valid = {sample.id: sample for sample in train.samples if has_valid_target(competition, sample)}
    try:
        folds = make_folds(
            list(valid.values()), config.folds, config.scheme, config.seed, competition.group
        )
    except FoldError as error:
        kinds = {finding.kind for finding in known}
        if isinstance(error, SmallClassError) and "small-class" in kinds:
            return None, []
        return None, findings_of("folds", "error", [str(error)], "folds cannot be made")
    return folds, []


def _size_mismatches(
    samples: Sequence[Sample], inspections: Mapping[Path, Inspection]
) -> list[Finding]:
    """Images that differ in size from their target image."""
    names = []
    for sample in samples:
        if isinstance(sample.target, Path):
            image, target = inspections[sample.image].size, inspections[sample.target].size
            if image and target and image != target:
                names.append(f"{sample.id} ({image[1]} x {image[0]} and {target[1]} x {target[0]})")
    return findings_of(
        "size-mismatch",
        "error",
        names,
        "images that differ in size from their target image",
        "fetch both again, or remove them",
    )


def _image_summary(inspections: Sequence[Inspection]) -> list[Finding]:
    """The range of the image sizes, and the modes of the images."""
    modes = Counter(inspection.mode for inspection in inspections if inspection.mode)
    sizes = [inspection.size for inspection in inspections if inspection.size]
    if not sizes:
        return []
    heights, widths = zip(*sizes, strict=True)
    return [
        Finding(
            kind="images",
            severity="note",
            count=len(sizes),
            names=(),
            words=f"images {_range(widths)} pixels wide and {_range(heights)} high, "
            "in Pillow's modes "
            + ", ".join(f"{mode} {count:,}" for mode, count in modes.most_common()),
        )
    ]


def _range(lengths: Sequence[int]) -> str:
    low, high = min(lengths), max(lengths)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _display_name(path: Path, root: Path) -> str:
    """A path relative to the data folder, if it is inside."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
