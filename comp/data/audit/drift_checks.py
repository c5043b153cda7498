"""Check whether test differs from train, in images or in columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.audit.findings import Finding, findings_of
from comp.data.audit.inspection import Inspection
from comp.data.drift.appearance import Appearance
from comp.data.drift.columns import column_drift
from comp.data.drift.drift import Drift, Sides
from comp.data.drift.images import image_drift, own_images
from comp.data.drift.words import drift_advice, drift_sentence, feature_text, series_sentence
from comp.errors import CompError

MOST = 2000
"""Samples of train and of test that are compared, a random part if there are more."""
Compare = Callable[[Sides], Drift]


def measure_drifts(
    competition: Competition,
    config: RunConfig,
    train: Sequence[Sample],
    test: Sequence[Sample],
    inspections: Mapping[Path, Inspection],
) -> tuple[list[Drift], list[Finding]]:
    """Compare train and test by their images, and by their columns if they have any.

    Returns:
        The drifts, and a note of each comparison for which there are too few samples or groups.
        Other checks report samples that are missing or unreadable, and columns that do not fit.
    """
    drifts: list[Drift] = []
    reasons: list[str] = []

    def compare(ours: Sequence[Sample], theirs: Sequence[Sample], drift: Compare) -> None:
        if not ours or not theirs:
            return
        try:
            sides = Sides.of(ours, theirs, MOST, config.seed)
        except CompError as error:
            reasons.append(str(error))
            return
        with suppress(CompError):
            drifts.append(drift(sides))

    def of_images(sides: Sides) -> Drift:
        return image_drift(sides, [looks[sample.image_file] for sample in sides.samples])

    looks = {path: i.appearance for path, i in inspections.items() if i.appearance}
    decoded, others = (_decoded(samples, looks) for samples in (train, test))
    compare(decoded, others, of_images)
    if competition.columns:
        compare(train, test, lambda sides: column_drift(sides, config.columns))
    return drifts, [_not_compared(reason) for reason in dict.fromkeys(reasons)]


def _not_compared(reason: str) -> Finding:
    return Finding(kind="train-test-not-compared", severity="note", count=1, names=(), words=reason)


def _decoded(samples: Sequence[Sample], looks: Mapping[Path, Appearance]) -> list[Sample]:
    """The samples with an image of their own that was decoded."""
    return [sample for sample in own_images(samples) if sample.image_file in looks]


def drift_findings(drifts: Sequence[Drift], config: RunConfig) -> list[Finding]:
    """A warning for each comparison in which train and test differ, with what differs most, and a
    note for each other one."""
    return [finding for drift in drifts for finding in _findings(drift, config)]


def _findings(drift: Drift, config: RunConfig) -> list[Finding]:
    series = findings_of(
        "file-series",
        "note",
        [text for text in [series_sentence(drift)] if text],
        "series of files that train and test do not share equally",
    )
    words = (
        f"{drift_sentence(drift)}; compared: {drift.train:,} training and {drift.test:,} test "
        "samples"
    )
    if not drift.found:
        alike = Finding(kind="train-test-alike", severity="note", count=1, names=(), words=words)
        return [alike, *series]
    names = [f"{feature_text(feature)}: AUC {feature.auc:.2f}" for feature in drift.features[:3]]
    names += [f"test samples least like train: {', '.join(drift.like_test)}"]
    names += [f"test samples most like train: {', '.join(drift.like_train)}"]
    advice = drift_advice(drift, config)
    return [*findings_of("train-test-differ", "warning", names, words, advice), *series]
