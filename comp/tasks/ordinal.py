"""Ordered grades; the prediction is one number, the expected grade."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from comp.contract.metric import Metric, Pairs
from comp.contract.sample import Sample
from comp.contract.task import Decision, Estimate, Loss, Params, Task
from comp.tasks.class_labels import as_float32, check_index, checked_names, name_of
from comp.tasks.grade_metrics import metric_problem
from comp.tasks.pseudo_targets import grade_targets
from comp.tasks.target_scale import scaled_loss, set_target_scale, target_array

if TYPE_CHECKING:
    import numpy as np
    import torch

    from comp.config.sections import LossConfig


def ordinal(grades: int | Sequence[str]) -> Task:
    """K grades in rising order, whose indices 0 to K - 1 are the targets.

    A prediction is float32 (1,), the expected grade in 0..K-1, whatever the loss: the losses of
    numbers learn the grade as a number, corn and cumulative the probabilities of being above each
    grade. The decision is the number of cut points that the prediction reaches. For a metric of
    decisions the cut points are fitted out of fold, else they are 0.5, 1.5, ...

    Args:
        grades: the names of the grades, or their number: the names are then "0", "1", ...

    Raises:
        ValueError: there are fewer than three, or two are the same.
    """
    names = _names(grades)
    count = len(names)
    return Task(
        kind=f"{count} grades",
        labels=names,
        losses=("mse", "smooth_l1", "huber", "mae", "corn", "cumulative"),
        make_loss=partial(_make_loss, count),
        head_outputs=partial(_head_outputs, count=count),
        check=partial(check_index, count=count),
        check_metric=partial(metric_problem, names),
        label_names=partial(name_of, names=names),
        prepare=_prepare,
        activation=partial(activate_grades, count=count),
        decision=Decision(
            default=tuple(grade + 0.5 for grade in range(count - 1)),
            apply=decide_grade,
            fit=partial(_fit, count),
            names=tuple(f"cut below {name}" for name in names[1:]),
        ),
        scores=partial(_scores, names),
        estimate=Estimate(
            kind="values", learn=as_float32, predict=partial(within_grades, highest=count - 1)
        ),
        pseudo=grade_targets(count),
    )


def _names(grades: int | Sequence[str]) -> tuple[str, ...]:
    if not isinstance(grades, int):
        return checked_names(grades, 3, "grades")
    if isinstance(grades, bool) or grades < 3:
        raise ValueError(f"grades = {grades}: give 3 or more grades; of two classes use binary")
    return tuple(str(grade) for grade in range(grades))


def _head_outputs(loss: str, count: int) -> int:
    """1 for the losses of numbers, K - 1 for corn, K for cumulative: the number says to
    `activate_grades` which loss it was."""
    return {"corn": count - 1, "cumulative": count}.get(loss, 1)


def _make_loss(count: int, name: str, settings: LossConfig, train: Sequence[Sample]) -> Loss:
    from comp.training.losses import check_plain
    from comp.training.ordinal_losses import ORDINAL_LOSSES, ordinal_loss
    from comp.training.value_losses import value_loss

    check_plain(settings, f"the loss '{name}' of grades")
    if name in ORDINAL_LOSSES:
        return partial(_threshold_loss, ordinal_loss(name, count), count)
    return scaled_loss(value_loss(name, settings), target_array(train))


def _threshold_loss(
    loss: Loss, count: int, raw: torch.Tensor, target: torch.Tensor
) -> torch.Tensor:
    return loss(_thresholds(raw, count), target)


def _thresholds(raw: torch.Tensor, count: int) -> torch.Tensor:
    """The K - 1 outputs of corn, or the last K - 1 of the K of cumulative, whose output k is about
    a grade of at least k; output 0 would be about a grade of at least 0, which is always true."""
    return raw[:, 1:] if raw.shape[1:] == (count,) else raw


def _prepare(model: torch.nn.Module, train: Sequence[Sample]) -> None:
    set_target_scale(model, target_array(train))


def activate_grades(raw: torch.Tensor, count: int) -> torch.Tensor:
    """Raw outputs of any of the losses as the expected grade, float32 (N, 1)."""
    from comp.training.ordinal_losses import grade_probabilities

    columns = raw.shape[1]
    if columns == 1:
        return raw.float().clamp(0, count - 1)
    if columns not in (count - 1, count):
        raise ValueError(f"the raw outputs have the shape {tuple(raw.shape)} for {count} grades")
    name = "corn" if columns == count - 1 else "cumulative"
    return grade_probabilities(name, _thresholds(raw, count)).sum(dim=1, keepdim=True)


def within_grades(values: np.ndarray, highest: int) -> np.ndarray:
    """Numbers (N, 1) within 0 and the highest grade."""
    return values.clip(0, highest).astype("float32")


def decide_grade(prediction: np.ndarray, params: Params) -> np.ndarray:
    """The grade as the number of cut points that are reached, float32 (1,)."""
    import numpy as np

    from comp.inference.grade_cuts import decide_grades

    return decide_grades(prediction, params).astype(np.float32)


def _fit(count: int, pairs: Pairs, metric: Metric, seed: int) -> Params:
    from comp.inference.grade_cuts import best_cuts, default_cuts
    from comp.inference.score_arrays import NotFiniteError, vector_arrays

    if metric.takes != "decisions":
        return default_cuts(count)
    listed = list(pairs)
    try:
        targets, predictions, groups = vector_arrays(listed)
    except NotFiniteError:  # no metric scores such predictions
        return default_cuts(count)
    ids = [getattr(pair, "id", "") for pair in listed]
    return best_cuts(targets[:, 0], predictions[:, 0], groups, count, metric, seed, ids=ids)


def _scores(names: tuple[str, ...], pairs: Pairs, params: Params, seed: int) -> Sequence[Any]:
    """At the default cut points and, if those of the run differ, at these."""
    from comp.inference.grade_cuts import decide_grades, default_cuts
    from comp.inference.score_arrays import vector_arrays
    from comp.inference.value_scores import grade_scores

    targets, predictions, groups = vector_arrays(pairs)
    default = default_cuts(len(names))
    tables = [(default, "rounded"), (params, "at the tuned cuts")]
    return [
        grade_scores(
            targets, decide_grades(predictions, cuts), groups, names, seed=seed, heading=heading
        )
        for cuts, heading in (tables if params != default else tables[:1])
    ]
