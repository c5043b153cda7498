"""Which samples of a fold get pseudo-labels, and what the labels are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.units import unit_of
from comp.errors import ConfigError, RunError
from comp.pipeline.pseudo_fold import targets_of
from comp.pipeline.pseudo_labels import FoldLabels


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The labels of a fold, and what run.json says of them."""

    labels: FoldLabels
    record: Mapping[str, Any]
    bytes: int


def choose(
    competition: Competition,
    config: RunConfig,
    fold: int,
    files: tuple[Path, ...],
    candidates: Sequence[Sample],
    related: Sequence[frozenset[int]],
    training: int,
    on_sample: Callable[[], None],
) -> Choice:
    """Choose the samples that train in a fold.

    Args:
        files: the predictions of the candidates; their mean is the label.
        related: the folds that hold out a relative of each candidate, which does not train there.
        training: the number of labelled training samples of the fold.
        on_sample: called after each candidate.

    Raises:
        ConfigError: no sample is left.
        RunError: a prediction is missing or not finite.
    """
    labels = FoldLabels(files, ())
    free = [s for s, folds in zip(candidates, related, strict=True) if fold not in folds]
    seen: list[_Seen] = []
    for sample in free:
        seen.append(_see(competition, config, labels, sample))
        on_sample()
    least = config.pseudo.confidence or 0.0
    sure = [one for one in seen if one.confidence >= least]
    if not sure:
        raise _nothing_left(fold, least, seen)
    taken = _at_most(sure, config, fold, training)
    record: dict[str, Any] = {
        "taken": len(taken),
        "related": len(candidates) - len(free),
        "unsure": len(seen) - len(sure),
        "left_out": len(sure) - len(taken),
    }
    shares = class_shares([one.classes for one in taken], competition.task.labels)
    return Choice(
        labels=FoldLabels(files, tuple(one.id for one in taken)),
        record=record | ({"shares": shares} if shares else {}),
        bytes=sum(one.bytes for one in taken),
    )


def class_shares(classes: Sequence[Sequence[str]], names: Sequence[str]) -> dict[str, float]:
    """The share of samples of each class or label; {} if the samples have none."""
    counts = Counter(name for each in classes for name in each)
    return {name: counts[name] / len(classes) for name in names} if counts else {}


@dataclass(frozen=True)
class _Seen:
    id: str
    confidence: float
    classes: tuple[str, ...]
    bytes: int


def _see(competition: Competition, config: RunConfig, labels: FoldLabels, sample: Sample) -> _Seen:
    targets, task = targets_of(competition), competition.task
    prediction = labels.prediction(unit_of(sample))
    if not np.isfinite(prediction).all():
        raise RunError(
            f"run {config.pseudo.run} predicts '{sample.id}' with a value that is not finite: its "
            "training diverged, so it cannot label"
        )
    confidence = targets.confidence(prediction) if targets.confidence else 1.0
    classes = () if task.output == "image" else task.label_names(targets.hard(prediction))
    return _Seen(sample.id, confidence, classes, prediction.nbytes)


def _at_most(sure: list[_Seen], config: RunConfig, fold: int, training: int) -> list[_Seen]:
    """At most `pseudo.most` samples for each of `training` samples, chosen at random."""
    most = config.pseudo.most
    count = len(sure) if most is None else max(1, int(most * training))
    if count >= len(sure):
        return sure
    order = np.random.default_rng([config.seed, fold, 3]).permutation(len(sure))
    chosen = set(order[:count].tolist())
    return [one for number, one in enumerate(sure) if number in chosen]


def _nothing_left(fold: int, least: float, seen: Sequence[_Seen]) -> ConfigError:
    if not seen:
        return ConfigError(
            f"no sample can get a pseudo-label in fold {fold}: the fold holds out a copy of each, "
            "or a sample of its group; give other unlabelled data with --data"
        )
    surest = max(one.confidence for one in seen)
    return ConfigError(
        f"pseudo.confidence = {least:g} leaves no sample in fold {fold}, where the surest label "
        f"has a probability of {surest:.4f}: lower it"
    )
