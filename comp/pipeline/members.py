"""The members of a fold: one model, or several that are blended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from comp.config.model import ESTIMATORS
from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.sample import Reader, Sample
from comp.contract.task import Estimate, Task
from comp.data.units import pooled
from comp.errors import ConfigError, RunError
from comp.inference.predict import predictor_of
from comp.inference.predictions import Predictions, join_predictions
from comp.pipeline.estimator_inputs import estimator_matrix
from comp.pipeline.fold_columns import FoldColumns, columns_reader, on_columns
from comp.pipeline.seeds import trainings
from comp.runs.results import FoldResult
from comp.training.checkpoint import META, has_weights, load_meta, load_weights
from comp.training.device import choose_device, choose_precision, make_accelerator

if TYPE_CHECKING:
    from comp.data.columns.matrices import Matrix
    from comp.estimators.estimator import Estimator

ESTIMATOR = "estimator.zip"
"""The file of a fitted model that is not a network."""
ARRAYS = ("oof.safetensors", "test.safetensors")
"""The predictions of a fold, or of one of its members."""

Predicted = Iterator[tuple[Sample, np.ndarray]]
Predict = Callable[[Sequence[Sample]], Predicted]
"""Samples -> their predictions, in order; of units if the competition pools."""


def estimator_names(config: RunConfig) -> tuple[str, ...]:
    """The models of a run that are not networks."""
    return tuple(name for name in config.model if name in ESTIMATORS)


def network_names(config: RunConfig) -> tuple[str, ...]:
    """The networks of a run."""
    return tuple(name for name in config.model if name not in ESTIMATORS)


def member_config(config: RunConfig, name: str) -> RunConfig:
    """The configuration of one model."""
    return config.model_copy(update={"model": [name]})


def member_folder(fold_folder: Path, config: RunConfig, name: str) -> Path:
    """The folder of one model: that of the fold, or one in it if the fold has several models."""
    return fold_folder if len(config.model) == 1 else fold_folder / name


def read_result(folder: Path, config: RunConfig) -> FoldResult | None:
    """The result of a finished fold, or of a finished member of it; None if it is not finished, or
    one of its files is missing or damaged.

    Args:
        config: the models and seeds whose files the folder must have.
    """
    try:
        result: FoldResult = TypeAdapter(FoldResult).validate_python(load_meta(folder))
        for one, place in trainings(config, folder):
            if place != folder and read_result(place, one) is None:
                return None
        for name in config.model if config.seeds == 1 else ():
            place = member_folder(folder, config, name)
            fitted = (place / ESTIMATOR).is_file() if name in ESTIMATORS else has_weights(place)
            if not fitted:
                return None
            for file in ARRAYS:
                Predictions(place / file)
        for file in ARRAYS:
            Predictions(folder / file)
    except (ValidationError, RunError):
        return None
    return result


@dataclass(frozen=True, kw_only=True)
class FoldPredictor:
    """Predicts samples with the fitted models of a fold, each weighted as in its blend."""

    members: Mapping[str, Predict]
    weights: Mapping[str, float]

    def __call__(self, samples: Sequence[Sample]) -> Predicted:
        """Yield each sample, or unit, with its prediction, float32 (K,) or (H, W, K)."""
        streams = [predict(samples) for predict in self.members.values()]
        if len(streams) == 1:
            yield from streams[0]
            return
        weights = [self.weights[name] for name in self.members]
        for parts in zip(*streams, strict=True):
            arrays = [values for _, values in parts]
            yield parts[0][0], weighted_mean(arrays, weights)


def weighted_mean(arrays: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
    """The sum of arrays times their weights, which have the sum 1; float32."""
    total = np.zeros((), dtype=np.float64)
    for values, weight in zip(arrays, weights, strict=True):
        total = total + values.astype(np.float64) * weight
    mean: np.ndarray = total.astype(np.float32)
    return mean


def load_fold(
    competition: Competition,
    config: RunConfig,
    fold_folder: Path,
    make_images: Callable[[], Reader],
    weights: Mapping[str, float] | None = None,
) -> FoldPredictor:
    """The models of a finished fold.

    Args:
        make_images: makes the reader of the competition.
        weights: of the models; None reads them from meta.json if there are several.

    Raises:
        RunError: a file is missing or damaged.
    """
    members: dict[str, Predict] = {}
    for name in config.model:
        place = member_folder(fold_folder, config, name)
        members[name] = _load_member(competition, member_config(config, name), place, make_images)
    meta: Mapping[str, Any] = {} if weights else load_meta(fold_folder) or {}
    recorded = {str(m["name"]): float(m["weight"]) for m in meta.get("members") or ()}
    blend = weights or recorded
    if len(members) > 1 and set(blend) != set(members):
        raise RunError(
            f"{fold_folder / META} does not have the weights of {', '.join(members)}: train the "
            "fold again"
        )
    return FoldPredictor(members=members, weights=blend)


def cell_notes(
    competition: Competition, config: RunConfig, fold_folder: Path, samples: Sequence[Sample]
) -> list[str]:
    """What the user should know of the cells of samples that a finished fold predicts: those that
    cannot be read count as gaps.

    Raises:
        DataError: a column is missing, or half of its cells cannot be read.
    """
    if not competition.columns:
        return []
    columns = FoldColumns.load(member_folder(fold_folder, config, config.model[0]))
    return columns.treatment.notes([sample.features for sample in samples])


def _load_member(
    competition: Competition, config: RunConfig, folder: Path, make_images: Callable[[], Reader]
) -> Predict:
    from comp.estimators.estimator import load_estimator
    from comp.features.embeddings import RECORD, check_backbone_record

    columns = FoldColumns.load(folder) if competition.columns else None
    (name,) = config.model
    if name in ESTIMATORS:
        if (folder / RECORD).is_file():
            check_backbone_record(config, folder)
        return EstimatorPredictor(
            competition=competition,
            config=config,
            estimator=load_estimator(folder / ESTIMATOR),
            columns=columns,
            make_images=make_images,
        )
    device = choose_device(config.device)
    seen = on_columns(competition, config, columns)
    model = seen.model(config)
    load_weights(folder, model)
    accelerator = make_accelerator(device, choose_precision(config.precision, device))

    def predict(samples: Sequence[Sample]) -> Predicted:
        reader = columns_reader(config, columns, samples, make_images)
        predictor = predictor_of(seen, config, model, reader, accelerator)
        return pooled(predictor(samples), samples, competition.pool)

    return predict


@dataclass(frozen=True, kw_only=True)
class EstimatorPredictor:
    """Predicts samples with a fitted model that is not a network."""

    competition: Competition
    config: RunConfig
    estimator: Estimator
    columns: FoldColumns | None
    make_images: Callable[[], Reader]

    def __call__(self, samples: Sequence[Sample]) -> Predicted:
        """Yield each sample, or unit, with its prediction, float32 (K,)."""
        matrix = estimator_matrix(
            self.competition, self.config, self.columns, samples, self.make_images
        )
        predictions = self.of_matrix(matrix)
        return pooled(zip(samples, predictions, strict=True), samples, self.competition.pool)

    def of_matrix(self, matrix: Matrix) -> np.ndarray:
        """The predictions of rows, float32 (N, K)."""
        return estimate_of(self.competition.task).predict(self.estimator.predict(matrix))


def estimate_of(task: Task) -> Estimate:
    """How a model that is not a network learns a task.

    Raises:
        ConfigError: only networks can.
    """
    if task.estimate is None:
        raise ConfigError(
            f"a model that is not a network cannot predict {task.kind}: set model=network"
        )
    return task.estimate


def new_estimator(config: RunConfig, task: Task, seed: int) -> Estimator:
    """The estimator of `config`, which has one model.

    Raises:
        ConfigError: the task or the library does not allow it.
    """
    from comp.estimators.estimator import make_estimator

    estimate, (name,) = estimate_of(task), config.model
    outputs = len(task.labels) if estimate.kind == "classes" else task.outputs
    return make_estimator(name, config, estimate.kind, outputs, seed)


def stacked(path: Path, samples: Sequence[Sample]) -> np.ndarray:
    """The predictions of samples or units in a file, float32 (N, K)."""
    return np.stack([values for _, values in join_predictions([path], samples)])
