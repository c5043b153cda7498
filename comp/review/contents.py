"""The panels of a report, in their order."""

from __future__ import annotations

from collections.abc import Callable

from comp.page.blocks import Panel
from comp.review.facts import RunFacts
from comp.review.panels import (
    alerts,
    batch,
    classes,
    coach,
    columns,
    configuration,
    copies,
    curves,
    drift,
    explanations,
    folds,
    grades,
    images,
    labels,
    masks,
    models,
    reproduce,
    samples,
    slices,
    submission,
    suspects,
    time,
    transfer,
    values,
    verdict,
)


def samples_with_maps(facts: RunFacts) -> Panel | None:
    """The samples; those that are explained with one picture more."""
    return samples.panel(facts, explanations.overlays(facts))


PANELS: tuple[Callable[[RunFacts], Panel | None], ...] = (
    verdict.panel,
    coach.panel,
    alerts.panel,
    folds.panel,
    curves.panel,
    classes.panel,
    labels.panel,
    grades.panel,
    values.panel,
    masks.panel,
    images.panel,
    models.panel,
    columns.panel,
    samples_with_maps,
    explanations.panel,
    suspects.panel,
    copies.panel,
    slices.panel,
    drift.panel,
    batch.panel,
    transfer.panel,
    configuration.panel,
    time.panel,
    reproduce.panel,
    submission.panel,
)
