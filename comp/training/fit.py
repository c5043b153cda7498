"""The training loop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from timm.utils import ModelEmaV3
from torch import nn

from comp.data.dataset import memory_format
from comp.runs.progress import OnStep
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
from comp.training.kernels import check_compiler, explain_compilation
from comp.training.meter import Meter
from comp.training.optim import make_optimizer
from comp.training.ranks import ALONE
from comp.training.reported import check_finite, report_step
from comp.training.schedule import make_schedule
from comp.training.spec import FitResult, FitSpec, NoScoreError
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
        Stopped: a signal came; the state is saved, unless it came in a validation: then an earlier
            state is on the disk.
    """
    state, network, batches = _prepare(model, loader, spec, accelerator)
    step = _load_checkpoint(state, spec)
    plan, validate_after = spec.replanner.plan, _validated_steps(spec, state)
    network.train()
    spec.on_freezing_report(spec.fold, freezing_report(model, state.optimizer, spec.config))
    first_step, ranks = FirstStepCheck(model), spec.ranks
    with defer_signals(), spec.checkpoint_writer.open():
        for batch in batches if _has_next_step(spec, state.best, step) else ():
            if apply_freezing(model, spec.config, plan.position(step) / spec.epoch_steps):
                thawed(network)
            _train_batch(network, batch, state, spec)
            if not accelerator.sync_gradients:
                if ranks.alone:
                    stop_if_requested(waited_s=PATIENCE_S)
                continue
            step += 1
            signal, due, steps = ranks.highest(
                *(ranks.signals(), ranks.leads and state.meter.due()),
                spec.replanner.wanted(step) if ranks.leads else 0,
            )
            if spec.resume_from is None and not accelerator.optimizer_step_was_skipped:
                first_step.check(model)
            state.schedule.step_update(plan.position(step))
            state.average_weights(step)
            validate = step in validate_after
            validate_after = _followed(spec, state, step, steps, validate_after)
            if validate or (due and step > WARM_STEPS):
                loss, images_per_second = state.meter.report()
                check_finite(loss, spec, state.meter)
                report_step(on_step, spec, state, step, loss, images_per_second)
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
    optimizer = make_optimizer(model, optim, _is_fused(model, accelerator))
    schedule = make_schedule(optimizer, optim, spec.steps, spec.direction)
    apply_freezing(model, config, 0.0)
    if config.compile:
        check_compiler(device)
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


def _is_fused(model: nn.Module, accelerator: Accelerator) -> bool:
    """Whether each step is one kernel: on a GPU, and for a network on cached features, which is so
    small that this saves half the time of its steps. A fused step would hide from accelerate that
    fp16 has skipped it."""
    wanted = accelerator.device.type == "cuda" or bool(getattr(model, "cut", None))
    return wanted and accelerator.mixed_precision != "fp16"


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
    done = checkpoint.step if checkpoint else 0
    spec.replanner.begin(spec.steps, done, spec.config.validations)
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
    patience, steps = spec.config.patience, spec.replanner.plan.steps
    return step < steps and not (patience and best.validations_since >= patience)


def _train_batch(network: nn.Module, batch: Batch, state: TrainingState, spec: FitSpec) -> None:
    with explain_compilation(spec.config.compile):
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


def _save_checkpoint(
    spec: FitSpec, state: TrainingState, step: int, before_validation: bool, agreed: int
) -> None:
    """Save the state before a validation that is worth it, when it is due, and when a signal came,
    which then stops the fold. Several ranks stop by the signal on which they `agreed`."""
    stop, writer = spec.ranks.signals() if spec.ranks.alone else agreed, spec.checkpoint_writer
    worth = before_validation and writer.worth(last=step >= spec.replanner.plan.steps)
    if stop or worth or writer.due(step):
        writer.save(state, step, before_validation)
    if stop:
        writer.wait()  # what is said to be saved is on the disk
        raise Stopped(stop)


def _followed(
    spec: FitSpec, state: TrainingState, step: int, steps: int, validate_after: set[int]
) -> set[int]:
    """Plan again if `steps` is not 0; returns the steps that a validation follows."""
    if not steps:
        return validate_after
    spec.replanner.change(step, steps)
    return _validated_steps(spec, state)


def _validated_steps(spec: FitSpec, state: TrainingState) -> set[int]:
    """The steps that a validation follows, as planned now; those after which weights are taken are
    moved too."""
    plan = spec.replanner.plan
    if state.end and plan.points:
        positions = averaged_steps(spec.config.average, spec.steps)
        state.end.steps = frozenset(plan.steps_at(positions))
    return plan.steps_at(spec.replanner.validations)


def _validate(spec: FitSpec, state: TrainingState, step: int) -> None:
    """Score the weights, keep the best, write a line of the history, and update the schedule."""
    meter, model = state.meter, state.scored_model
    with allow_signals():
        with meter.validating(), spec.replanner.validating():
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
        if spec.replanner.plan.points:
            line["steps"] = spec.replanner.plan.steps
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
    plan = spec.replanner.plan
    result = FitResult(best, step, plan.steps, meter.seconds, meter)
    return replace(result, points=tuple(plan.points), planned_first=plan.planned)
