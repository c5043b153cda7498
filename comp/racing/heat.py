"""One candidate in one round: everything it does counts in its seconds.

It sees a part of the samples, computes their images and features, trains, and is scored once, at
the end of its schedule. It learns on fold 0, and its score is that of held-out samples.
"""

from __future__ import annotations

import gc
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import set_seed
from torch import nn

from comp.config.average import AverageConfig
from comp.config.durations import parse_every
from comp.config.model import NETWORK
from comp.config.schema import RunConfig
from comp.contract.sample import Sample
from comp.data.folds import write_folds
from comp.data.images.prepare import prepare_images, spec_of
from comp.data.images.prepared import PreparedImages
from comp.errors import CompError
from comp.features.prepare import prepare_features
from comp.files import make_folder, read_json, write_json
from comp.inference.predictions import join_predictions, save_predictions
from comp.pipeline.budget_rounds import with_thaw
from comp.pipeline.fold import train
from comp.pipeline.fold_context import FoldContext, fold_seed, make_fold_context
from comp.pipeline.model_checks import check_models
from comp.pipeline.pace import quick_pace, timed_samples
from comp.pipeline.run_inputs import RunInputs
from comp.pipeline.timing import costliest_steps
from comp.racing.choice import PREDICTED, keep_held_out
from comp.racing.folder import RaceFolder
from comp.racing.heat_reporter import HeatReporter, TooSlowError
from comp.racing.least import PREPARE_SHARE
from comp.racing.rounds import DEFAULT
from comp.runs.folder import RunFolder
from comp.runs.progress import Reporter
from comp.runs.race import Candidate, RaceRound, RoundResult
from comp.training.budget import MIN_STEPS
from comp.training.checkpoint_writer import CheckpointWriter
from comp.training.device import explain_out_of_memory
from comp.training.history import truncate_history
from comp.training.spec import FitResult, NoScoreError, NotFiniteError
from comp.training.state import RESUME, read_checkpoint

FOLD = 0
"""The fold on which candidates learn and are scored."""
RESERVE = 0.95
"""Share of the seconds that are planned."""
PACE_SHARE, PACE_S = 0.05, 1.0
"""Share of the seconds in which the speed of the steps is measured, and at most this many."""
DEFAULT_SHARE = 3.0
"""`PREPARE_SHARE` of the default, which every other candidate is compared with: it may take longer.
"""
PLAN = "plan.json"
PROBE = -1
"""The number of the candidate that measures the images."""
FEW = 32
"""Images that are measured, and twice as many of the training samples."""
FEATURES = "features"
SECONDS = "seconds.json"


@dataclass(frozen=True, kw_only=True)
class Track:
    """What all candidates of a race share: `inputs` are those of the default, and the samples
    `train` and `held_out`, of fold 0, are in a random order."""

    inputs: RunInputs
    train: Sequence[Sample]
    held_out: Sequence[Sample]
    folder: RaceFolder
    reporter: Reporter
    tick: Callable[[], None] = lambda: None
    """Called often, while a candidate works."""


def run_heat(
    track: Track, number: int, candidate: Candidate, config: RunConfig, round_: RaceRound
) -> RoundResult:
    """Train and score a candidate in its share of a round; one that was stopped continues.

    Args:
        number: of the candidate.
        config: of its run.

    Raises:
        Stopped: a signal came.
    """
    started, folder = time.perf_counter(), track.folder.candidate(number)
    plan = _read_plan(folder, round_)
    share = DEFAULT_SHARE if number == DEFAULT else PREPARE_SHARE
    limit_s = share * round_.seconds
    reporter = HeatReporter(track.reporter, candidate.name, started, limit_s, track.tick)
    try:
        with explain_out_of_memory():
            context, shared_s = _context(track, folder, _alone(config), round_, reporter)
            if not plan:
                least = number == DEFAULT
                plan = _plan(context, round_, started - shared_s, least=least)
                write_json(folder / PLAN, plan)
            result = _train_and_score(context, folder, candidate, plan, reporter)
            keep_held_out(context, folder / PREDICTED, track.folder.held_out / str(number))
    except NoScoreError:
        result = RoundResult(problem="its score is NaN")
    except NotFiniteError:
        result = RoundResult(problem="its loss is not finite")
    except CompError as error:
        result = RoundResult(problem=str(error))
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    shutil.rmtree(folder, ignore_errors=True)
    return replace(result, seconds=time.perf_counter() - started)


def _train_and_score(
    context: FoldContext,
    folder: Path,
    candidate: Candidate,
    plan: dict[str, Any],
    reporter: Reporter,
) -> RoundResult:
    config, steps = context.config, int(plan["steps"])
    if candidate.thaw_share:
        thawing = with_thaw(config, candidate.thaw_share, steps, context.epoch_steps)
        context = replace(context, config=thawing)
    set_seed(fold_seed(config.seed, FOLD))  # measuring has drawn numbers
    fitted = _train(context, folder, steps, reporter)
    meter = fitted.meter
    training_s = max(1e-9, fitted.seconds - meter.validate_s)
    return RoundResult(
        score=fitted.best.score,
        steps=fitted.steps,
        step_s=float(plan["step_s"]),
        images_per_second=meter.images / training_s,
    )


def image_seconds(track: Track, config: RunConfig) -> float:
    """Seconds in which a candidate computes the features of an image with all its copies, or
    predicts it, if it has no features. A few images are measured."""
    folder = track.folder.candidate(PROBE)
    few = RaceRound(candidates=(), seconds=0.0, train=2 * FEW, held_out=FEW)
    started = time.perf_counter()
    reporter = HeatReporter(track.reporter, "measuring", started, limit_s=float("inf"))
    with explain_out_of_memory():
        context, _ = _context(track, folder, _alone(config), few, reporter)
        images = len(context.train) + len(context.held_out)
        seconds = reporter.image_s(FEATURES, images)
        if not context.features:
            timed = timed_samples(context)
            pace = quick_pace(replace(context, held_out=timed), trial_s=0.0)
            seconds = pace.predict_s / max(1, len(timed))
    shutil.rmtree(folder, ignore_errors=True)
    return seconds


def _alone(config: RunConfig) -> RunConfig:
    """The configuration of one training, which is scored once, at its end."""
    return config.model_copy(
        update={
            "seeds": 1,
            "full": False,
            "budget": None,
            "max_steps": None,
            "validations": 1,
            "patience": None,
            "average": AverageConfig(),
            "compile": False,
        }
    )


def _context(
    track: Track, folder: Path, config: RunConfig, round_: RaceRound, reporter: Reporter
) -> tuple[FoldContext, float]:
    """The context of fold 0 with the samples of the round, whose images and features exist, and the
    seconds that another candidate took for those that both use: they count for each of them."""
    inputs, competition = track.inputs, track.inputs.competition
    count = None if competition.pool else round_.held_out  # a unit needs all of its samples
    samples = [*track.train[: round_.train]], [*track.held_out[:count]]
    make_folder(folder)
    started = time.perf_counter()
    images = _images(track, config, [*samples[0], *samples[1]], reporter)
    shared_s = 0.0
    if images.cache and images is not inputs.images:
        shared_s = _shared_s(track.folder, images.cache.name, time.perf_counter() - started)
    network = check_models(competition, config, inputs.train, inputs.test).networks[NETWORK]
    caches = track.folder.cache / "features"
    started = time.perf_counter()
    features = prepare_features(competition, config, network, samples, images, caches, reporter)
    if features.cache:
        shared_s += _shared_s(track.folder, features.cache.name, time.perf_counter() - started)
    run = RunFolder(folder)
    replace(inputs, config=config, images=images, features=features).write_pointers(run)
    write_folds(run.folds_csv, inputs.train, inputs.folds)
    context = make_fold_context(config, FOLD, inputs.source.root, folder)
    chosen = {sample.id for part in samples for sample in part}
    fewer = replace(
        context,
        train=[sample for sample in context.train if sample.id in chosen],
        held_out=[sample for sample in context.held_out if sample.id in chosen],
        test=(),
    )
    return fewer, shared_s


def _shared_s(folder: RaceFolder, name: str, seconds: float) -> float:
    """The seconds that another candidate took for images or features, less the `seconds` that they
    took now; the first candidate records its own."""
    path = folder.cache / SECONDS
    known: dict[str, float] = read_json(path) if path.is_file() else {}
    if name not in known:
        write_json(path, known | {name: seconds})
        return 0.0
    return max(0.0, known[name] - seconds)


def _images(
    track: Track, config: RunConfig, samples: Sequence[Sample], reporter: Reporter
) -> PreparedImages:
    """The images of the default if they have the same form, else those of the samples."""
    inputs, competition = track.inputs, track.inputs.competition
    make_spec = competition.image_spec
    if competition.reader or make_spec is None or not config.image.cache:
        return inputs.images
    if spec_of(make_spec, config) == spec_of(make_spec, inputs.config):
        return inputs.images
    decoded, caches = reporter.images_decoded, track.folder.cache / "images"
    value_range = inputs.images.value_range
    return prepare_images(
        competition, config, samples, caches, decoded, skip_bad=False, known_range=value_range
    )


def _plan(context: FoldContext, round_: RaceRound, started: float, least: bool) -> dict[str, Any]:
    """The steps that fit into the rest of the seconds, by a short measurement.

    Args:
        least: whether a few steps are made even if they do not fit.

    Raises:
        TooSlowError: too few steps fit.
    """
    few = timed_samples(context)
    timed = replace(context, held_out=few, config=costliest_steps(context.config))
    pace = quick_pace(timed, min(PACE_S, PACE_SHARE * round_.seconds))
    validate_s = pace.validate_s * len(context.held_out) / max(1, len(few))
    left = round_.seconds * RESERVE - (time.perf_counter() - started) - validate_s - pace.build_s
    steps = int(left / max(1e-9, pace.step_s))
    if steps < MIN_STEPS and not least:
        raise TooSlowError(f"too slow: {max(0, steps)} steps in {round_.seconds:.0f} s")
    return {
        "seconds": round_.seconds,
        "steps": max(MIN_STEPS, steps),
        "step_s": pace.step_s,
    }


def _read_plan(folder: Path, round_: RaceRound) -> dict[str, Any]:
    """The plan of a training that was stopped in this round; {} if there is none."""
    try:
        plan = dict(read_json(folder / PLAN))
    except (OSError, ValueError, TypeError):
        plan = {}
    if plan.get("seconds") != round_.seconds or not isinstance(plan.get("steps"), int):
        shutil.rmtree(folder, ignore_errors=True)
        return {}
    return plan


def _train(context: FoldContext, folder: Path, steps: int, reporter: Reporter) -> FitResult:
    history, checkpoint = folder / "history.jsonl", read_checkpoint(folder / RESUME)
    truncate_history(history, checkpoint)
    writer = CheckpointWriter(folder / RESUME, steps, *parse_every(context.config.checkpoint_every))
    score = partial(_score, context, folder / PREDICTED)
    run = partial(train, score=score, checkpoint_writer=writer, resume_from=checkpoint)
    return run(context, steps, history, reporter)[1]


def _score(context: FoldContext, predicted: Path, model: nn.Module) -> float:
    """Write the predictions of the held-out samples, without test-time augmentation, and score
    them."""
    without_tta = context.config.predict.model_copy(update={"tta": "none"})
    config = context.config.model_copy(update={"predict": without_tta})
    samples = save_predictions(predicted, context.predict(model, context.held_out, config))
    return context.score(partial(join_predictions, [predicted], samples))
