"""Check whether test differs from train, in images or in columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def measure_drifts(
    competition: Competition,
    config: RunConfig,
    train: Sequence[Sample],
    test: Sequence[Sample],
    inspections: Mapping[Path, Inspection],
) -> list[Drift]:
    """Compare train and test by their images, and by their columns if they have any. What cannot be
    compared, such as a few samples, is left out."""
    found = []
    looks = {path: i.appearance for path, i in inspections.items() if i.appearance}
    decoded, others = (_decoded(samples, looks) for samples in (train, test))
    with suppress(CompError):
        sides = Sides.of(decoded, others, MOST, config.seed)
        found.append(image_drift(sides, [looks[s.image_file] for s in sides.samples]))
    if competition.columns:
        with suppress(CompError):  # the checks of columns report what is not clear
            found.append(column_drift(Sides.of(train, test, MOST, config.seed), config.columns))
    return found


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
