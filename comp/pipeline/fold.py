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
from comp.inference.predict import told
from comp.inference.predictions import save_predictions
from comp.pipeline.diagnosis import bad_loss, no_score
from comp.pipeline.fold_context import Setting, make_setting
from comp.runs.folder import RunFolder
from comp.runs.progress import Reporter, Silent
from comp.runs.results import FoldResult
from comp.training.budget import Cost
from comp.training.checkpoint import META, load_weights, save_meta, save_weights
from comp.training.device import (
    OutOfMemoryError,
    choose_precision,
    indivisible,
    make_accelerator,
    predicting_less,
    within_memory,
)
from comp.training.fit import Fitted, Job, NoScoreError, NotFiniteError, fit
from comp.training.losses import make_loss
from comp.training.mixing import make_mixer
from comp.training.state import RESUME, Keeper, Saved, cut_history, read

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
    setting = make_setting(config, fold, data, folder)
    setup_s = time.perf_counter() - began
    trained, halved = None, run.halved
    if not halved:
        with suppress(OutOfMemoryError):
            trained = _trained(setting, steps, place, reporter)
    if trained is None:  # out of the block, for an error holds on to all that was on the GPU
        gc.collect()
        again = make_setting(config, fold, data, folder)  # with the generators as they were
        setting = smaller(again, Silent() if halved else reporter)
        run.note(halved=True)
        trained = _trained(setting, steps, place, reporter)
    model, fitted = trained
    save_weights(place, fitted.best.state)
    load_weights(place, model)
    predicting = time.perf_counter()
    score = _predict(setting, model, place, reporter)
    result = _result(setting, fitted, score, setup_s, time.perf_counter() - predicting)
    result = replace(result, halved=setting.config.loader != config.loader)
    save_meta(place, asdict(result))
    (place / RESUME).unlink(missing_ok=True)
    return result


def _predict(setting: Setting, model: nn.Module, place: Path, reporter: Reporter) -> float:
    """Write the predictions of the held-out and of the test samples; the score of the former."""
    predictor, fold, count = setting.predictor(model), setting.fold, len(setting.held_out)
    total, on_prediction = count + len(setting.test), reporter.predicted
    with within_memory(predicting_less(setting.config)):
        held_out = list(told(predictor(setting.held_out), fold, total, on_prediction))
        score = oof.score(setting.competition.metric, held_out, setting.reader)
        save_predictions(place / "oof.safetensors", held_out)
        test = told(predictor(setting.test), fold, total, on_prediction, before=count)
        save_predictions(place / "test.safetensors", test)
    return score


def smaller(setting: Setting, reporter: Reporter) -> Setting:
    """The same with batches of half the size, of which twice as many make an optimizer step.

    Raises:
        OutOfMemoryError: where batches cannot be halved.
    """
    config = setting.config
    size, parts = config.loader.batch_size, config.optim.accumulate
    least = 2 if config.loader.mixup or config.loader.cutmix else 1  # mixing wants pairs
    if size % (2 * least):
        raise OutOfMemoryError(indivisible(size, least))
    reporter.note(
        f"out of GPU memory: batches of {size // 2} instead of {size}, {2 * parts} of them a step"
    )
    loader = config.loader.model_copy(update={"batch_size": size // 2})
    optim = config.optim.model_copy(update={"accumulate": 2 * parts})
    config = config.model_copy(update={"loader": loader, "optim": optim})
    accelerator = setting.accelerator
    device, precision = accelerator.device, choose_precision(config.precision, accelerator.device)
    return replace(
        setting,
        config=config,
        accelerator=make_accelerator(device, precision, config.optim.accumulate),
    )


def _trained(
    setting: Setting, steps: int | None, place: Path, reporter: Reporter
) -> tuple[nn.Module, Fitted]:
    """Train a fold, or go on where its state in `place` was saved.

    Raises:
        RunError: a state of another plan, a loss that is not finite, with the samples, or no
            score.
    """
    config = setting.config
    steps = steps or config.max_steps or config.epochs * setting.epoch_steps
    state, history = place / RESUME, place / "history.jsonl"
    saved = read(state)
    if saved and saved.steps != steps:
        raise RunError(
            f"{state} is of a training of {saved.steps} steps, not of {steps}: remove it, and the "
            "fold begins anew"
        )
    cut_history(history, saved)
    keeper = Keeper(state, steps, *parse_every(config.checkpoint_every))
    try:
        with within_memory():
            return train(setting, steps, history, reporter, keeper=keeper, saved=saved)
    except NotFiniteError as error:
        raise RunError(f"{error.words} on {bad_loss(setting, steps, error.batch)}") from None
    except NoScoreError as error:
        sound = setting.is_sound(error.model)
        if not sound:  # nor can this state be gone on from
            state.unlink(missing_ok=True)
        raise RunError(f"{error.words}: {no_score(sound)}") from None


def train(
    setting: Setting,
    steps: int,
    history: Path,
    reporter: Reporter,
    score: Callable[[nn.Module], float] | None = None,
    keeper: Keeper | None = None,
    saved: Saved | None = None,
) -> tuple[nn.Module, Fitted]:
    """Train a new network on a fold.

    Args:
        steps: optimizer steps in all.
        history: file that gets a JSON line a validation.
        score: scores a network; None takes the fold's held-out samples.
        keeper: saves the state of the training.
        saved: a state to go on from.
    """
    config, competition = setting.config, setting.competition
    model = competition.model(config)
    job = Job(
        config=config,
        fold=setting.fold,
        loss=make_loss(competition, config, setting.train),
        score=score or setting.validate,
        better=competition.metric.better,
        steps=steps,
        epoch_steps=setting.epoch_steps,
        history=history,
        direction=competition.metric.direction,
        mix=make_mixer(config, len(competition.classes)),
        on_transfer=reporter.transfer,
        keeper=keeper or Keeper(),
        saved=saved,
    )
    batches = setting.batches(steps, saved.step if saved else 0)
    return model, fit(model, batches, job, setting.accelerator, reporter.step)


def _result(
    setting: Setting, fitted: Fitted, score: float, setup_s: float, predict_s: float
) -> FoldResult:
    meter, training_s = fitted.meter, max(1e-9, fitted.seconds - fitted.meter.validate_s)
    return FoldResult(
        fold=setting.fold,
        score=score,
        loss=fitted.best.loss,
        epoch=math.ceil(fitted.best.step / setting.epoch_steps),
        step=fitted.best.step,
        steps=fitted.steps,
        planned=fitted.planned,
        stopped_early=fitted.stopped_early,
        setup_s=setup_s,
        fit_s=fitted.seconds,
        predict_s=predict_s,
        validate_s=meter.validate_s,
        images_per_second=meter.images / training_s,
        wait_share=meter.wait_s / training_s,
    )


def time_fold(config: RunConfig, fold: int, data: Path, folder: Path, reporter: Reporter) -> Cost:
    """Measure what a fold costs: a few steps and predictions of a throw-away model, with batches of
    half the size where the GPU has no room for whole ones.

    Nothing of it goes into the fold, whose generators are seeded anew.
    """
    make_setting(config, fold, data, folder)  # what is slow the first time
    began = time.perf_counter()
    setting = make_setting(config, fold, data, folder)
    setup_s = time.perf_counter() - began
    with suppress(OutOfMemoryError):
        return _timed(setting, setup_s)
    gc.collect()
    return replace(_timed(smaller(setting, reporter), setup_s), halved=True)


def _timed(setting: Setting, setup_s: float) -> Cost:
    """What a fold costs with these batches."""
    config = setting.config
    count = 2 if setting.competition.dense else config.predict.batch_size
    quick = replace(setting, held_out=setting.held_out[:count])
    quick = replace(quick, config=at_its_dearest(config))

    def score(model: nn.Module) -> float:
        quick.validate(model)
        return 0.0  # that of a few samples may not exist, such as the AUC of one class

    with TemporaryDirectory() as scratch, within_memory():
        history = Path(scratch) / "history.jsonl"
        model, fitted = train(quick, 3, history, Silent(), score)
        if _step_s(fitted) < SLOW_STEP_S:  # else three steps say enough
            model, fitted = train(quick, 3, history, Silent(), score)
            steps = max(5, min(200, int(4.0 / _step_s(fitted))))
            model, fitted = train(quick, steps, history, Silent(), score)
    share = max(1, len(quick.held_out))
    validate_s = fitted.meter.validate_s * len(setting.held_out) / share
    began = time.perf_counter()
    list(setting.predictor(model)(quick.held_out))
    each = (time.perf_counter() - began) / share
    predict_s = each * (len(setting.held_out) + len(setting.test))
    return Cost(
        step_s=_step_s(fitted),
        fixed_s=setup_s + predict_s + validate_s * config.validations,
        reserve_s=setup_s,
    )


def at_its_dearest(config: RunConfig) -> RunConfig:
    """The configuration of the costliest steps of a fold, those after the last stage has thawed,
    with one validation."""
    thawed = {} if config.thaw.how == "never" else {"freeze": "none", "thaw": ThawConfig()}
    return config.model_copy(update={"validations": 1, "patience": None, **thawed})


def _step_s(fitted: Fitted) -> float:
    return (fitted.seconds - fitted.meter.validate_s) / fitted.steps
