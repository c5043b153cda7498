"""Several labels, each of which a sample has or does not have; one probability each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from comp.contract.metric import Metric, Pairs
from comp.contract.pair_arrays import arrays_of
from comp.contract.sample import Sample, Target
from comp.contract.task import Decision, Estimate, Loss, Params, Task
from comp.tasks.class_labels import as_float32, as_number, as_values, checked_names
from comp.tasks.pseudo_targets import label_targets

if TYPE_CHECKING:
    import numpy as np
    import torch

    from comp.config.sections import LossConfig


def multilabel(labels: Sequence[str]) -> Task:
    """K labels; a target is K numbers, 1 for each label that the sample has, else 0.

    A prediction is float32 (K,), the probability of each label. The decision is every label from
    its threshold on. For a metric of decisions the thresholds are fitted out of fold, else each is
    0.5.

    Raises:
        ValueError: these are not two or more different names.
    """
    names = checked_names(labels, 2, "labels")
    return Task(
        kind=f"{len(names)} labels",
        labels=names,
        outputs=len(names),
        losses=("bce", "focal", "asymmetric"),
        make_loss=partial(_make_loss, names),
        check=partial(_check, count=len(names)),
        label_names=partial(_label_names, names=names),
        soften=_soften,
        activation=activate_labels,
        decision=Decision(
            default=(0.5,) * len(names),
            apply=decide_labels,
            apply_rows=decide_labels,
            fit=partial(_fit, len(names)),
            names=tuple(f"threshold of {name}" for name in names),
        ),
        scores=partial(_scores, names),
        estimate=Estimate(kind="labels", learn=as_float32, predict=as_float32),
        pseudo=label_targets(),
        suspects="labels",
    )


def _check(target: Target, count: int) -> str:
    values = as_values(target)
    if values is None or len(values) != count:
        return f"is not {count} numbers, one for each label"
    if not {as_number(value) for value in values} <= {0.0, 1.0}:
        return "has a value other than 0 and 1"
    return ""


def _label_names(target: Target, names: Sequence[str]) -> tuple[str, ...]:
    """The names of the labels that are 1; () for a target that is not valid."""
    if _check(target, len(names)):
        return ()
    values = as_values(target) or ()
    return tuple(name for name, value in zip(names, values, strict=True) if value)


def _make_loss(
    names: tuple[str, ...], name: str, settings: LossConfig, train: Sequence[Sample]
) -> Loss:
    import numpy as np

    from comp.training.label_losses import label_loss, positive_weights

    weights = None
    if settings.weights == "balanced":
        weights = positive_weights(np.array([as_values(s.target) for s in train], float), names)
    return label_loss(name, settings, weights)


def _soften(target: torch.Tensor, smoothing: float) -> torch.Tensor:
    """Label smoothing moves each target towards 0.5."""
    return target.float() * (1 - smoothing) + smoothing / 2


def activate_labels(raw: torch.Tensor) -> torch.Tensor:
    """Raw outputs (N, K) as the probability of each label, float32."""
    return raw.float().sigmoid()


def decide_labels(prediction: np.ndarray, params: Params) -> np.ndarray:
    """1 for each label from its threshold on, else 0; float32 (K,)."""
    import numpy as np

    return (np.asarray(prediction, dtype=np.float64) >= params).astype(np.float32)


def _fit(count: int, pairs: Pairs, metric: Metric, seed: int) -> Params:
    from comp.inference.label_thresholds import best_label_thresholds
    from comp.inference.score_arrays import NotFiniteError, vector_arrays

    default = (0.5,) * count
    if metric.takes != "decisions":
        return default
    known = arrays_of(pairs)
    listed = list(pairs) if known is None else known
    ids = [getattr(pair, "id", "") for pair in listed] if known is None else known.ids
    try:
        return best_label_thresholds(*vector_arrays(listed), metric, seed, ids=ids)
    except NotFiniteError:  # no metric scores such predictions
        return default


def _scores(names: tuple[str, ...], pairs: Pairs, params: Params, seed: int) -> Sequence[Any]:
    """At 0.5 and, if the thresholds of the run differ, at these."""
    from comp.inference.label_scores import label_scores
    from comp.inference.score_arrays import vector_arrays

    arrays = vector_arrays(pairs, plain=True)
    half = (0.5,) * len(names)
    tables = [(half, "at 0.5"), (params, "at the tuned thresholds")]
    return [
        label_scores(*arrays, names, thresholds, seed=seed, heading=heading)
        for thresholds, heading in (tables if params != half else tables[:1])
    ]
