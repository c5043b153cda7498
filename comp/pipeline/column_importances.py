"""Permutation importances of the columns of a table, on the held-out rows of a fold."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from comp.config.schema import RunConfig
from comp.contract import registry
from comp.contract.sample import Cell
from comp.data.units import units_of
from comp.estimators.importances import permutation_importances
from comp.inference import oof
from comp.pipeline.fold_context import FoldContext, fold_seed
from comp.pipeline.members import load_fold
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

    def predict(rows: Sequence[Mapping[str, Cell]]) -> np.ndarray:
        shuffled = [replace(s, features=row) for s, row in zip(chosen, rows, strict=True)]
        return np.stack([values for _, values in fold(shuffled)])

    def worsening(predictions: np.ndarray, _rows: np.ndarray) -> float:
        pairs = zip(chosen, predictions, strict=True)
        listed = list(oof.pair_with_targets(competition.task, pairs, context.reader))
        return sign * oof.score(competition, listed)

    rows = [sample.features for sample in chosen]
    found = permutation_importances(columns, rows, predict, worsening, seed, repeats=1)
    importances = {each.column: each.mean for each in found if np.isfinite(each.mean)}
    return importances, time.perf_counter() - started


def with_importances(
    result: FoldResult,
    context: FoldContext,
    config: RunConfig,
    folder: Path,
    fold_folder: Path,
    weights: Mapping[str, float] | None = None,
) -> FoldResult:
    """The result with importances, whose time counts as that of predictions. The result itself if
    `folder` is that of one of several models of a fold, since those of the blend follow."""
    if folder != fold_folder:
        return result
    importances, seconds = column_importances(context, config, folder, weights)
    return replace(result, importances=importances, predict_s=result.predict_s + seconds)
