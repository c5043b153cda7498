"""Audit the data of a competition before training, and report all problems at once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from comp.config.schema import RunConfig
from comp.contract import registry
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.audit.class_names import check_class_names
from comp.data.audit.drift_checks import drift_findings, measure_drifts
from comp.data.audit.findings import Finding, errors, findings_of, worst_first
from comp.data.audit.fold_findings import run_folds
from comp.data.audit.image_sizes import check_input_size, image_summary, size_mismatches
from comp.data.audit.inspection import (
    Inspection,
    image_findings,
    inspect_images,
    range_findings,
    without_tables,
)
from comp.data.audit.inventory import SplitInventory, find_stray_files, take_inventory
from comp.data.audit.leaks import (
    AuditContext,
    check_groups,
    find_identical_images,
    find_near_duplicates,
    find_shared_targets,
)
from comp.data.audit.same_bytes import inspect_bytes
from comp.data.audit.sample_checks import (
    check_classes,
    check_duplicate_ids,
    check_files,
    check_labels,
    check_missing_groups,
    sample_files,
)
from comp.data.audit.table_checks import check_table
from comp.data.audit.unit_checks import check_units
from comp.data.audit.weight_checks import check_weights
from comp.data.drift.drift import Drift
from comp.data.fold_schemes import STRATIFIED
from comp.data.folds import Folds
from comp.data.images.decode_many import OnImage
from comp.data.images.prepare import data_range
from comp.data.images.values import ValueRange
from comp.data.location import DataSource
from comp.data.units import units_of
from comp.errors import CompError
from comp.submission.blank import check_rows


@dataclass(frozen=True, kw_only=True)
class Audit:
    """The findings in the data of a competition, the worst first.

    `images` is the number of inspected images, `train` and `test` are the numbers of samples.
    `drifts` compare train with test. A `quick` audit does not decode images or train models.
    """

    competition: str
    data: Path
    synthetic: bool
    quick: bool
    train: int
    test: int
    images: int
    seconds: float
    drifts: Sequence[Drift] = ()
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
            "drifts": [drift.record() for drift in self.drifts],
            "errors": counts["error"],
            "warnings": counts["warning"],
            "notes": counts["note"],
        }


def audit(
    config: RunConfig,
    source: DataSource,
    *,
    external: Sequence[Sample] = (),
    quick: bool = False,
    on_image: OnImage | None = None,
    on_compared: OnImage | None = None,
    on_errors: Callable[[Sequence[Finding]], None] | None = None,
    on_inspected: Callable[[Sequence[Inspection]], None] | None = None,
) -> Audit:
    """Check all data of a competition. Unreadable files become findings, not exceptions.

    If a table cannot be read, or a column is missing, no image is read: all would have to be read
    again after the correction.

    Args:
        external: samples that train in every fold, as `read_external` returns them.
        quick: compare the bytes of the images without decoding them; the content of images is not
            checked, and only copies with the same bytes are found.
        on_image: called after each image with the number of inspected images and the total.
        on_compared: called with the number of images compared with each other and the total.
        on_errors: called with the errors of tables and labels before the first image is read.
        on_inspected: called once with what each image looks like.
    """
    start = time.perf_counter()
    competition, root = registry.get(config.competition), source.root
    train, test = _take_inventories(competition, root, external)
    findings = [
        *_sample_findings(competition, root, train, test),
        *_label_findings(competition, config, root, train, test),
    ]
    images, drifts = 0, list[Drift]()
    if train.table_read and test.table_read:
        if on_errors and errors(findings):
            on_errors(errors(findings))
        folds, fold_findings = run_folds(competition, config, train, findings)
        images, drifts, more = _content_findings(
            config, root, train, test, folds, quick, on_image, on_compared, on_inspected
        )
        findings += [*fold_findings, *more]
    return Audit(
        competition=competition.name,
        data=root,
        synthetic=source.synthetic,
        quick=quick,
        train=len(train.samples),
        test=len(test.samples),
        images=images,
        seconds=round(time.perf_counter() - start, 2),
        drifts=drifts,
        findings=worst_first(findings),
    )


def _content_findings(
    config: RunConfig,
    root: Path,
    train: SplitInventory,
    test: SplitInventory,
    folds: Folds | None,
    quick: bool,
    on_image: OnImage | None,
    on_compared: OnImage | None,
    on_inspected: Callable[[Sequence[Inspection]], None] | None,
) -> tuple[int, list[Drift], list[Finding]]:
    """The number of inspected images, the drifts, and the findings in images and columns."""
    competition, samples = registry.get(config.competition), [*train.samples, *test.samples]
    labelled = train.samples if train.labels_known else []
    value_range = None if quick else data_range(competition, config, samples)
    inspections = _inspect(competition, samples, value_range, quick, on_image)
    if on_inspected:
        on_inspected(inspections)
    by_path = {inspection.path: inspection for inspection in inspections}
    context = AuditContext(train.samples, test.samples, by_path, folds, train.labels_known)
    sides = (competition, config, labelled, test.samples, by_path)
    drifts, not_compared = ([], []) if quick else measure_drifts(*sides)
    return (
        len(inspections),
        drifts,
        [
            *check_groups(competition, context),
            *_leak_findings(context, on_compared),
            *check_table(competition, config.columns, labelled, test.samples, quick=quick),
            *drift_findings(drifts, config),
            *not_compared,
            *image_findings(inspections, partial(_display_name, root=root)),
            *range_findings(value_range),
            *size_mismatches(samples, by_path),
            *image_summary(inspections),
            *check_input_size(competition, config, samples, quick=quick),
            *find_stray_files(competition, root, samples),
        ],
    )


def _inspect(
    competition: Competition,
    samples: Sequence[Sample],
    value_range: ValueRange | None,
    quick: bool,
    on_image: OnImage | None,
) -> list[Inspection]:
    """Inspect all files of the samples. Masks may be blank, and equal to each other."""
    paths = sample_files(samples)
    if quick:
        inspections = inspect_bytes(paths, on_image)
    else:
        own_reader = competition.reader is not None
        inspections = inspect_images(
            paths, on_image, own_reader=own_reader, value_range=value_range
        )
    if competition.reader is not None:
        inspections = without_tables(inspections, [sample.image for sample in samples])
    if competition.task.check_image is None:
        return inspections
    masks = {sample.target for sample in samples if isinstance(sample.target, Path)}
    return [
        replace(i, digest="", kinds=tuple(kind for kind in i.kinds if kind != "blank"))
        if i.path in masks
        else i
        for i in inspections
    ]


def _take_inventories(
    competition: Competition, root: Path, external: Sequence[Sample]
) -> tuple[SplitInventory, SplitInventory]:
    """The samples of train, with the external ones, and those of test."""
    train = take_inventory(competition, root, "train")
    if train.labels_known:
        train = replace(train, samples=[*train.samples, *external])
    return train, take_inventory(competition, root, "test")


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
        *check_units(competition, train.samples, test.samples),
        *check_weights(train.samples),
    ]
    if test.labels_known:
        try:
            check_rows(competition, root, units_of(test.samples, competition.pool))
        except CompError as error:
            words = "the test samples or the plugin's rows do not fit the sample submission"
            advice = "correct the plugin, or fetch the data again"
            findings += findings_of("submission", "error", [str(error)], words, advice)
    return findings


def _label_findings(
    competition: Competition,
    config: RunConfig,
    root: Path,
    train: SplitInventory,
    test: SplitInventory,
) -> list[Finding]:
    """Problems of labels, groups and classes, if they are known."""
    if not train.labels_known:
        return []
    stratified = config.scheme in STRATIFIED
    return [
        *check_labels(competition, train.samples),
        *check_missing_groups(competition, train.samples),
        *check_classes(competition, train.samples, config.folds, stratified),
        *check_class_names(competition, root, train.samples, test.samples),
    ]


def _leak_findings(context: AuditContext, on_compared: OnImage | None) -> list[Finding]:
    """Copies of images, and images that look alike."""
    return [
        *find_identical_images(context),
        *find_shared_targets(context),
        *find_near_duplicates(context, on_compared),
    ]


def _display_name(path: Path, root: Path) -> str:
    """A path relative to the data folder, if it is inside."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
