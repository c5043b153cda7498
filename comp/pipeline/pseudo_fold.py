"""Pseudo-labelled samples as training samples of a fold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from comp.config.model import ESTIMATORS
from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.sample import Item, Reader, Sample
from comp.contract.task import PseudoTargets
from comp.data.units import unit_of
from comp.errors import ConfigError, DataError
from comp.pipeline.pseudo_labels import FoldLabels, read_pointer
from comp.training.losses import loss_name

Encode = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class FoldPseudo:
    """The pseudo-labelled samples of a fold.

    `samples` have hard targets, which all code can read that asks for a target. `learned` are the
    same samples with the targets of the loss, which may be soft, and `encode` encodes those and the
    targets of labelled samples. Targets that are images are paths which only `reader` knows.
    """

    samples: Sequence[Sample]
    learned: Sequence[Sample]
    encode: Encode
    images: Callable[[np.ndarray], np.ndarray] | None = None
    labels: FoldLabels
    soften: Callable[[Any, float], Any] | None = None

    def competition(self, competition: Competition) -> Competition:
        """The competition as the training sees it, whose task softens these targets."""
        if self.soften is None:
            return competition
        return replace(competition, task=replace(competition.task, soften=self.soften))

    def reader(self, reader: Reader) -> Reader:
        """The reader of a run, which reads the targets of these samples too."""
        if self.images is None:
            return reader
        units = {target_path(self.labels, unit_of(s)): unit_of(s) for s in self.samples}
        return PseudoReader(reader=reader, labels=self.labels, units=units, target=self.images)


@dataclass(frozen=True, kw_only=True)
class PseudoReader:
    """Reads samples whose target is a predicted image. It can be pickled.

    `units` maps the target of a sample to the id of its prediction, and `target` makes a target of
    a prediction.
    """

    reader: Reader
    labels: FoldLabels
    units: dict[Path, str]
    target: Callable[[np.ndarray], np.ndarray]

    @property
    def target_alone(self) -> Reader:
        """How the reader reads a target alone, if it can; a predicted one is read with its image.

        Raises:
            AttributeError: it cannot.
        """
        alone: Reader = self.reader.target_alone  # type: ignore[attr-defined]
        return lambda sample: self(sample) if sample.target in self.units else alone(sample)

    def __call__(self, sample: Sample) -> Item:
        """Read a sample.

        Raises:
            DataError: the predicted image has another size than the image.
        """
        unit = self.units.get(sample.target) if isinstance(sample.target, Path) else None
        if unit is None:
            return self.reader(sample)
        item = dict(self.reader(replace(sample, target=None)))
        target = self.target(self.labels.prediction(unit))
        if target.shape[:2] != item["image"].shape[:2]:
            raise DataError(
                f"the pseudo-label of {sample.id} has the shape {target.shape}, its image "
                f"{item['image'].shape}: label with a run of the same image.size"
            )
        return item | {"target": target}


def target_path(labels: FoldLabels, unit: str) -> Path:
    """The target of a sample whose label is an image: a path that does not exist."""
    return labels.files[0] / f"label-{quote(unit, safe='')}"


def targets_of(competition: Competition) -> PseudoTargets:
    """How predictions of a competition become targets.

    Raises:
        ConfigError: they cannot.
    """
    if competition.task.pseudo is None:
        raise ConfigError(
            f"predictions of {competition.name} ({competition.task.kind}) cannot become targets: "
            "its task has no pseudo; leave pseudo.run out"
        )
    return competition.task.pseudo


def learns_soft(competition: Competition, config: RunConfig) -> bool:
    """Whether the model of a configuration learns soft pseudo-labels.

    Args:
        config: of one model.

    Raises:
        ConfigError: `pseudo.labels = soft`, and it cannot.
    """
    (model,), targets, task = config.model, targets_of(competition), competition.task
    if targets.soft is None or config.pseudo.labels == "hard":
        return False
    if model in ESTIMATORS:
        possible = task.estimate is not None and task.estimate.kind == "values"
        what = str(model)
    else:
        name = loss_name(competition, config)
        possible = targets.soft_losses is None or name in targets.soft_losses
        what = "the competition's own loss" if name == "own" else f"loss.name = {name}"
    if config.pseudo.labels == "soft" and not possible:
        raise ConfigError(
            f"pseudo.labels = soft, but {what} learns one class for each sample, and no shares: "
            "set pseudo.labels=auto or hard, or use another model or loss"
        )
    return possible


def fold_pseudo(
    competition: Competition, config: RunConfig, labels: FoldLabels, candidates: Sequence[Sample]
) -> FoldPseudo:
    """The training samples of a fold that have pseudo-labels.

    Args:
        config: of one model.
        candidates: contain all samples with labels.
    """
    by_id, targets = {sample.id: sample for sample in candidates}, targets_of(competition)
    soft = targets.soft if learns_soft(competition, config) else None
    encode = targets.encode if soft and targets.encode else competition.task.encode
    chosen = [by_id[name] for name in labels.ids]
    weight = config.pseudo.weight
    if competition.task.output == "image":
        if targets.encode:  # predicted masks are no files, hard or not
            encode = targets.encode
        samples = [_trained(s, target_path(labels, unit_of(s)), weight) for s in chosen]
        images = soft or targets.hard
        return FoldPseudo(
            samples=samples, learned=samples, encode=encode, images=images, labels=labels
        )
    arrays = [labels.prediction(unit_of(sample)) for sample in chosen]
    pairs = list(zip(chosen, arrays, strict=True))
    samples = [_trained(sample, targets.hard(array.copy()), weight) for sample, array in pairs]
    learned = samples
    if soft:
        learned = [_trained(sample, soft(array.copy()), weight) for sample, array in pairs]
    soften = targets.soften if soft else None
    return FoldPseudo(samples=samples, learned=learned, encode=encode, labels=labels, soften=soften)


def _trained(sample: Sample, target: Any, weight: float) -> Sample:
    return replace(sample, target=target, weight=weight, stratum=None, fold=None, train_only=True)


def read_fold_pseudo(
    competition: Competition,
    config: RunConfig,
    fold: int,
    folder: Path,
    test: Sequence[Sample],
) -> tuple[FoldPseudo | None, Sequence[Sample]]:
    """The pseudo-labels of a fold and, if they are of other data than the test samples, all
    unlabelled samples of that data.

    Args:
        config: of one model.
        folder: the reader's folder in the run.
    """
    if config.pseudo.run is None:
        return None, ()
    root, folds = read_pointer(folder)
    other = competition.samples(root, "test") if root else ()
    return fold_pseudo(competition, config, folds[fold], other or test), other
