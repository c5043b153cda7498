"""The learning rate from step to step.

Each schedule but plateau is a function of the steps done, so that a run can go on at any step.
Where the optimizer's groups have an `lr_scale`, by `optim.layer_decay`, theirs is that share of the
rate. The warm-up rises linearly from a hundredth of the peak.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

import torch
from timm.scheduler import CosineLRScheduler, StepLRScheduler
from torch.optim.lr_scheduler import OneCycleLR, ReduceLROnPlateau

from comp.config.sections import OptimConfig

Direction = Literal["min", "max"]
USUAL_RISE = 0.3
"""Share of the steps in which one-cycle rises where `optim.warmup` is 0, as in torch."""


class Schedule:
    """Sets the learning rate of every group of an optimizer.

    Args:
        at: (steps done) -> None, sets the rates of the next step.
        plateau: what heeds validation scores, if anything does.
    """

    def __init__(self, at: Callable[[int], None], plateau: Plateau | None = None) -> None:
        self._at = at
        self._plateau = plateau
        self._done = 0
        at(0)

    def step_update(self, steps_done: int) -> None:
        """Set the rates for the step after `steps_done` optimizer steps."""
        self._done = steps_done
        self._at(steps_done)

    def scored(self, score: float) -> None:
        """Tell the score of a validation, made after the last `step_update`; NaN is no better."""
        if self._plateau:
            self._plateau.scored(score, self._done)
            self._at(self._done)

    def state_dict(self) -> dict[str, Any]:
        """What a stopped run needs to go on: plain numbers."""
        plateau = self._plateau.state_dict() if self._plateau else {}
        return {"steps_done": self._done, "plateau": plateau}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state_dict` was taken."""
        if self._plateau:
            self._plateau.load_state_dict(state["plateau"])
        self.step_update(state["steps_done"])


class Plateau:
    """Torch's ReduceLROnPlateau over one rate, which lies still until the warm-up is over.

    The rate falls by `decay` when `wait` + 1 scores in a row were no better than the best, and not
    below `min_lr`.
    """

    def __init__(self, config: OptimConfig, warmup: int, direction: Direction) -> None:
        self._warmup = warmup
        self._optimizer = _stand_in(config.lr)
        self._torch = ReduceLROnPlateau(
            self._optimizer,
            mode=direction,
            factor=config.decay,
            patience=config.wait,
            threshold=0.0,
            min_lr=config.min_lr,
            eps=0.0,
        )

    @property
    def level(self) -> float:
        """The learning rate after the falls so far."""
        return float(self._optimizer.param_groups[0]["lr"])

    def rate(self, steps_done: int, peak: float) -> float:
        """The learning rate of a step, in the warm-up too."""
        if steps_done >= self._warmup:
            return self.level
        return peak / 100 + (peak - peak / 100) * steps_done / self._warmup

    def scored(self, score: float, steps_done: int) -> None:
        """Count a score, unless the warm-up is still on."""
        if steps_done >= self._warmup:
            self._torch.step(score)

    def state_dict(self) -> dict[str, float]:
        """The level, the best score, and how many scores were no better since."""
        return {
            "level": self.level,
            "best": float(self._torch.best),
            "bad": self._torch.num_bad_epochs,
        }

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Go on where `state_dict` was taken."""
        self._optimizer.param_groups[0]["lr"] = state["level"]
        self._torch.best, self._torch.num_bad_epochs = state["best"], int(state["bad"])


def make_schedule(
    optimizer: torch.optim.Optimizer,
    config: OptimConfig,
    steps: int,
    direction: Direction = "max",
) -> Schedule:
    """The schedule of `steps` optimizer steps, after a warm-up that leaves at least one of them.

    constant stays at the peak; cosine falls to `min_lr` after the last step (Loshchilov and Hutter,
    SGDR, 2017); step falls by `decay` each time the share `every` of the steps after the warm-up is
    over; one-cycle (Smith and Topin, Super-Convergence, 2018) rises over the share `warmup`, 0.3 if
    that is 0, and falls to nearly nothing, its momentum (or first beta) between 0.95 and 0.85 the
    other way, unless it is 0; plateau falls when the scores get no better. `direction` says whether
    higher ("max") or lower ("min") scores are better.
    """
    warmup = min(round(config.warmup * steps), steps - 1)
    for group in optimizer.param_groups:
        group.setdefault("initial_lr", group["lr"])  # as timm's schedules leave it
    if config.schedule == "plateau":
        plateau = Plateau(config, warmup, direction)
        return Schedule(lambda done: _set(optimizer, plateau.rate(done, config.lr)), plateau)
    if config.schedule == "one-cycle":
        table = _one_cycle(steps, config.warmup or USUAL_RISE)
        return Schedule(partial(_follow, optimizer, config.lr, table))
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
    logging.getLogger(CosineLRScheduler.__module__).setLevel(logging.ERROR)  # one step is no news
    floor = config.lr if config.schedule == "constant" else config.min_lr
    cosine = CosineLRScheduler(optimizer, t_initial=max(1, steps - warmup), lr_min=floor, **rise)
    return Schedule(cosine.step_update)


def _stand_in(lr: float) -> torch.optim.SGD:
    """An optimizer of nothing, for torch's schedules to act on: theirs is then a plain number."""
    return torch.optim.SGD([torch.zeros(1)], lr=lr, momentum=0.9)


def _one_cycle(steps: int, rise: float) -> list[tuple[float, float]]:
    """(share of the peak, momentum) of each step, as torch's OneCycleLR has them.

    The peak is the last of at least two rising steps; torch would divide by zero where there is
    one. A run of one step is made at the peak.
    """
    if steps == 1:
        return [(1.0, 0.85)]
    rising = min(max(2, round(rise * steps)), steps)
    optimizer = _stand_in(1.0)
    cycle = OneCycleLR(optimizer, max_lr=1.0, total_steps=steps, pct_start=rising / steps)
    (group,) = optimizer.param_groups
    table = [(float(group["lr"]), float(group["momentum"]))]
    for _ in range(steps - 1):
        optimizer.step()
        cycle.step()
        table.append((float(group["lr"]), float(group["momentum"])))
    return table


def _follow(
    optimizer: torch.optim.Optimizer, peak: float, table: Sequence[tuple[float, float]], done: int
) -> None:
    """Set the rate and the momentum that the table has for a step."""
    share, momentum = table[min(done, len(table) - 1)]
    _set(optimizer, peak * share)
    for group in optimizer.param_groups:
        if group.get("momentum"):
            group["momentum"] = momentum
        elif "betas" in group:
            group["betas"] = (momentum, *group["betas"][1:])


def _set(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("lr_scale", 1.0)
