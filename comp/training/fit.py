"""The training loop."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from timm.utils import ModelEmaV3
from torch import nn

from comp.data.dataset import memory_format
from comp.runs.progress import OnStep, Step
from comp.signals import Stopped, allow_signals, defer_signals, stop_if_requested
from comp.training.averages import WeightAverage, averaged_steps
from comp.training.batch import train_batch
from comp.training.best import BestWeights
from comp.training.data_parallel import (
    ParallelNetwork,
    rehearsed,
    released,
    synchronized_norms,
    thawed,
)
from comp.training.freezing import FirstStepCheck, apply_freezing, freezing_report
from comp.training.history import append_history
from comp.training.meter import Meter
from comp.training.optim import make_optimizer
from comp.training.ranks import ALONE
from comp.training.schedule import make_schedule
from comp.training.spec import FitResult, FitSpec, NoScoreError, NotFiniteError
from comp.training.state import TrainingState

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch.utils.data import DataLoader

    from comp.data.dataset import Batch

WARM_STEPS = 2
"""The first steps are slow, so they are not reported alone."""
PATIENCE_S = 4.0
"""After a signal a step has this many seconds to end; then it is given up."""


def fit(
    model: nn.Module,
    loader: DataLoader[Batch],
    spec: FitSpec,
    accelerator: Accelerator,
    on_step: OnStep | None = None,
) -> FitResult:
    """Train `model` and return its best weights by validation score.

    `loader` yields the batches of `spec.steps` optimizer steps, or of those after
    `spec.resume_from`. With `optim.ema` the moving average of the weights is scored and kept. With
    `average.how` the validations choose nothing: the mean of the last weights is scored and kept.

    Raises:
        NotFiniteError: the loss is not finite.
        NoScoreError: every score is NaN.
        Stopped: a signal came; the state is saved.
    """
    state, network, batches = _prepare(model, loader, spec, accelerator)
    step = _load_checkpoint(state, spec)
    network.train()
    spec.on_freezing_report(spec.fold, freezing_report(model, state.optimizer, spec.config))
    first_step, validate_after, ranks = FirstStepCheck(model), validation_steps(spec), spec.ranks
    with defer_signals():
        for batch in batches if _has_next_step(spec, state.best, step) else ():
            if apply_freezing(model, spec.config, step / spec.epoch_steps):
                thawed(network)
            _train_batch(network, batch, state, spec)
            if not accelerator.sync_gradients:
                if ranks.alone:
                    stop_if_requested(waited_s=PATIENCE_S)
                continue
            step += 1
            signal, due = ranks.highest(ranks.signals(), ranks.leads and state.meter.due())
            if spec.resume_from is None and not accelerator.optimizer_step_was_skipped:
                first_step.check(model)
            state.schedule.step_update(step)
            state.average_weights(step)
            validate = step in validate_after
            if validate or (due and step > WARM_STEPS):
                loss, images_per_second = state.meter.report()
                _check_finite(loss, spec, state.meter)
                _report_step(on_step, spec, state, step, loss, images_per_second)
            _save_checkpoint(spec, state, step, validate, signal)
            if validate:
                _validate(spec, state, step)
                network.train()
                if not _has_next_step(spec, state.best, step):
                    break
        released(network)
        if state.end:
            return _averaged_result(state, state.end, spec, step)
    return _result(state, spec, step)


def _prepare(
    model: nn.Module, loader: DataLoader[Batch], spec: FitSpec, accelerator: Accelerator
) -> tuple[TrainingState, Any, Iterator[Batch]]:
    """The state before the first step, the network to call, and the batches on the device."""
    config, optim = spec.config, spec.config.optim
    device, ranks = accelerator.device, spec.ranks
    norms = synchronized_norms(model, config, device, ranks)
    model.to(device, memory_format=memory_format(config))  # type: ignore[call-overload]
    ema = optim.ema if ranks.leads else None
    average = ModelEmaV3(model, decay=ema, use_warmup=True) if ema else None
    optimizer = make_optimizer(model, optim)
    schedule = make_schedule(optimizer, optim, spec.steps, spec.direction)
    apply_freezing(model, config, 0.0)
    if config.compile:
        torch.compiler.reset()  # earlier folds count towards a limit of compilations
    network: Any
    if ranks.alone:
        network, optimizer, batches = accelerator.prepare(model, optimizer, loader)
        network = torch.compile(network) if config.compile else network
    else:
        optimizer, batches = accelerator.prepare(optimizer, loader)
        network = ParallelNetwork(model, accelerator, config, norms)
    best, meter = BestWeights(spec.better), Meter()
    steps = averaged_steps(config.average, spec.steps)
    end = WeightAverage(config.average.how, steps) if steps and ranks.leads else None
    state = TrainingState(model, average, optimizer, schedule, best, meter, accelerator, end)
    waiting = _restoring_generators(spec, device, meter.waiting(batches))
    return state, network, rehearsed(waiting, network, spec, device)


def _restoring_generators(
    spec: FitSpec, device: torch.device, batches: Iterable[Batch]
) -> Iterator[Batch]:
    """Yield the batches, and set the random generators to the states in the checkpoint after the
    first batch is loaded, since loading draws from them too."""
    for index, batch in enumerate(batches):
        if index == 0:
            if spec.resume_from:
                spec.resume_from.restore_generators(device)
            spec.ranks.share_generators(device, first=True)
        yield batch


def _load_checkpoint(state: TrainingState, spec: FitSpec) -> int:
    """Load the checkpoint to resume from, and make its pending validation.

    Returns:
        Steps done; 0 without a checkpoint.
    """
    checkpoint = spec.resume_from
    if checkpoint is None:
        return 0
    with checkpoint.loading():
        state.load_state_dict(checkpoint.state)
    state.meter.batches = checkpoint.step * spec.config.optim.accumulate
    if checkpoint.validation_pending:
        _validate(spec, state, checkpoint.step)
    return checkpoint.step


def _has_next_step(spec: FitSpec, best: BestWeights, step: int) -> bool:
    """Whether steps are left, and the patience is not used up."""
    patience = spec.config.patience
    return step < spec.steps and not (patience and best.validations_since >= patience)


def _train_batch(network: nn.Module, batch: Batch, state: TrainingState, spec: FitSpec) -> None:
    loss = train_batch(
        network,
        state.optimizer,
        batch,
        config=spec.config,
        loss=spec.loss,
        mixer=spec.mixer,
        accelerator=state.accelerator,
        whole=spec.ranks if spec.gather else ALONE,
    )
    images = len(batch["target"]) * spec.ranks.size
    state.meter.add(spec.ranks.mean(loss), images, state.lr)


def _check_finite(loss: float, spec: FitSpec, meter: Meter) -> None:
    """Check the mean loss since the last report.

    Raises:
        NotFiniteError: it is NaN or infinite.
    """
    if math.isfinite(loss):
        return
    assert meter.first_not_finite
    batch, lr = meter.first_not_finite
    step = batch // spec.config.optim.accumulate + 1
    raise NotFiniteError(
        f"the loss of fold {spec.fold} is {loss} at step {step} (learning rate {lr:.2e})", batch
    )


def _report_step(
    on_step: OnStep | None,
    spec: FitSpec,
    state: TrainingState,
    step: int,
    loss: float,
    images_per_second: float,
) -> None:
    if on_step is None:
        return
    epochs = math.ceil(spec.steps / spec.epoch_steps)
    on_step(
        Step(
            fold=spec.fold,
            epoch=min(epochs, math.ceil(step / spec.epoch_steps)),
            epochs=epochs,
            step=step,
            steps=spec.steps,
            loss=loss,
            lr=state.lr,
            rate=images_per_second,
            score=state.best.score,
        )
    )


def _save_checkpoint(
    spec: FitSpec, state: TrainingState, step: int, before_validation: bool, agreed: int
) -> None:
    """Save the state before a validation, when it is due, and when a signal came, which then stops
    the fold. Several ranks stop by the signal on which they `agreed`."""
    stop = spec.ranks.signals() if spec.ranks.alone else agreed
    if before_validation or stop or spec.checkpoint_writer.due(step):
        spec.checkpoint_writer.save(state, step, before_validation)
    if stop:
        raise Stopped(stop)


def validation_steps(spec: FitSpec) -> set[int]:
    """The steps that a validation follows: evenly spread, the last step included."""
    count = spec.config.validations
    return {math.ceil(spec.steps * (i + 1) / count) for i in range(count)}


def _validate(spec: FitSpec, state: TrainingState, step: int) -> None:
    """Score the weights, keep the best, write a line of the history, and update the schedule."""
    meter, model = state.meter, state.scored_model
    with allow_signals():
        with meter.validating():
            score = spec.ranks.of_leader(partial(spec.score, model))
        loss = meter.loss_since_validation()
        state.best.update(model, score, loss, step)
        line = {
            "step": step,
            "epoch": round(step / spec.epoch_steps, 3),
            "loss": loss,
            "lr": state.lr,
            "score": score,
            "seconds": round(meter.seconds, 3),
        }
        if spec.ranks.leads:
            append_history(spec.history, line)
        state.schedule.scored(score)
        spec.ranks.share_generators(state.accelerator.device, first=False)
    spec.on_validation(spec.fold, step, score)


def _averaged_result(
    state: TrainingState, end: WeightAverage, spec: FitSpec, step: int
) -> FitResult:
    """Score and keep the mean of the last weights."""
    with allow_signals(), state.meter.validating():
        score, averaged = end.finish(state.model, spec.score, spec.better, spec.refit)
    last, best = state.best, BestWeights(spec.better)
    best.update(state.model, score, last.last_loss, step)
    result = _result(replace(state, best=best), spec, step)
    return replace(result, averaged=averaged, last_score=last.last_score)


def _result(state: TrainingState, spec: FitSpec, step: int) -> FitResult:
    best, meter = state.best, state.meter
    if best.score is None:
        raise NoScoreError(
            f"every score of fold {spec.fold} is NaN, the last one after step {step} "
            f"(learning rate {meter.lr:.2e})",
            state.scored_model,
        )
    return FitResult(best, step, spec.steps, meter.seconds, meter)
