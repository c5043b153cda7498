"""The learning rate of each optimizer step.

Every schedule except plateau is a function of the steps done, so a run can resume at any step. If
the steps are planned again, they are positions between 0 and the planned steps, as
`comp.training.replanning` says, and may lie between two steps. The
warm-up rises linearly from lr/100 to lr, so the groups of the optimizer show lr/100 before the
first step; one-cycle rises from lr/25. If a group has an `lr_scale`, from `optim.layer_decay`, its
rate is multiplied by it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

import torch
from timm.scheduler import CosineLRScheduler, StepLRScheduler
from torch.optim.lr_scheduler import OneCycleLR, ReduceLROnPlateau

from comp.config.sections import OptimConfig

Direction = Literal["min", "max"]
DEFAULT_RISE = 0.3
"""Share of the steps in which one-cycle rises if `optim.warmup` is 0; torch's default."""


class Schedule:
    """Sets the learning rate of every group of an optimizer.

    Args:
        set_rates: (steps done, or position) -> None, sets the rates of the next step.
        plateau: lowers the rate by the validation scores; None for the other schedules.
    """

    def __init__(self, set_rates: Callable[[float], None], plateau: Plateau | None = None) -> None:
        self._set_rates = set_rates
        self._plateau = plateau
        self._done: float = 0
        set_rates(0)

    def step_update(self, steps_done: float) -> None:
        """Set the rates for the step after `steps_done` optimizer steps."""
        self._done = steps_done
        self._set_rates(steps_done)

    def scored(self, score: float) -> None:
        """Count a validation score made after the last `step_update`; NaN is not better."""
        if self._plateau:
            self._plateau.scored(score, self._done)
            self._set_rates(self._done)

    def state_dict(self) -> dict[str, Any]:
        """Plain numbers from which `load_state_dict` resumes."""
        plateau = self._plateau.state_dict() if self._plateau else {}
        return {"steps_done": self._done, "plateau": plateau}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resume from what `state_dict` returned."""
        if self._plateau:
            self._plateau.load_state_dict(state["plateau"])
        self.step_update(state["steps_done"])


class Plateau:
    """Torch's ReduceLROnPlateau for one rate; it starts after the warm-up.

    The rate is multiplied by `decay` when `plateau_patience` + 1 scores in a row are not better
    than the best one. It never falls below `min_lr`.
    """

    def __init__(self, config: OptimConfig, warmup: int, direction: Direction) -> None:
        self._warmup = warmup
        self._optimizer = _dummy_optimizer(config.lr)
        self._torch = ReduceLROnPlateau(
            self._optimizer,
            mode=direction,
            factor=config.decay,
            patience=config.plateau_patience,
            threshold=0.0,
            min_lr=config.min_lr,
            eps=0.0,
        )

    @property
    def level(self) -> float:
        """The learning rate after the reductions so far."""
        return float(self._optimizer.param_groups[0]["lr"])

    def rate(self, steps_done: float, peak: float) -> float:
        """The learning rate after `steps_done` steps, during the warm-up too."""
        if steps_done >= self._warmup:
            return self.level
        return peak / 100 + (peak - peak / 100) * steps_done / self._warmup

    def scored(self, score: float, steps_done: float) -> None:
        """Count a score, except during the warm-up."""
        if steps_done >= self._warmup:
            self._torch.step(score)

    def state_dict(self) -> dict[str, float]:
        """The level, the best score, and the number of scores since that were not better."""
        return {
            "level": self.level,
            "best": float(self._torch.best),
            "bad": self._torch.num_bad_epochs,
        }

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Resume from what `state_dict` returned."""
        self._optimizer.param_groups[0]["lr"] = state["level"]
        self._torch.best, self._torch.num_bad_epochs = state["best"], int(state["bad"])


def make_schedule(
    optimizer: torch.optim.Optimizer,
    config: OptimConfig,
    steps: int,
    direction: Direction = "max",
) -> Schedule:
    """The schedule of `steps` optimizer steps.

    The warm-up rises linearly from lr/100 to lr over the share `warmup` of the steps, and leaves at
    least one step after it. Then constant stays at lr; cosine falls to `min_lr` after the last step
    (Loshchilov and Hutter, SGDR, 2017); step multiplies the rate by `decay` after each share
    `every` of the remaining steps; plateau lowers the rate when the scores do not get better.
    one-cycle (Smith and Topin, Super-Convergence, 2018) rises from lr/25 to lr over the share
    `warmup`, or 0.3 if that is 0, then falls to lr/250000; its momentum (or first beta), if it is
    not 0, falls from 0.95 to 0.85 and rises again.

    Args:
        direction: whether higher ("max") or lower ("min") scores are better.
    """
    warmup = min(round(config.warmup * steps), steps - 1)
    for group in optimizer.param_groups:
        group.setdefault("initial_lr", group["lr"])  # like timm's schedules
    if config.schedule == "plateau":
        plateau = Plateau(config, warmup, direction)
        return Schedule(lambda done: _set_lr(optimizer, plateau.rate(done, config.lr)), plateau)
    if config.schedule == "one-cycle":
        table = _one_cycle(steps, config.warmup or DEFAULT_RISE)
        return Schedule(partial(_set_from_table, optimizer, config.lr, table))
    rise = {
        "warmup_t": warmup,
        "warmup_lr_init": config.lr / 100,
        "warmup_prefix": True,
        "t_in_epochs": False,
    }
    if config.schedule == "step":
        between = config.every * (steps - warmup)
        fall = StepLRScheduler(optimizer, decay_t=between, decay_rate=config.decay, **rise)
        return Schedule(fall.step_update)
    # timm warns about a schedule of one step.
    logging.getLogger(CosineLRScheduler.__module__).setLevel(logging.ERROR)
    floor = config.lr if config.schedule == "constant" else config.min_lr
    cosine = CosineLRScheduler(optimizer, t_initial=max(1, steps - warmup), lr_min=floor, **rise)
    return Schedule(cosine.step_update)


def _dummy_optimizer(lr: float) -> torch.optim.SGD:
    """An optimizer of one unused weight, so that torch's schedules compute a plain number."""
    return torch.optim.SGD([torch.zeros(1)], lr=lr, momentum=0.9)


def _one_cycle(steps: int, rise: float) -> list[tuple[float, float]]:
    """(share of the peak, momentum) of each step, from torch's OneCycleLR.

    The last of at least two rising steps is the peak, because torch divides by zero with one. A run
    of one step uses the peak.
    """
    if steps == 1:
        return [(1.0, 0.85)]
    rising = min(max(2, round(rise * steps)), steps)
    optimizer = _dummy_optimizer(1.0)
    cycle = OneCycleLR(optimizer, max_lr=1.0, total_steps=steps, pct_start=rising / steps)
    (group,) = optimizer.param_groups
    table = [(float(group["lr"]), float(group["momentum"]))]
    for _ in range(steps - 1):
        optimizer.step()
        cycle.step()
        table.append((float(group["lr"]), float(group["momentum"])))
    return table


def _set_from_table(
    optimizer: torch.optim.Optimizer, peak: float, table: Sequence[tuple[float, float]], done: float
) -> None:
    """Set the rate and the momentum of a step from the table; between two steps, their mean by the
    distances."""
    share, momentum = table[min(math.floor(done), len(table) - 1)]
    if done != math.floor(done):
        after, part = table[min(math.ceil(done), len(table) - 1)], done % 1
        share += (after[0] - share) * part
        momentum += (after[1] - momentum) * part
    _set_lr(optimizer, peak * share)
    for group in optimizer.param_groups:
        if group.get("momentum"):
            group["momentum"] = momentum
        elif "betas" in group:
            group["betas"] = (momentum, *group["betas"][1:])


def _set_lr(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("lr_scale", 1.0)
