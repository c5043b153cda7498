"""What the training loop tells of its steps, and whether it can go on."""

from __future__ import annotations

import math

from comp.runs.progress import OnStep, Step
from comp.training.meter import Meter
from comp.training.spec import FitSpec, NotFiniteError
from comp.training.state import TrainingState


def check_finite(loss: float, spec: FitSpec, meter: Meter) -> None:
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


def report_step(
    on_step: OnStep | None,
    spec: FitSpec,
    state: TrainingState,
    step: int,
    loss: float,
    images_per_second: float,
) -> None:
    """Report a step to `on_step`."""
    if on_step is None:
        return
    steps = spec.replanner.plan.steps
    epochs = math.ceil(steps / spec.epoch_steps)
    on_step(
        Step(
            fold=spec.fold,
            epoch=min(epochs, math.ceil(step / spec.epoch_steps)),
            epochs=epochs,
            step=step,
            steps=steps,
            loss=loss,
            lr=state.lr,
            rate=images_per_second,
            score=state.best.score,
        )
    )
