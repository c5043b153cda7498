"""The training loop, all of it in sight."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from timm.utils import ModelEmaV3
from torch import nn

from comp.config.schema import RunConfig
from comp.data.dataset import memory_format, to_unit
from comp.errors import RunError
from comp.files import write_bytes
from comp.runs.progress import OnFreezingReport, OnStep, Silent, Step
from comp.signals import allow_signals, defer_signals, stop_if_requested, stop_requested
from comp.training.best import BestWeights
from comp.training.freezing import FirstStepCheck, apply_freezing, freezing_report
from comp.training.meter import Meter
from comp.training.mixing import Mixer
from comp.training.optim import l1_penalty, make_optimizer
from comp.training.schedule import make_schedule
from comp.training.state import CheckpointWriter, TrainingCheckpoint, TrainingState

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch.utils.data import DataLoader

    from comp.data.dataset import Batch


Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

WARM_STEPS = 2
"""The first steps are slow and say nothing about the rest; they are not reported alone."""
PATIENCE_S = 4.0
"""A signal waits so long for a step to end; then what the step has done so far is given up."""


@dataclass(frozen=True, kw_only=True)
class FitSpec:
    """What to train for.

    `loss` takes (raw predictions, targets). `score` scores a model on the held-out samples, and
    `better` says whether a score beats an older one. `steps` optimizer steps are made, of which
    `epoch_steps` are one pass over the training samples. `history` gets a JSON line a validation.
    `mix` makes mixtures of images and of their targets, `on_freezing_report` hears how each stage trains.
    `keeper` saves the state of the training, `saved` is one to go on from.
    """

    config: RunConfig
    fold: int
    loss: Loss
    score: Callable[[nn.Module], float]
    better: Callable[[float, float | None], bool]
    steps: int
    epoch_steps: int
    history: Path
    direction: Literal["min", "max"] = "min"
    mix: Mixer | None = None
    checkpoint_writer: CheckpointWriter = field(default_factory=CheckpointWriter)
    saved: TrainingCheckpoint | None = None
    on_freezing_report: OnFreezingReport = Silent().transfer


class NotFiniteError(RunError):
    """A loss that is NaN or infinite; `batch` is the first one that had it, from 0."""

    def __init__(self, fold: int, loss: float, batch: int, accumulate: int, lr: float) -> None:
        self.batch = batch
        self.words = (
            f"the loss of fold {fold} is {loss} at step {batch // accumulate + 1} "
            f"(learning rate {lr:.2e})"
        )
        super().__init__(self.words)


class NoScoreError(RunError):
    """A fold whose every score is NaN; `model` is what was scored last."""

    def __init__(self, fold: int, step: int, lr: float, model: nn.Module) -> None:
        self.model = model
        self.words = (
            f"every score of fold {fold} is NaN, the last one after step {step} (learning rate "
            f"{lr:.2e})"
        )
        super().__init__(f"{self.words}: look at its data and its metric")


@dataclass(frozen=True)
class FitResult:
    """A trained fold: its best weights, the steps made, and what it measured of itself."""

    best: BestWeights
    steps: int
    planned: int
    seconds: float
    meter: Meter

    @property
    def stopped_early(self) -> bool:
        """Whether the fold stopped before its last step."""
        return self.steps < self.planned


def fit(
    model: nn.Module,
    loader: DataLoader[Batch],
    spec: FitSpec,
    accelerator: Accelerator,
    on_step: OnStep | None = None,
) -> FitResult:
    """Train `model` and return its best weights by the score on the held-out samples.

    `loader` yields the batches of `job.steps` optimizer steps, or of those after `job.saved`. Where
    the configuration asks for a moving average of the weights, that is what gets scored and kept.

    Raises:
        NotFiniteError: when the loss is not finite.
        NoScoreError: when every score is NaN.
        Stopped: when a signal came; the state is saved.
    """
    config, optim, layout = spec.config, spec.config.optim, memory_format(spec.config)
    model.to(accelerator.device, memory_format=layout)  # type: ignore[call-overload]
    average = ModelEmaV3(model, decay=optim.ema, use_warmup=True) if optim.ema else None
    optimizer = make_optimizer(model, optim)
    schedule = make_schedule(optimizer, optim, spec.steps, spec.direction)
    apply_freezing(model, config, 0.0)
    network, optimizer, batches = accelerator.prepare(model, optimizer, loader)
    network = _compiled(network) if config.compile else network
    best, meter, checks, step = BestWeights(spec.better), Meter(), validation_steps(spec), 0
    parts = TrainingState(model, average, optimizer, schedule, best, meter, accelerator)
    first_step, saved = FirstStepCheck(model), spec.saved
    if saved:
        step = _go_on(saved, parts, spec)
    network.train()
    spec.on_freezing_report(spec.fold, freezing_report(model, optimizer, config))
    with defer_signals():
        for batch in meter.waiting(batches) if _goes_on(spec, best, step) else ():
            if saved:  # what made the first batch has drawn from the generators, too
                saved.set_generators()
                saved = None
            apply_freezing(model, config, step / spec.epoch_steps)
            loss = _learn(network, optimizer, batch, spec, accelerator)
            meter.add(loss, len(batch["image"]), _lr(optimizer))
            if not accelerator.sync_gradients:
                stop_if_requested(waited_s=PATIENCE_S)
                continue
            step += 1
            first_step.check(
                model, spec.saved is None and not accelerator.optimizer_step_was_skipped
            )
            schedule.step_update(step)
            if average:
                average.update(model, step=step)
            if (meter.due() and step > WARM_STEPS) or step in checks:
                _say(on_step, spec, step, meter, _lr(optimizer), best.score)
            _keep(spec, parts, step, pending=step in checks)
            if step in checks:
                _validate(spec, parts, step)
                network.train()
                if not _goes_on(spec, best, step):
                    break
    if best.score is None:
        raise NoScoreError(spec.fold, step, meter.lr, average.module if average else model)
    return FitResult(best, step, spec.steps, meter.seconds, meter)


def _learn(
    network: nn.Module, optimizer: Any, batch: Batch, spec: FitSpec, accelerator: Accelerator
) -> torch.Tensor:
    """One batch: its loss and gradients and, where it is the last of a step, the step."""
    with accelerator.accumulate(network):
        loss = loss_of(network, batch, spec.config, spec.loss, spec.mix)
        accelerator.backward(loss)
        if spec.config.optim.clip_norm and accelerator.sync_gradients:
            accelerator.clip_grad_norm_(network.parameters(), spec.config.optim.clip_norm)
        optimizer.step()
        optimizer.zero_grad()
    return loss


def _go_on(saved: TrainingCheckpoint, parts: TrainingState, spec: FitSpec) -> int:
    """Load a state, make the validation that it was saved before, and return its step."""
    with saved.loading():
        parts.load(saved.parts)
    parts.meter.batches = saved.step * spec.config.optim.accumulate
    if saved.pending:
        _validate(spec, parts, saved.step)
    return saved.step


def _goes_on(spec: FitSpec, best: BestWeights, step: int) -> bool:
    """Whether there are steps left, and patience."""
    patience = spec.config.patience
    return step < spec.steps and not (patience and best.waits >= patience)


def _keep(spec: FitSpec, parts: TrainingState, step: int, pending: bool) -> None:
    """Save the state where it is time to, and stop where a signal asked for it."""
    stop = stop_requested()
    if pending or stop or spec.checkpoint_writer.due(step):
        spec.checkpoint_writer.save(parts, step, pending)
    if stop:
        stop_if_requested()


def validation_steps(spec: FitSpec) -> set[int]:
    """The steps after which the fold is scored: evenly spread, the last of all among them."""
    count = spec.config.validations
    return {math.ceil(spec.steps * (i + 1) / count) for i in range(count)}


def _compiled(network: nn.Module) -> Any:
    torch.compiler.reset()  # earlier folds count towards a limit of compilations
    return torch.compile(network)


def loss_of(
    network: nn.Module, batch: Batch, config: RunConfig, loss: Loss, mix: Mixer | None
) -> torch.Tensor:
    """The loss of a batch, a scalar: of mixed images where there is a `mix`, with the L1 penalty
    where the configuration has one."""
    image, target = to_unit(batch["image"]), to_unit(batch["target"])
    if mix:
        image, target = mix(image, target)
    value = loss(network(image.contiguous(memory_format=memory_format(config))), target)
    l1 = config.optim.l1
    return value + l1 * l1_penalty(network) if l1 else value


def _validate(spec: FitSpec, parts: TrainingState, step: int) -> None:
    """Score the weights, keep them if they are the best, and write the line of the history."""
    meter, average = parts.meter, parts.average
    with allow_signals():
        with meter.validating():
            score = spec.score(average.module if average else parts.model)
        loss = meter.loss_between()
        parts.best.offer(average.module if average else parts.model, score, loss, step)
        _log(spec, step, loss, _lr(parts.optimizer), score, meter)
        parts.schedule.scored(score)


def _lr(optimizer: torch.optim.Optimizer) -> float:
    return max(float(group["lr"]) for group in optimizer.param_groups)


def _say(
    on_step: OnStep | None,
    spec: FitSpec,
    step: int,
    meter: Meter,
    lr: float,
    best: float | None,
) -> None:
    """Refuse a loss that is not finite, and report the step."""
    loss, rate = meter.report()
    if not math.isfinite(loss):
        assert meter.bad
        batch, its_lr = meter.bad
        raise NotFiniteError(spec.fold, loss, batch, spec.config.optim.accumulate, its_lr)
    if on_step:
        epochs = math.ceil(spec.steps / spec.epoch_steps)
        epoch = min(epochs, math.ceil(step / spec.epoch_steps))
        on_step(
            Step(
                fold=spec.fold,
                epoch=epoch,
                epochs=epochs,
                step=step,
                steps=spec.steps,
                loss=loss,
                lr=lr,
                rate=rate,
                score=best,
            )
        )


def _log(spec: FitSpec, step: int, loss: float, lr: float, score: float, meter: Meter) -> None:
    line = {
        "step": step,
        "epoch": round(step / spec.epoch_steps, 3),
        "loss": loss,
        "lr": lr,
        "score": score,
        "seconds": round(meter.seconds, 3),
    }
    before = spec.history.read_bytes() if spec.history.is_file() else b""
    write_bytes(spec.history, before + json.dumps(line).encode() + b"\n")
