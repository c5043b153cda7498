"""Three or more classes that exclude each other; the prediction is one probability each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from comp.contract.metric import Pairs
from comp.contract.sample import Sample
from comp.contract.task import Decision, Estimate, ExclusiveClasses, Loss, Params, Task
from comp.tasks.class_labels import (
    as_float32,
    check_index,
    checked_names,
    class_indices,
    name_of,
)
from comp.tasks.pseudo_targets import class_targets

if TYPE_CHECKING:
    import numpy as np
    import torch

    from comp.config.sections import LossConfig


def multiclass(classes: Sequence[str]) -> Task:
    """K classes, whose indices 0 to K - 1 are the targets.

    A prediction is float32 (K,), probabilities of sum 1; the decision is the class with the
    highest one.

    Raises:
        ValueError: these are not three or more different names.
    """
    names = checked_names(classes, 3)
    count = len(names)
    return Task(
        kind=f"{count} classes",
        labels=names,
        outputs=count,
        losses=("ce", "focal", "arcface"),
        make_loss=partial(_make_loss, names),
        check=partial(check_index, count=count),
        label_names=partial(name_of, names=names),
        soften=partial(_soften, count=count),
        activation=partial(activate_classes, count=count),
        decision=Decision(default=(), apply=decide_class, apply_rows=decide_classes),
        scores=partial(_scores, names),
        estimate=Estimate(kind="classes", learn=class_indices, predict=as_float32),
        exclusive=ExclusiveClasses(probabilities=_shares, predictions=as_float32),
        pseudo=class_targets(_shares, count),
        suspects="classes",
    )


def _make_loss(
    names: tuple[str, ...], name: str, settings: LossConfig, train: Sequence[Sample]
) -> Loss:
    from comp.training.class_losses import balanced_weights, class_loss

    indices = [int(sample.target) for sample in train]  # type: ignore[arg-type]
    weights = balanced_weights(indices, names) if settings.weights == "balanced" else None
    return class_loss(name, settings, len(names), weights)


def _soften(target: torch.Tensor, smoothing: float, count: int) -> torch.Tensor:
    from comp.training.class_losses import soft_shares

    return soft_shares(target, smoothing, count)


def activate_classes(raw: torch.Tensor, count: int) -> torch.Tensor:
    """Raw outputs (N, K) as probabilities of sum 1, float32."""
    from comp.training.class_losses import probabilities

    return probabilities(raw, count)


def _shares(predictions: np.ndarray) -> np.ndarray:
    import numpy as np

    values = np.asarray(predictions, dtype=np.float64)
    shares: np.ndarray = values / values.sum(axis=1, keepdims=True)
    return shares


def decide_class(prediction: np.ndarray, _params: Params) -> np.ndarray:
    """The index of the most probable class, float32 (1,)."""
    import numpy as np

    return np.array([np.argmax(prediction)], dtype=np.float32)


def decide_classes(predictions: np.ndarray, _params: Params) -> np.ndarray:
    """The index of the most probable class of each row, float32 (N, 1)."""
    decided: np.ndarray = predictions.argmax(axis=1)[:, None].astype("float32")
    return decided


def _scores(names: tuple[str, ...], pairs: Pairs, _params: Params, seed: int) -> Sequence[Any]:
    from comp.inference.score_arrays import scoring_arrays
    from comp.inference.scores import multiclass_scores

    return [multiclass_scores(*scoring_arrays(pairs), names, seed=seed)]
