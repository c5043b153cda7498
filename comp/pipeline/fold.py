"""One fold: a function of (config, fold, data folder, run folder) that leaves its results there.

It runs in this process, in another, or on another machine; everything it takes can be pickled.
"""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from torch import nn

from comp.config.schema import RunConfig
from comp.config.sections import ThawConfig, parse_every
from comp.errors import RunError
from comp.files import make_folder
from comp.inference import oof
from comp.inference.predict import with_progress
from comp.inference.predictions import save_predictions
from comp.pipeline.diagnosis import bad_loss, no_score
from comp.pipeline.fold_context import FoldContext, make_fold_context
from comp.runs.folder import RunFolder
from comp.runs.progress import Reporter, Silent
from comp.runs.results import FoldResult
from comp.training.budget import FoldCost
from comp.training.checkpoint import META, load_weights, save_meta, save_weights
from comp.training.device import (
    OutOfMemoryError,
    cannot_halve,
    choose_precision,
    explain_out_of_memory,
    less_memory_to_predict,
    make_accelerator,
)
from comp.training.fit import FitResult, FitSpec, NoScoreError, NotFiniteError, fit
from comp.training.losses import make_loss
from comp.training.mixing import make_mixer
from comp.training.state import RESUME, CheckpointWriter, TrainingCheckpoint, cut_history, read

SLOW_STEP_S = 2.0
"""Steps that take longer than this are not measured twice."""


def fit_fold(
    config: RunConfig,
    fold: int,
    data: Path,
    folder: Path,
    steps: int | None = None,
    reporter: Reporter | None = None,
) -> FoldResult:
    """Train one fold and predict its held-out samples and the test samples; go on with a fold whose
    training was stopped.

    Args:
        data: folder in the competition's layout.
        folder: the run's folder, with its folds.csv; results are written to `fold-<fold>/` there,
            meta.json last. A state of the training in there is gone on from.
        steps: optimizer steps; None takes `max_steps` or the epochs of the configuration.
    """
    began, reporter, run = time.perf_counter(), reporter or Silent(), RunFolder(folder)
    place = run.fold(fold)
    make_folder(place)
    (place / META).unlink(missing_ok=True)
    context = make_fold_context(config, fold, data, folder)
    setup_s = time.perf_counter() - began
    trained, halved = None, run.halved
    if not halved:
        with suppress(OutOfMemoryError):
            trained = _trained(context, steps, place, reporter)
    if trained is None:  # out of the block, for an error holds on to all that was on the GPU
        gc.collect()
        again = make_fold_context(config, fold, data, folder)  # with the generators as they were
        context = with_smaller_batches(again, Silent() if halved else reporter)
        run.note(halved=True)
        trained = _trained(context, steps, place, reporter)
    model, fit_result = trained
    save_weights(place, fit_result.best.state)
    load_weights(place, model)
    predicting = time.perf_counter()
    score = _predict(context, model, place, reporter)
    result = _result(context, fit_result, score, setup_s, time.perf_counter() - predicting)
    result = replace(result, halved=context.config.loader != config.loader)
    save_meta(place, asdict(result))
    (place / RESUME).unlink(missing_ok=True)
    return result


def _predict(context: FoldContext, model: nn.Module, place: Path, reporter: Reporter) -> float:
    """Write the predictions of the held-out and of the test samples; the score of the former."""
    predictor, fold, count = context.predictor(model), context.fold, len(context.held_out)
    total, on_prediction = count + len(context.test), reporter.predicted
    with explain_out_of_memory(less_memory_to_predict(context.config)):
        held_out = list(with_progress(predictor(context.held_out), fold, total, on_prediction))
        score = oof.score(context.competition.metric, held_out, context.reader)
        save_predictions(place / "oof.safetensors", held_out)
        test = with_progress(predictor(context.test), fold, total, on_prediction, before=count)
        save_predictions(place / "test.safetensors", test)
    return score


def with_smaller_batches(context: FoldContext, reporter: Reporter) -> FoldContext:
    """The same with batches of half the size, of which twice as many make an optimizer step.

    Raises:
        OutOfMemoryError: where batches cannot be halved.
    """
    config = context.config
    size, parts = config.loader.batch_size, config.optim.accumulate
    least = 2 if config.loader.mixup or config.loader.cutmix else 1  # mixing wants pairs
    if size % (2 * least):
        raise OutOfMemoryError(cannot_halve(size, least))
    reporter.note(
        f"out of GPU memory: batches of {size // 2} instead of {size}, {2 * parts} of them a step"
    )
    loader = config.loader.model_copy(update={"batch_size": size // 2})
    optim = config.optim.model_copy(update={"accumulate": 2 * parts})
    config = config.model_copy(update={"loader": loader, "optim": optim})
    accelerator = context.accelerator
    device, precision = accelerator.device, choose_precision(config.precision, accelerator.device)
    return replace(
        context,
        config=config,
        accelerator=make_accelerator(device, precision, config.optim.accumulate),
    )


def _trained(
    context: FoldContext, steps: int | None, place: Path, reporter: Reporter
) -> tuple[nn.Module, FitResult]:
    """Train a fold, or go on where its state in `place` was saved.

    Raises:
        RunError: a state of another plan, a loss that is not finite, with the samples, or no
            score.
    """
    config = context.config
    steps = steps or config.max_steps or config.epochs * context.epoch_steps
    state, history = place / RESUME, place / "history.jsonl"
    saved = read(state)
    if saved and saved.steps != steps:
        raise RunError(
            f"{state} is of a training of {saved.steps} steps, not of {steps}: remove it, and the "
            "fold begins anew"
        )
    cut_history(history, saved)
    checkpoint_writer = CheckpointWriter(state, steps, *parse_every(config.checkpoint_every))
    try:
        with explain_out_of_memory():
            return train(
                context, steps, history, reporter, checkpoint_writer=checkpoint_writer, saved=saved
            )
    except NotFiniteError as error:
        raise RunError(f"{error.words} on {bad_loss(context, steps, error.batch)}") from None
    except NoScoreError as error:
        sound = context.is_sound(error.model)
        if not sound:  # nor can this state be gone on from
            state.unlink(missing_ok=True)
        raise RunError(f"{error.words}: {no_score(sound)}") from None


def train(
    context: FoldContext,
    steps: int,
    history: Path,
    reporter: Reporter,
    score: Callable[[nn.Module], float] | None = None,
    checkpoint_writer: CheckpointWriter | None = None,
    saved: TrainingCheckpoint | None = None,
) -> tuple[nn.Module, FitResult]:
    """Train a new network on a fold.

    Args:
        steps: optimizer steps in all.
        history: file that gets a JSON line a validation.
        score: scores a network; None takes the fold's held-out samples.
        keeper: saves the state of the training.
        saved: a state to go on from.
    """
    config, competition = context.config, context.competition
    model = competition.model(config)
    spec = FitSpec(
        config=config,
        fold=context.fold,
        loss=make_loss(competition, config, context.train),
        score=score or context.validate,
        better=competition.metric.better,
        steps=steps,
        epoch_steps=context.epoch_steps,
        history=history,
        direction=competition.metric.direction,
        mix=make_mixer(config, len(competition.classes)),
        on_freezing_report=reporter.transfer,
        checkpoint_writer=checkpoint_writer or CheckpointWriter(),
        saved=saved,
    )
    batches = context.batches(steps, saved.step if saved else 0)
    return model, fit(model, batches, spec, context.accelerator, reporter.step)


def _result(
    context: FoldContext, fit_result: FitResult, score: float, setup_s: float, predict_s: float
) -> FoldResult:
    meter, training_s = (
        fit_result.meter,
        max(1e-9, fit_result.seconds - fit_result.meter.validate_s),
    )
    return FoldResult(
        fold=context.fold,
        score=score,
        loss=fit_result.best.loss,
        epoch=math.ceil(fit_result.best.step / context.epoch_steps),
        step=fit_result.best.step,
        steps=fit_result.steps,
        planned=fit_result.planned,
        stopped_early=fit_result.stopped_early,
        setup_s=setup_s,
        fit_s=fit_result.seconds,
        predict_s=predict_s,
        validate_s=meter.validate_s,
        images_per_second=meter.images / training_s,
        wait_share=meter.wait_s / training_s,
    )


def time_fold(
    config: RunConfig, fold: int, data: Path, folder: Path, reporter: Reporter
) -> FoldCost:
    """Measure what a fold costs: a few steps and predictions of a throw-away model, with batches of
    half the size where the GPU has no room for whole ones.

    Nothing of it goes into the fold, whose generators are seeded anew.
    """
    make_fold_context(config, fold, data, folder)  # what is slow the first time
    began = time.perf_counter()
    context = make_fold_context(config, fold, data, folder)
    setup_s = time.perf_counter() - began
    with suppress(OutOfMemoryError):
        return _timed(context, setup_s)
    gc.collect()
    return replace(_timed(with_smaller_batches(context, reporter), setup_s), halved=True)


def _timed(context: FoldContext, setup_s: float) -> FoldCost:
    """What a fold costs with these batches."""
    config = context.config
    count = 2 if context.competition.dense else config.predict.batch_size
    quick = replace(context, held_out=context.held_out[:count])
    quick = replace(quick, config=costliest_steps(config))

    def score(model: nn.Module) -> float:
        quick.validate(model)
        return 0.0  # that of a few samples may not exist, such as the AUC of one class

    with TemporaryDirectory() as scratch, explain_out_of_memory():
        history = Path(scratch) / "history.jsonl"
        model, fit_result = train(quick, 3, history, Silent(), score)
        if _step_s(fit_result) < SLOW_STEP_S:  # else three steps say enough
            model, fit_result = train(quick, 3, history, Silent(), score)
            steps = max(5, min(200, int(4.0 / _step_s(fit_result))))
            model, fit_result = train(quick, steps, history, Silent(), score)
    share = max(1, len(quick.held_out))
    validate_s = fit_result.meter.validate_s * len(context.held_out) / share
    began = time.perf_counter()
    list(context.predictor(model)(quick.held_out))
    each = (time.perf_counter() - began) / share
    predict_s = each * (len(context.held_out) + len(context.test))
    return FoldCost(
        step_s=_step_s(fit_result),
        fixed_s=setup_s + predict_s + validate_s * config.validations,
        reserve_s=setup_s,
    )


def costliest_steps(config: RunConfig) -> RunConfig:
    """The configuration of the costliest steps of a fold, those after the last stage has thawed,
    with one validation."""
    thawed = {} if config.thaw.how == "never" else {"freeze": "none", "thaw": ThawConfig()}
    return config.model_copy(update={"validations": 1, "patience": None, **thawed})


def _step_s(fit_result: FitResult) -> float:
    return (fit_result.seconds - fit_result.meter.validate_s) / fit_result.steps
