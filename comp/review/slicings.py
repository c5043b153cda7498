"""The properties by which the samples of a run are divided, and the measures of their parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from comp.contract.metric import Pair
from comp.contract.scoring.sums import sums_of
from comp.inference.weighted_score import weighted_score
from comp.page.words import Text, say
from comp.review.facts import NumberOof, RunFacts
from comp.review.looks import Looks
from comp.review.main_columns import main_columns
from comp.review.plain_numbers import plain
from comp.review.slices import (
    LEAST,
    Measure,
    Part,
    Slicing,
    mean_measure,
    most_frequent,
    quarters,
    score_parts,
)

MOST_GROUPS = 200
"""Groups that are scored: the largest."""
MOST_CLASSES = 100
"""Classes that are scored: the most frequent."""
MOST_VALUES = 1_000_000
"""Predicted values above which a metric that is no mean of samples takes too long."""
STATISTICS: tuple[tuple[str, Text], ...] = (
    ("pixels", say("size of the image (square root of its pixels)")),
    ("aspect ratio", say("width divided by height")),
    ("brightness", say("brightness (mean grey level)")),
    ("contrast", say("contrast (grey levels from the 5th to the 95th percentile)")),
    ("sharpness", say("sharpness (variance of the Laplacian)")),
)


@dataclass(frozen=True, kw_only=True)
class ScoredParts:
    """The parts of some properties, all scored alike."""

    parts: Sequence[Part]
    measure: Measure
    whole: float
    samples: int
    of: int
    """All samples with a finite prediction, of which `samples` were divided."""


def parts_of_run(facts: RunFacts) -> list[ScoredParts]:
    """The parts of all properties; [] without predictions.

    Parts by columns of a table and by the looks of images are scored by the metric, if a draw of it
    is quick. Classes and groups, and everything else, are scored by the mean error of their
    samples: metrics such as AUC need samples of several classes.
    """
    errors = facts.errors
    if errors is None or facts.oof is None or not errors.ids:
        return []
    groups = [facts.oof.groups[name] for name in errors.ids]
    mean = mean_measure(
        say("mean {name}", name=errors.name),
        "max" if errors.greater_is_better else "min",
        errors.values,
    )
    metric = metric_measure(facts)
    by_mean = [*_classes(facts, errors.ids), *_groups(facts, errors.ids)]
    found = [
        _scored(measure, slicings, groups, len(errors.ids))
        for measure, slicings in ((mean, by_mean), (metric or mean, _columns(facts, errors.ids)))
        if slicings
    ]
    looks = _looked(facts, errors.ids, metric, mean, groups)
    return [*found, *([looks] if looks else [])]


def _scored(
    measure: Measure, slicings: Sequence[Slicing], groups: Sequence[str], of: int
) -> ScoredParts:
    return ScoredParts(
        parts=score_parts(measure, slicings, groups),
        measure=measure,
        whole=measure.score(np.ones(len(groups))),
        samples=len(groups),
        of=of,
    )


def metric_measure(facts: RunFacts, rows: np.ndarray | None = None) -> Measure | None:
    """The metric over samples with finite predictions, or some of them; None of images, or if each
    draw has to score all samples anew.

    Args:
        rows: of the samples with finite predictions.
    """
    numbers, metric = facts.numbers, facts.metric
    if numbers is None:
        return None
    pairs = _pairs(facts, numbers)
    if rows is not None:
        pairs = [pairs[row] for row in rows.tolist()]
    outputs = len(pairs[0][1]) if pairs else 0
    if not pairs or (sums_of(metric.score) is None and len(pairs) * outputs > MOST_VALUES):
        return None
    score, cheap = weighted_score(metric, pairs)
    if not cheap:
        return None
    sizes = len(pairs) * outputs
    classes = len(facts.task.labels) ** 2 if metric.takes == "decisions" else 0
    work = 1e-4 + 1e-8 * (0 if sums_of(metric.score) else sizes + classes)
    return Measure(name=metric.name, direction=metric.direction, score=score, work=work)


def _pairs(facts: RunFacts, numbers: NumberOof) -> list[Pair]:
    """The pairs that the metric takes, of the samples of `facts.errors`."""
    made = numbers.predictions
    if facts.metric.takes == "decisions" and numbers.decided is not None:
        made = numbers.decided
    finite = np.isfinite(numbers.predictions).all(axis=1) & np.isfinite(numbers.targets).all(axis=1)
    return [
        Pair(numbers.targets[row], made[row], numbers.ids[row], numbers.groups[row])
        for row in np.flatnonzero(finite).tolist()
    ]


def _classes(facts: RunFacts, ids: Sequence[str]) -> list[Slicing]:
    """One part for each class; labels that do not exclude each other are no parts."""
    oof = facts.oof
    assert oof is not None
    names = [facts.task.label_names(oof.samples[name].target) for name in ids]
    if not all(len(each) == 1 for each in names) or facts.task.suspects == "labels":
        return []
    texts = [each[0] for each in names]
    labels, parts = most_frequent(texts, MOST_CLASSES)
    return [Slicing(key="class", title=say("class"), labels=labels, part_of=parts)]


def _groups(facts: RunFacts, ids: Sequence[str]) -> list[Slicing]:
    """The largest groups of at least ten samples; within a group, samples are drawn."""
    oof = facts.oof
    assert oof is not None
    keys = [oof.groups[name].partition(" ") for name in ids]
    texts = [key[2] if key[0] == "group" else "" for key in keys]
    sizes = Counter(texts)
    sizes.pop("", None)
    if not sizes or max(sizes.values()) < LEAST or len(sizes) < 2:
        return []
    labels, parts = most_frequent(texts, MOST_GROUPS)
    title: Text = facts.competition.group or say("group")
    return [Slicing(key="group", title=title, labels=labels, part_of=parts, by_sample=True)]


def _columns(facts: RunFacts, ids: Sequence[str]) -> list[Slicing]:
    """Quarters of the main columns of numbers, and the most frequent categories of the others."""
    oof, found = facts.oof, []
    assert oof is not None
    rows = [oof.samples[name].features for name in ids]
    for column in main_columns(facts):
        key, title = f"column {column.name}", column.name
        if column.numeric:
            found += number_slicing(key, title, column.numbers(rows))
            continue
        labels, parts = most_frequent(column.texts(rows))
        if len(labels) > 1:
            found.append(Slicing(key=key, title=title, labels=labels, part_of=parts))
    return found


def number_slicing(key: str, title: Text, values: np.ndarray) -> list[Slicing]:
    """Quarters by a number, and a part of the gaps; [] if there is nothing to divide."""
    ends, parts = quarters(values)
    if not ends:
        return []
    labels: list[Text] = [
        plain(low) if low == high else say("{low} to {high}", low=plain(low), high=plain(high))
        for low, high in ends
    ]
    gaps = np.isnan(values)
    if gaps.any():
        parts = np.where(gaps, len(labels), parts)
        labels.append(say("missing"))
    return [Slicing(key=key, title=title, labels=labels, part_of=parts)]


def _looked(
    facts: RunFacts,
    ids: Sequence[str],
    metric: Measure | None,
    mean: Measure,
    groups: Sequence[str],
) -> ScoredParts | None:
    """Parts by what images look like, of those that were measured."""
    looks = facts.train_looks
    place = {name: row for row, name in enumerate(ids)}
    kept = [index for index, name in enumerate(looks.ids) if name in place]
    if len(kept) < 2 * LEAST:
        return None
    slicings = look_slicings(looks, np.array(kept))
    if not slicings:
        return None
    rows = np.array([place[looks.ids[index]] for index in kept])
    measure = metric_measure(facts, rows) if metric else None
    if measure is None or not np.isfinite(measure.score(np.ones(len(rows)))):
        assert facts.errors is not None
        measure = mean_measure(mean.name, mean.direction, facts.errors.values[rows])
    return _scored(measure, slicings, [groups[row] for row in rows], len(ids))


def look_slicings(looks: Looks, kept: np.ndarray) -> list[Slicing]:
    """Quarters of size, shape, brightness, contrast and sharpness, and the formats of files.

    Args:
        kept: the indices of the images that are divided.
    """
    found: list[Slicing] = []
    for key, title in STATISTICS:
        if key == "pixels":
            values = np.sqrt(looks.numbers("width") * looks.numbers("height"))
        else:
            values = looks.numbers(key)
        found += number_slicing(key, title, values[kept])
    formats = looks.texts("format")
    labels, parts = most_frequent([formats[index] for index in kept.tolist()])
    if len(labels) > 1:
        title = say("type of the file")
        found.append(Slicing(key="format", title=title, labels=labels, part_of=parts))
    return found
