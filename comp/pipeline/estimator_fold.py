"""A fold of a model that is not a network, such as gradient boosting."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np

from comp.config.schema import RunConfig
from comp.contract.sample import Sample
from comp.contract.task import Estimate
from comp.data.columns.matrices import Matrix
from comp.data.groups import group_keys
from comp.data.sample_weights import draw_weights, loss_weights
from comp.data.units import pooled
from comp.errors import RunError
from comp.estimators.estimator import Estimator
from comp.features.embeddings import save_backbone_record
from comp.inference.oof import read_target
from comp.inference.predictions import join_predictions, save_predictions
from comp.pipeline.column_importances import with_importances
from comp.pipeline.estimator_inputs import estimator_matrix
from comp.pipeline.fold_context import FoldContext, fold_seed, make_fold_context
from comp.pipeline.members import ESTIMATOR, estimate_of, new_estimator
from comp.runs.progress import Reporter
from comp.runs.results import FoldResult
from comp.signals import stop_if_requested
from comp.training.checkpoint import META, save_meta


def fit_estimator(
    config: RunConfig,
    fold: int,
    data: Path,
    run_folder: Path,
    folder: Path,
    reporter: Reporter,
    seconds: float | None = None,
    *,
    alone: bool = True,
) -> FoldResult:
    """Fit the estimator of `config` on a fold, and predict its held-out and test samples.

    A fit has no checkpoint: one that was stopped starts again, and gives the same bytes.

    Args:
        config: of one model.
        run_folder: the run's folder, with its folds.csv.
        folder: where the results are written, meta.json last.
        seconds: after these the fit should end, with fewer trees; None: no limit.
        alone: whether the fold has no other model; else the importances are those of the blend.
    """
    started = time.perf_counter()
    deadline = None if seconds is None else time.monotonic() + seconds
    (folder / META).unlink(missing_ok=True)
    context = make_fold_context(config, fold, data, run_folder)
    _save_inputs(context, folder)
    setup_s = time.perf_counter() - started
    fit_started = time.perf_counter()
    estimator, estimate = _fitted(context, deadline)
    estimator.save(folder / ESTIMATOR)
    fit_s = time.perf_counter() - fit_started
    stop_if_requested()
    predict_started = time.perf_counter()
    score = _predict(context, estimator, estimate, folder)
    record = dict(estimator.record())
    trees = int(record.get("iterations") or 1)
    result = FoldResult(
        fold=fold,
        score=score,
        loss=None,
        epoch=1,
        step=trees,
        steps=trees,
        planned=trees,
        stopped_early=False,
        setup_s=setup_s,
        fit_s=0.0,
        estimate_s=fit_s,
        predict_s=time.perf_counter() - predict_started,
        validate_s=0.0,
        images_per_second=len(context.train) / max(fit_s, 1e-9),
        wait_share=0.0,
        estimator=record,
    )
    result = with_importances(result, context, config, folder) if alone else result
    save_meta(folder, asdict(result))
    scored = f"fold {fold}: {config.model[0]} {score:.5f}" if context.held_out else config.model[0]
    reporter.note(f"{scored} in {fit_s:.1f} s")
    return result


def _save_inputs(context: FoldContext, folder: Path) -> None:
    """Write what the estimator learns from: the treatment of the columns, and the backbone."""
    if context.columns:
        context.columns.save(folder)
    if context.embeddings:
        save_backbone_record(context.embeddings, folder)


def _fitted(context: FoldContext, deadline: float | None) -> tuple[Estimator, Estimate]:
    competition, config, train = context.competition, context.config, context.train
    if context.columns and not context.embeddings:
        context.columns.check_any(config.model[0])
    estimate = estimate_of(competition.task)
    estimator = new_estimator(config, competition.task, fold_seed(config.seed, context.fold))
    learned = context.learned
    targets = np.stack([read_target(competition.task, s, context.reader) for s in learned])
    estimator.fit(
        _matrix(context, train),
        estimate.learn(targets),
        _row_weights(context),
        group_keys(train),
        deadline,
    )
    return estimator, estimate


def _row_weights(context: FoldContext) -> np.ndarray | None:
    """The weights of the training rows (N,): those of the loss, times how often a network draws
    them; None if all are equal."""
    lists = [
        loss_weights(context.train),
        draw_weights(context.competition, context.config, context.train),
    ]
    known = [np.asarray(weights, dtype=np.float64) for weights in lists if weights is not None]
    return None if not known else np.prod([w / w.mean() for w in known], axis=0)


def _matrix(context: FoldContext, samples: Sequence[Sample]) -> Matrix:
    competition, config = context.competition, context.config
    columns, stored = context.columns, context.embeddings
    return estimator_matrix(competition, config, columns, samples, lambda: context.reader, stored)


def _check_score(context: FoldContext, score: float, predicted: np.ndarray) -> None:
    """Refuse a fold without a score, as a network without one is.

    Args:
        predicted: of the held-out samples, (N, K).

    Raises:
        RunError: the score is not a number.
    """
    if not math.isnan(score):
        return
    name, (model,) = context.competition.metric.name, context.config.model
    reason = "look at the data and the metric"
    if not np.isfinite(predicted).all():
        reason = "its predictions are not finite: look at the columns, or use another model"
    elif predicted.min() < 0:
        reason = (
            f"its least prediction is {predicted.min():.4g}; if {name} takes no numbers below 0, "
            "give the task log=True or limits in the plugin"
        )
    raise RunError(f"fold {context.fold}: {model} has no {name} (it is nan): {reason}")


def _predict(context: FoldContext, estimator: Estimator, estimate: Estimate, folder: Path) -> float:
    """Write the predictions of the held-out and the test samples; return the held-out score."""
    pool, oof = context.competition.pool, folder / "oof.safetensors"
    score = math.nan
    for samples, path in ((context.held_out, oof), (context.test, folder / "test.safetensors")):
        if not samples:
            save_predictions(path, ())
            continue
        values = estimate.predict(estimator.predict(_matrix(context, samples)))
        predicted = save_predictions(path, pooled(zip(samples, values, strict=True), samples, pool))
        if path == oof:
            score = context.score(partial(join_predictions, [oof], predicted))
            _check_score(context, score, values)
        stop_if_requested()
    return score
