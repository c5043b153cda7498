"""An audit of the data before anyone trains on it: all that is wrong or odd, at once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from comp.config.schema import RunConfig
from comp.contract import registry
from comp.contract.competition import Competition, Sample
from comp.data.audit.findings import Finding, errors, found, worst_first
from comp.data.audit.inspection import Inspection, OnImage, inspect_images, inspection
from comp.data.audit.inventory import SplitInventory, stray_files, take_inventory
from comp.data.audit.leaks import AuditContext, groups, identical_images, near, shared_targets
from comp.data.audit.sample_checks import (
    classes,
    duplicate_ids,
    files,
    fits,
    labels,
    sample_files,
    ungrouped,
)
from comp.data.folds import Folds, SmallClassError, balances, make_folds
from comp.data.location import Source
from comp.errors import CompError, FoldError
from comp.submission.template import check_ids


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What was found in the data of a competition, the worst first.

    `images` were looked at, of `train` training and `test` test samples; in a `quick` audit they
    were not decoded.
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
        """Whether there is no error among the findings."""
        return not errors(self.findings)

    def values(self) -> dict[str, Any]:
        """What `--json` prints."""
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
    source: Source,
    *,
    quick: bool = False,
    on_image: OnImage | None = None,
    on_compared: OnImage | None = None,
) -> Audit:
    """Inspection at everything in the data of a competition.

    What cannot be read is a finding and no error of this function.

    Args:
        quick: hash the images and decode none: nothing is said of what they hold, and of copies
            only those of the same bytes are found.
        on_image: called after each image with how many are done, and how many there are.
        on_compared: the same, now and then, while images are compared with each other.
    """
    began = time.perf_counter()
    competition, root = registry.get(config.competition), source.root
    train, test = (take_inventory(competition, root, split) for split in ("train", "test"))
    samples = [*train.samples, *test.samples]
    seen = inspect_images(sample_files(samples), on_image, decode=not quick)
    inspections = {look.path: look for look in seen}
    findings = [*_listed(competition, root, train, test), *_counted(competition, config, train)]
    folds, unfolded = _folds(competition, config, train, findings)
    context = AuditContext(train.samples, test.samples, inspections, folds, train.labels_known)
    findings += [
        *unfolded,
        *groups(competition, context),
        *identical_images(context),
        *shared_targets(context),
    ]
    findings += [
        *inspection(seen, lambda path: _name(path, root)),
        *_mismatches(samples, inspections),
        *near(context, on_compared),
        *_kinds_of_images(seen),
        *stray_files(competition, root, samples),
    ]
    return Audit(
        competition=competition.name,
        data=root,
        synthetic=source.synthetic,
        quick=quick,
        train=len(train.samples),
        test=len(test.samples),
        images=len(seen),
        seconds=round(time.perf_counter() - began, 2),
        findings=worst_first(findings),
    )


def _listed(
    competition: Competition, root: Path, train: SplitInventory, test: SplitInventory
) -> list[Finding]:
    """What is wrong with the samples as they are listed, and with the files that they name."""
    findings = [*train.findings, *test.findings]
    findings += [
        *duplicate_ids(train.samples, "train"),
        *duplicate_ids(test.samples, "test"),
        *files(train.samples, test.samples, lambda path: _name(path, root)),
    ]
    if test.labels_known:
        try:
            check_ids(competition, root, test.samples)
        except CompError as error:
            words = "the test samples and the sample submission do not fit together"
            findings += found("submission", "error", [str(error)], words, "fetch the data again")
    return findings


def _counted(competition: Competition, config: RunConfig, train: SplitInventory) -> list[Finding]:
    """What is wrong with the labels, where they are known."""
    if not train.labels_known:
        return []
    return [
        *labels(competition, train.samples),
        *ungrouped(competition, train.samples),
        *classes(competition, train.samples, config.folds, balances(train.samples, config.scheme)),
    ]


def _folds(
    competition: Competition, config: RunConfig, train: SplitInventory, known: Sequence[Finding]
) -> tuple[Folds | None, list[Finding]]:
    """The folds that a run would deal, of the samples without a fault of their own; or None, and
    why, unless that is known."""
    if not train.labels_known:
        return None, []
    sound = {sample.id: sample for sample in train.samples if fits(competition, sample)}
    try:
        return make_folds(
            list(sound.values()), config.folds, config.scheme, config.seed, competition.group
        ), []
    except FoldError as error:
        kinds = {finding.kind for finding in known}
        if isinstance(error, SmallClassError) and "small-class" in kinds:
            return None, []
        return None, found("folds", "error", [str(error)], "no folds can be dealt")


def _mismatches(samples: Sequence[Sample], inspections: Mapping[Path, Inspection]) -> list[Finding]:
    """Images of another size than their target image."""
    odd = []
    for sample in samples:
        if isinstance(sample.target, Path):
            own, its = inspections[sample.image].size, inspections[sample.target].size
            if own and its and own != its:
                odd.append(f"{sample.id} ({own[1]} x {own[0]} and {its[1]} x {its[0]})")
    return found(
        "size-mismatch",
        "error",
        odd,
        "images of another size than their target image",
        "fetch both again, or remove them",
    )


def _kinds_of_images(inspections: Sequence[Inspection]) -> list[Finding]:
    """Which modes the images have, and between which sizes they lie."""
    modes = Counter(look.mode for look in inspections if look.mode)
    sizes = [look.size for look in inspections if look.size]
    if not sizes:
        return []
    heights, widths = zip(*sizes, strict=True)
    return [
        Finding(
            kind="images",
            severity="note",
            count=len(sizes),
            names=(),
            words=f"images {_span(widths)} pixels wide and {_span(heights)} high, "
            "in Pillow's modes "
            + ", ".join(f"{mode} {count:,}" for mode, count in modes.most_common()),
        )
    ]


def _span(lengths: Sequence[int]) -> str:
    low, high = min(lengths), max(lengths)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _name(path: Path, root: Path) -> str:
    """A path as a person reads it: below the data folder where it is there."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
