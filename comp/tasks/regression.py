"""One or several numbers, such as an age, or the coordinates of a point."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from comp.contract.metric import Pairs
from comp.contract.sample import Sample, Target
from comp.contract.task import Estimate, Loss, Params, Task
from comp.errors import ConfigError
from comp.tasks.class_labels import as_number, as_values, checked_names
from comp.tasks.place_columns import place_columns
from comp.tasks.pseudo_targets import value_targets
from comp.tasks.target_scale import scaled_loss, set_target_scale, target_array

if TYPE_CHECKING:
    import numpy as np
    import torch

    from comp.config.sections import LossConfig

Limits = tuple[float, float]


def regression(
    columns: Sequence[str] = ("value",), log: bool = False, limits: Limits | None = None
) -> Task:
    """K numbers, one per column; the target is a number, or K of them.

    The network learns numbers that are standardised with the training samples of the fold; its raw
    outputs are in the unit of the targets. A prediction is float32 (K,) and is submitted as it is.

    Numbers that depend on the place in the image, such as the coordinates of a point or an angle,
    do not move with it: a flip moves the image, but not its target. For these, set augment.flip
    and augment.vertical to false, augment.rotate, augment.shift and augment.scale to 0, and
    predict.tta to none.

    Args:
        log: learn log(1 + value) of values of at least 0; predictions are values again, at least 0.
        limits: predictions are clipped to them.

    Raises:
        ValueError: the names or the limits are wrong.
    """
    names = checked_names(columns, 1, "columns")
    if limits is not None and not limits[0] < limits[1]:
        raise ValueError(f"limits = {limits}: give a smaller and a larger number")
    return Task(
        kind="a number" if len(names) == 1 else f"{len(names)} numbers",
        labels=names,
        outputs=len(names),
        losses=("mse", "smooth_l1", "huber", "mae", "charbonnier"),
        make_loss=partial(_make_loss, names, log),
        check=partial(_check, names=names, log=log, limits=limits),
        places=place_columns(names),
        options={"log": log, "limits": None if limits is None else list(map(float, limits))},
        soften=partial(_soften, log=log),
        prepare=partial(_prepare, log=log),
        activation=partial(activate_values, log=log, limits=limits),
        scores=partial(_scores, names),
        estimate=Estimate(
            kind="values",
            learn=partial(_learned, log=log),
            predict=partial(learned_values, log=log, limits=limits),
        ),
        pseudo=value_targets(),
    )


def _check(
    target: Target, names: Sequence[str], log: bool, limits: tuple[float, float] | None
) -> str:
    several = len(names) > 1
    values = as_values(target) if several else as_values(target) or (target,)
    if values is None or len(values) != len(names):
        return f"is not {len(names)} numbers ({', '.join(names[:5])})" if several else _NO_NUMBER
    numbers = [as_number(value) for value in values]
    if None in numbers:
        return "has a value that is not a finite number" if several else _NO_NUMBER
    if log and any(number < 0 for number in numbers if number is not None):
        return "is negative, and log = True learns log(1 + value) of values of at least 0"
    if limits and any(not limits[0] <= n <= limits[1] for n in numbers if n is not None):
        return f"is not within the limits {limits[0]:g} and {limits[1]:g} of the task"
    return ""


_NO_NUMBER = "is not a finite number"


def _learned(targets: np.ndarray, log: bool) -> np.ndarray:
    import numpy as np

    return np.log1p(targets) if log else targets


def _make_loss(
    names: tuple[str, ...],
    log: bool,
    name: str,
    settings: LossConfig,
    train: Sequence[Sample],
) -> Loss:
    from comp.training.losses import check_plain
    from comp.training.value_losses import value_loss

    check_plain(settings, f"the loss '{name}' of numbers")
    targets = target_array(train)
    if len(targets) > 1 and bool((targets == targets[0]).all()):
        values = ", ".join(f"{value:g}" for value in targets[0][:5])
        raise ConfigError(
            f"all {len(targets)} training samples have the same {', '.join(names[:5])} ({values}), "
            "so there is nothing to learn: correct the labels, or add samples"
        )
    return scaled_loss(value_loss(name, settings), _learned(targets, log))


def _soften(target: torch.Tensor, _smoothing: float, log: bool) -> torch.Tensor:
    """The numbers that the network learns; `_make_loss` refuses smoothing."""
    return target.float().log1p() if log else target


def _prepare(model: torch.nn.Module, train: Sequence[Sample], log: bool) -> None:
    set_target_scale(model, _learned(target_array(train), log))


def activate_values(raw: torch.Tensor, log: bool, limits: Limits | None) -> torch.Tensor:
    """Raw outputs (N, K) as values within the limits, float32."""
    values = raw.float().expm1() if log else raw.float()
    return values.clamp(*range_of(log, limits))


def learned_values(learned: np.ndarray, log: bool, limits: Limits | None) -> np.ndarray:
    """What `activate_values` does, of an estimator's numbers (N, K)."""
    import numpy as np

    values = np.expm1(learned) if log else learned
    return values.clip(*range_of(log, limits)).astype("float32")


def range_of(log: bool, limits: Limits | None) -> Limits:
    """The least and the largest value that is predicted."""
    return limits or (0.0 if log else -math.inf, math.inf)


def _scores(names: tuple[str, ...], pairs: Pairs, _params: Params, seed: int) -> Sequence[Any]:
    from comp.inference.score_arrays import vector_arrays
    from comp.inference.value_scores import value_scores

    return [value_scores(*vector_arrays(pairs), names, seed=seed)]
