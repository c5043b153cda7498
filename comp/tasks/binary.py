"""Two classes that exclude each other; the prediction is the probability of the second."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from comp.contract.metric import Metric, Pairs, stack
from comp.contract.pair_arrays import arrays_of
from comp.contract.sample import Sample
from comp.contract.task import Decision, Estimate, ExclusiveClasses, Loss, Params, Task
from comp.tasks.class_labels import check_index, checked_names, class_indices, name_of
from comp.tasks.pseudo_targets import class_targets

if TYPE_CHECKING:
    import numpy as np
    import torch

    from comp.config.sections import LossConfig

DECIMALS = 7
"""Decimals of a probability before it is compared with the threshold: as many as a submission has,
so that the class agrees with the probability that is printed."""


def binary(classes: Sequence[str], *, threshold: float | None = None) -> Task:
    """Two classes, whose indices 0 and 1 are the targets.

    A prediction is float32 (1,), the probability of class 1. The decision is class 1 from a
    threshold on, which is fitted out of fold: for a metric of decisions so that it is best, else
    for balanced accuracy (DECISIONS 18 and 38).

    Args:
        threshold: 0..1, is not fitted; for a test whose probabilities are not like those of the
            folds.

    Raises:
        ValueError: these are not two different names, or the threshold is not between 0 and 1.
    """
    names = checked_names(classes, 2)
    if threshold is not None and not 0 < threshold < 1:
        raise ValueError(f"threshold = {threshold}: a probability between 0 and 1")
    if len(names) > 2:
        raise ValueError(f"binary has two classes, found {len(names)}: use multiclass")
    return Task(
        kind="two classes",
        labels=names,
        losses=("bce", "ce", "focal", "arcface"),
        make_loss=partial(_make_loss, names),
        head_outputs=_head_outputs,
        check=partial(check_index, count=2),
        label_names=partial(name_of, names=names),
        soften=_soften,
        activation=activate_two,
        decision=Decision(
            default=(0.5 if threshold is None else float(threshold),),
            apply=decide_two,
            apply_rows=decide_two,
            fit=_fit if threshold is None else None,
            names=("threshold",),
        ),
        scores=partial(_scores, names),
        estimate=Estimate(kind="classes", learn=class_indices, predict=second_share),
        exclusive=ExclusiveClasses(probabilities=_both_shares, predictions=second_share),
        pseudo=class_targets(_both_shares, 2),
        suspects="classes",
    )


def _make_loss(
    names: tuple[str, ...], name: str, settings: LossConfig, train: Sequence[Sample]
) -> Loss:
    from comp.training.class_losses import balanced_weights, class_loss

    indices = [int(sample.target) for sample in train]  # type: ignore[arg-type]
    weights = balanced_weights(indices, names) if settings.weights == "balanced" else None
    return class_loss(name, settings, 2, weights)


def _head_outputs(loss: str) -> int:
    from comp.training.class_losses import outputs_of

    return outputs_of(2, loss)


def _soften(target: torch.Tensor, smoothing: float) -> torch.Tensor:
    from comp.training.class_losses import soft_shares

    return soft_shares(target, smoothing, 2)


def activate_two(raw: torch.Tensor) -> torch.Tensor:
    """Raw outputs (N, 1) or (N, 2) as the probability of class 1, float32 (N, 1)."""
    from comp.training.class_losses import probabilities

    return probabilities(raw, 2)


def second_share(shares: np.ndarray) -> np.ndarray:
    """The share of the second class, of shares (N, 2)."""
    return shares[:, 1:2].astype("float32")


def _both_shares(predictions: np.ndarray) -> np.ndarray:
    import numpy as np

    second = np.asarray(predictions, dtype=np.float64)
    return np.concatenate([1 - second, second], axis=1)


def decide_two(prediction: np.ndarray, params: Params) -> np.ndarray:
    """The index of the class, float32 (1,): 1 from the threshold on."""
    import numpy as np

    rounded = np.round(np.asarray(prediction, dtype=np.float64), DECIMALS)
    return (rounded >= params[0]).astype(np.float32)


def _fit(pairs: Pairs, metric: Metric, seed: int) -> Params:
    import numpy as np

    from comp.inference.decisions import best_threshold
    from comp.inference.score_arrays import scoring_arrays
    from comp.inference.scores import choose_threshold

    known = arrays_of(pairs)
    listed = list(pairs) if known is None else known
    values = stack(listed)[1] if known is None else known.predictions
    if metric.takes == "decisions" and not np.isfinite(values).all():
        return (0.5,)  # the metric of such predictions is NaN
    targets, probabilities, groups = scoring_arrays(listed)
    ids = [getattr(pair, "id", "") for pair in listed] if known is None else known.ids
    if metric.takes == "decisions":
        return (best_threshold(targets, probabilities[:, 0], groups, metric, seed, ids=ids),)
    return (choose_threshold(targets, probabilities, groups, seed),)


def _scores(names: tuple[str, ...], pairs: Pairs, params: Params, seed: int) -> Sequence[Any]:
    """At 0.5 and at the threshold of the run."""
    from comp.inference.score_arrays import scoring_arrays
    from comp.inference.scores import binary_scores

    arrays = scoring_arrays(pairs)
    thresholds = dict.fromkeys([0.5, *params])
    return [binary_scores(*arrays, t, seed=seed, classes=names) for t in thresholds]
