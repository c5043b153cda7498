"""Permutation importances of the columns of a table, on the held-out rows of a fold."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from comp.config.schema import RunConfig
from comp.contract import registry
from comp.contract.sample import Sample
from comp.data.columns.cells import Row
from comp.data.units import units_of
from comp.estimators.importances import ShuffledRows, permutation_importances
from comp.inference import oof
from comp.pipeline.fold_context import FoldContext, fold_seed
from comp.pipeline.members import EstimatorPredictor, Predict, load_fold, weighted_mean
from comp.runs.results import FoldResult

ROWS = 2000
"""Most held-out rows that are shuffled."""
CELLS = 60_000
"""Most rows times columns: with many columns, fewer rows are shuffled."""
LEAST = 200
"""Rows that are shuffled however many columns there are."""


def column_importances(
    context: FoldContext,
    config: RunConfig,
    fold_folder: Path,
    weights: Mapping[str, float] | None = None,
) -> tuple[dict[str, float], float]:
    """By how much the held-out score is worse when a column is shuffled, and the seconds that this
    took. Empty if the samples are images, or share predictions.

    Args:
        config: of all models of the run.
        fold_folder: contains the fitted models.
        weights: of the models in the blend, if there are several.
    """
    started, competition = time.perf_counter(), registry.get(config.competition)
    samples = context.held_out
    pools = units_of(samples, competition.pool) is not samples
    if not competition.columns or pools or not samples or any(s.image for s in samples):
        return {}, 0.0
    columns = list(samples[0].features)
    most = min(ROWS, max(LEAST, CELLS // max(1, len(columns))))
    seed = fold_seed(config.seed, context.fold)
    order = np.random.default_rng(seed).permutation(len(samples))[:most]
    chosen = [samples[index] for index in np.sort(order)]
    fold = load_fold(competition, config, fold_folder, lambda: context.reader, weights)
    sign = 1.0 if competition.metric.direction == "min" else -1.0

    members = [_on_rows(member, chosen) for member in fold.members.values()]

    def predict(rows: Sequence[Row]) -> np.ndarray:
        found = [member(rows) for member in members]
        if len(found) == 1:
            return found[0]
        return weighted_mean(found, [fold.weights[name] for name in fold.members])

    def worsening(predictions: np.ndarray, _rows: np.ndarray) -> float:
        pairs = zip(chosen, predictions, strict=True)
        listed = list(oof.pair_with_targets(competition.task, pairs, context.reader))
        return sign * oof.score(competition, listed)

    rows = [sample.features for sample in chosen]
    found = permutation_importances(columns, rows, predict, worsening, seed, repeats=1)
    importances = {each.column: each.mean for each in found if np.isfinite(each.mean)}
    return importances, time.perf_counter() - started


def _on_rows(model: Predict, samples: Sequence[Sample]) -> Callable[[Sequence[Row]], np.ndarray]:
    """The predictions of a model, (N, K), for samples with other cells. A model that is not a
    network reads all cells once, and shuffles what it has read: else the time for F columns grows
    with the square of F."""

    def of_rows(rows: Sequence[Row]) -> np.ndarray:
        changed = [replace(sample, features=row) for sample, row in zip(samples, rows, strict=True)]
        return np.stack([values for _, values in model(changed)])

    if not isinstance(model, EstimatorPredictor) or model.columns is None:
        return of_rows
    from comp.estimators.matrix import matrix_of

    (name,), treatment = model.config.model, model.columns.treatment
    cells = treatment.features.read([sample.features for sample in samples])

    def of_cells(rows: Sequence[Row]) -> np.ndarray:
        read = cells
        if isinstance(rows, ShuffledRows):
            read = cells.shuffled(rows.column, rows.order)
        return model.of_matrix(matrix_of(name, treatment, read))

    return of_cells


def with_importances(
    result: FoldResult,
    context: FoldContext,
    config: RunConfig,
    folder: Path,
    weights: Mapping[str, float] | None = None,
) -> FoldResult:
    """The result with importances, whose time counts as that of predictions.

    Args:
        folder: contains the fitted models.
        weights: of the models in the blend, if there are several.
    """
    importances, seconds = column_importances(context, config, folder, weights)
    return replace(result, importances=importances, predict_s=result.predict_s + seconds)
