"""What a map explains: the log-odds of a class, a number, or the mask of a class.

The log-odds of a class, log p - log(1 - p), do not saturate as probabilities do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from comp.config.nearest import did_you_mean
from comp.contract.task import Task
from comp.errors import ConfigError

Kind = Literal["classes", "labels", "grades", "numbers", "masks"]


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is explained of one sample."""

    column: int
    """Index of the class, the label, the number or the mask."""
    name: str


def kind_of(task: Task) -> Kind:
    """What the predictions of a task are, as far as explanations differ."""
    if task.output == "image":
        return "masks"
    if task.exclusive is not None:
        return "classes"
    if task.suspects == "labels":
        return "labels"
    return "grades" if task.labels and task.outputs == 1 and task.decision else "numbers"


def named_question(task: Task, name: str) -> Question:
    """The question about a class by its name.

    Raises:
        ConfigError: the task has no such class.
    """
    names = _names(task)
    if name not in names:
        raise ConfigError(
            f"no target {name!r}: {did_you_mean(name, list(names))}this competition has "
            f"{', '.join(names[:20])}"
        )
    return Question(column=names.index(name), name=name)


def question_of(
    task: Task, prediction: np.ndarray, decision: np.ndarray | None, truth: np.ndarray | None
) -> Question:
    """The question about what was decided: the class; of several labels, the one that is most
    wrong, or the most probable one if none is; the mask of the most pixels.

    Args:
        prediction: (K,), or (H, W, K).
        truth: the encoded target, if it is known.
    """
    kind, column = kind_of(task), 0
    if kind == "classes" and decision is not None:
        column = int(decision[0])
    elif kind == "labels":
        wrong = truth is not None and decision is not None and (decision != truth).any()
        column = int(np.argmax(np.abs(prediction - truth) if wrong else prediction))
    elif kind == "masks":
        column = _widest(task, prediction if decision is None else decision)
    elif kind == "numbers" and truth is not None:
        column = int(np.argmax(np.abs(prediction - truth)))
    return Question(column=column, name=_names(task)[column])


def _widest(task: Task, masks: np.ndarray) -> int:
    """The class with the most pixels; of exclusive classes the background, which comes first, only
    if there is no other."""
    areas = np.nan_to_num(masks).sum(axis=(0, 1))
    exclusive = task.decision is not None and not task.decision.names  # nothing is fitted
    if len(areas) > 1 and exclusive and areas[1:].any():
        return 1 + int(np.argmax(areas[1:]))
    return int(np.argmax(areas))


def _names(task: Task) -> tuple[str, ...]:
    kind = kind_of(task)
    if kind == "grades":
        return ("grade",)
    if len(task.labels) >= task.outputs and task.labels:
        return task.labels
    return ("number",) if task.outputs == 1 else tuple(f"number {k}" for k in range(task.outputs))


def words_of(task: Task, value: np.ndarray | None) -> str:
    """An encoded target, a decision, or a prediction of numbers in words; "" if it is unknown."""
    if value is None or not np.isfinite(value).all():
        return "" if value is None else "not finite"
    kind = kind_of(task)
    if kind in ("classes", "grades"):
        return task.labels[round(float(value[0]))]
    if kind == "labels":
        chosen = [name for name, has in zip(task.labels, value, strict=True) if has]
        return ", ".join(chosen) or "none"
    if kind == "masks":
        shares = [f"{share:.1%}" for share in np.asarray(value).mean(axis=(0, 1))]
        return f"{', '.join(shares)} of pixels"
    return ", ".join(f"{number:.4g}" for number in value)


def probability_of(task: Task, prediction: np.ndarray, question: Question) -> float | None:
    """The probability of the class or the label in a prediction, or its number; of a mask, the mean
    probability of its pixels. None if it is not finite."""
    kind = kind_of(task)
    if kind == "masks":
        value = float(prediction[..., question.column].mean())
    elif kind == "classes" and task.exclusive is not None:
        value = float(task.exclusive.probabilities(prediction[None])[0, question.column])
    else:
        value = float(prediction[question.column])
    return value if np.isfinite(value) else None


def regions_of(task: Task, raw: Tensor, questions: Sequence[Question]) -> Tensor:
    """The pixels of the predicted masks, (N, H, W) of sum 1: those with a probability of at least
    one half, or all by their probability if there is none. (N, 0, 0) if nothing is a mask."""
    if kind_of(task) != "masks":
        return raw.new_zeros(len(raw), 0, 0)
    chances = (task.activation(raw) if task.activation else raw).detach()
    chosen = torch.stack([each[q.column] for each, q in zip(chances, questions, strict=True)])
    inside = (chosen >= 0.5).float()
    empty = inside.sum(dim=(1, 2), keepdim=True) == 0
    weights = torch.where(empty, chosen.float().clamp(min=1e-12), inside)
    return weights / weights.sum(dim=(1, 2), keepdim=True)


def answers(task: Task, raw: Tensor, columns: Tensor, regions: Tensor) -> Tensor:
    """What is explained, (N,), from raw outputs.

    Args:
        columns: (N,) of the questions.
        regions: those of `regions_of`.
    """
    rows = torch.arange(len(raw), device=raw.device)
    kind = kind_of(task)
    if kind == "masks":
        return (raw[rows, columns].float() * regions).sum(dim=(1, 2))
    raw = raw.float()
    if kind == "classes":
        if raw.shape[1] == 1:
            return raw[:, 0] * (2 * columns - 1)
        chosen = torch.nn.functional.one_hot(columns, raw.shape[1]).bool()
        others = raw.masked_fill(chosen, -torch.inf).logsumexp(dim=1)
        return raw[rows, columns] - others
    if raw.shape[1:] != (task.outputs,) and task.activation:
        raw = task.activation(raw)
    return raw[rows, columns]
