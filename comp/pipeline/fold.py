"""One fold: a function of (config, fold, data folder, run folder) that writes its results there.

It runs in this process, in another process, or on another machine: its arguments and its result can
be pickled.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from torch import nn

from comp.config.durations import parse_every
from comp.config.schema import RunConfig
from comp.data.units import units_of
from comp.errors import RunError
from comp.files import make_folder
from comp.inference.predict import with_progress
from comp.inference.predictions import join_predictions, save_predictions
from comp.pipeline.adapted import adapt_test
from comp.pipeline.blended_fold import blend_members
from comp.pipeline.column_importances import with_importances
from comp.pipeline.estimator_fold import fit_estimator
from comp.pipeline.fold_context import FoldContext, make_fold_context
from comp.pipeline.fold_failures import explain_loss, explain_no_score
from comp.pipeline.fold_result import network_result
from comp.pipeline.fold_time import replanner_of
from comp.pipeline.halved import BATCHES, record_halved, starts_halved
from comp.pipeline.members import (
    estimator_names,
    member_config,
    member_folder,
    network_names,
    read_result,
)
from comp.pipeline.named_reporter import NamedReporter
from comp.pipeline.ranked import gathers, of_all_ranks
from comp.pipeline.refit import describe_average, refit
from comp.pipeline.replanned import read_points
from comp.pipeline.smaller_batches import with_smaller_batches
from comp.pipeline.stages import recorded
from comp.pipeline.tta_check import tell_if_tta_harms
from comp.runs.folder import RunFolder
from comp.runs.progress import Reporter, Silent
from comp.runs.results import FoldResult
from comp.training.checkpoint import META, load_weights, save_meta, save_weights
from comp.training.checkpoint_writer import CheckpointWriter
from comp.training.device import (
    OutOfMemoryError,
    explain_out_of_memory,
    less_memory_to_predict,
)
from comp.training.fit import fit
from comp.training.history import truncate_history
from comp.training.losses import make_loss
from comp.training.mixing import make_mixer
from comp.training.rank_group import explained
from comp.training.replanning import Replanner
from comp.training.spec import FitResult, FitSpec, NoScoreError, NotFiniteError
from comp.training.state import RESUME, TrainingCheckpoint, read_checkpoint


def fit_fold(
    config: RunConfig,
    fold: int,
    data: Path,
    folder: Path,
    steps: int | None = None,
    reporter: Reporter | None = None,
    seconds: float | None = None,
    fold_folder: Path | None = None,
) -> FoldResult:
    """Train one fold, or resume it, and predict its held-out samples and the test samples.

    Args:
        config: with one seed; `comp.pipeline.seeded_fold` trains several.
        data: folder in the competition's layout.
        folder: the run's folder, with its folds.csv.
        steps: optimizer steps; None takes `max_steps` or the epochs of the configuration.
        seconds: for each model that is not a network; None: no limit.
        fold_folder: gets the results, meta.json last; None: `fold-<fold>/` of the run. A checkpoint
            of the training in it is resumed. Of several models each has a folder in it, and
            finished ones are not trained again.
    """
    reporter = reporter or Silent()
    fold_folder = fold_folder or RunFolder(folder).fold(fold)
    make_folder(fold_folder)
    (fold_folder / META).unlink(missing_ok=True)
    results = fit_estimators(config, fold, data, folder, reporter, seconds, fold_folder)
    for name in network_names(config):
        one, place = member_config(config, name), member_folder(fold_folder, config, name)
        alone = place == fold_folder
        result = None if alone else read_result(place, one)
        by_name = NamedReporter(reporter, name) if len(network_names(config)) > 1 else reporter
        results[name] = result or _fit_network(
            one, fold, data, folder, place, steps, by_name, alone
        )
    if len(results) > 1:
        return blend_members(config, fold, data, folder, fold_folder, results)
    return results[config.model[0]]


def fit_estimators(
    config: RunConfig,
    fold: int,
    data: Path,
    folder: Path,
    reporter: Reporter,
    seconds: float | None = None,
    fold_folder: Path | None = None,
) -> dict[str, FoldResult]:
    """Fit the models of a fold that are not networks and are not finished; returns all results.
    The arguments are those of `fit_fold`."""
    results: dict[str, FoldResult] = {}
    fold_folder = fold_folder or RunFolder(folder).fold(fold)
    make_folder(fold_folder)
    for name in estimator_names(config):
        one, place = member_config(config, name), member_folder(fold_folder, config, name)
        make_folder(place)
        alone = place == fold_folder
        results[name] = read_result(place, one) or fit_estimator(
            one, fold, data, folder, place, reporter, seconds, alone=alone
        )
    return results


def _fit_network(
    config: RunConfig,
    fold: int,
    data: Path,
    folder: Path,
    fold_folder: Path,
    steps: int | None,
    reporter: Reporter,
    alone: bool,
) -> FoldResult:
    """Train the network of `config`, and write its results to `fold_folder`.

    Args:
        alone: whether the fold has no other model.
    """
    started, run = time.perf_counter(), RunFolder(folder)
    make_folder(fold_folder)
    (fold_folder / META).unlink(missing_ok=True)
    context = make_fold_context(config, fold, data, folder)
    if context.columns:
        context.columns.save(fold_folder)
    setup_s = time.perf_counter() - started
    trained, halved = None, starts_halved(fold_folder, run)
    if not halved:
        with suppress(OutOfMemoryError):
            trained = _train_or_resume(context, steps, fold_folder, reporter, run, started)
    if trained is None:  # outside the block: the exception keeps everything on the GPU alive
        gc.collect()
        fresh = make_fold_context(config, fold, data, folder)  # seeds the generators again
        context = with_smaller_batches(fresh, Silent() if halved else reporter)
        record_halved(fold_folder, True)
        trained = _train_or_resume(context, steps, fold_folder, reporter, run, started)
    model, fit_result = trained
    save_weights(fold_folder, fit_result.best.weights)
    load_weights(fold_folder, model)
    if fit_result.averaged and context.held_out:
        reporter.note(describe_average(context, fit_result))
    predict_started = time.perf_counter()
    score = _predict(context, model, fold_folder, reporter)
    adapt_test(context, fold_folder, reporter)
    if context.held_out:
        tell_if_tta_harms(context, fit_result.best.score, score, reporter)
    predict_s = time.perf_counter() - predict_started
    result = network_result(context, fit_result, score, setup_s, predict_s)
    result = replace(result, halved=context.config.loader != config.loader)
    result = with_importances(result, context, config, fold_folder) if alone else result
    save_meta(fold_folder, asdict(result))
    for name in (RESUME, BATCHES):
        (fold_folder / name).unlink(missing_ok=True)
    return result


def _predict(
    context: FoldContext, model: nn.Module, fold_folder: Path, reporter: Reporter
) -> float:
    """Write the predictions of the held-out and the test samples; return the held-out score."""
    pool, fold, oof = context.competition.pool, context.fold, fold_folder / "oof.safetensors"
    count = len(units_of(context.held_out, pool))
    total, on_prediction = count + len(units_of(context.test, pool)), reporter.predicted
    with explain_out_of_memory(less_memory_to_predict(context.config)):
        predictions = context.predict(model, context.held_out) if count else iter(())
        held_out = with_progress(predictions, fold, total, on_prediction)
        predicted = save_predictions(oof, held_out)
        score = context.score(partial(join_predictions, [oof], predicted))
        predictions = context.predict(model, context.test)
        test = with_progress(predictions, fold, total, on_prediction, before=count)
        save_predictions(fold_folder / "test.safetensors", test)
    return score


def _train_or_resume(
    context: FoldContext,
    steps: int | None,
    fold_folder: Path,
    reporter: Reporter,
    run: RunFolder,
    started: float,
) -> tuple[nn.Module, FitResult]:
    """Train a fold that `started`, from its checkpoint if `fold_folder` contains one.

    Raises:
        RunError: the checkpoint belongs to a training of another length, a loss is not finite, or
            there is no score.
    """
    config = context.config
    steps = steps or config.max_steps or config.epochs * context.epoch_steps
    path, history = fold_folder / RESUME, fold_folder / "history.jsonl"
    checkpoint = read_checkpoint(path)
    if checkpoint and checkpoint.steps != steps:
        raise RunError(
            f"{path} belongs to a training of {checkpoint.steps} steps, but this training has "
            f"{steps}: delete it and the fold restarts"
        )
    truncate_history(history, checkpoint)
    writer = CheckpointWriter(path, steps, *parse_every(config.checkpoint_every))
    try:
        with explain_out_of_memory():
            return train(
                context,
                steps,
                history,
                reporter,
                checkpoint_writer=writer,
                resume_from=checkpoint,
                replanner=replanner_of(config, run, fold_folder, steps, started, reporter),
            )
    except NotFiniteError as error:
        raise RunError(f"{error.problem} on {explain_loss(context, steps, error.batch)}") from None
    except NoScoreError as error:
        finite = error.model is None or context.predictions_are_finite(error.model)
        if not finite:  # the fold cannot resume from these weights either
            path.unlink(missing_ok=True)
        raise RunError(f"{error.problem}: {explain_no_score(finite)}") from None


def train(
    context: FoldContext,
    steps: int,
    history: Path,
    reporter: Reporter,
    score: Callable[[nn.Module], float] | None = None,
    checkpoint_writer: CheckpointWriter | None = None,
    resume_from: TrainingCheckpoint | None = None,
    replanner: Replanner | None = None,
) -> tuple[nn.Module, FitResult]:
    """Train a new network on a fold.

    Args:
        steps: optimizer steps in all.
        history: file that gets one JSON line per validation.
        score: scores a network; None scores it on the fold's held-out samples.
        checkpoint_writer: saves checkpoints; None saves none.
        resume_from: the checkpoint to resume from.
        replanner: plans the steps again; None: only as recorded beside the checkpoint.
    """
    if replanner is None and resume_from:
        replanner = Replanner(given=read_points(resume_from.path.parent, steps))
    context = of_all_ranks(context, steps, resume_from)
    config, competition = context.config, context.competition
    model = context.new_model()
    spec = FitSpec(
        config=config,
        fold=context.fold,
        loss=make_loss(competition, config, context.train),
        score=score or (context.validate if context.held_out else _no_score),
        better=competition.metric.better,
        steps=steps,
        epoch_steps=context.epoch_steps,
        history=history,
        direction=competition.metric.direction,
        mixer=make_mixer(competition, config),
        on_freezing_report=recorded(history.parent, reporter.freezing_report, context.ranks.leads),
        on_validation=reporter.validated,
        checkpoint_writer=checkpoint_writer or CheckpointWriter(),
        resume_from=resume_from,
        refit=partial(refit, context, steps),
        replanner=replanner or Replanner(),
        ranks=context.ranks,
        gather=gathers(context),
    )
    batches = context.batches(steps, resume_from.step if resume_from else 0)
    with explained(context.ranks):
        return model, fit(model, batches, spec, context.accelerator, reporter.step)


def _no_score(_model: nn.Module) -> float:
    """A training that holds nothing out is not scored; its last weights count."""
    return 0.0
