"""The arrays that scores are computed from: targets, predictions, and the groups of the samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from comp.contract.metric import Pairs
from comp.contract.pair_arrays import PairArrays, arrays_of
from comp.errors import RunError

Arrays = tuple[np.ndarray, np.ndarray, list[str]]


class NotFiniteError(RunError):
    """A prediction is not finite."""


def scoring_arrays(pairs: Pairs) -> Arrays:
    """Return (targets int64 (N,), probabilities (N, K), groups) of pairs whose targets are classes.

    The group of a sample without one is its id. Probabilities are float64; those of several classes
    that are arrays already stay float32, which takes half the memory.

    Raises:
        NotFiniteError: a prediction is not finite.
    """
    targets, probabilities, groups = vector_arrays(pairs, plain=True)
    if probabilities.ndim > 1 and probabilities.shape[1] == 1:
        probabilities = probabilities.astype(np.float64)
    return targets.reshape(-1).astype(np.int64), probabilities, groups


def vector_arrays(pairs: Pairs, plain: bool = False) -> Arrays:
    """Targets (N, T) and predictions (N, K), both float64, and N groups; the group of a sample
    without one is its id.

    Args:
        plain: arrays that are float32 stay so.

    Raises:
        NotFiniteError: a prediction is not finite.
    """
    known = arrays_of(pairs)
    if known is not None:
        _check_finite(known)
        groups = [group or name for group, name in zip(known.groups, known.ids, strict=True)]
        dtype = np.float32 if plain else np.float64
        targets, predictions = (
            values.astype(dtype, copy=False) for values in (known.targets, known.predictions)
        )
        return targets, predictions, groups
    rows = [_row(pair) for pair in pairs]
    return (
        np.array([target for target, _, _ in rows]),
        np.array([prediction for _, prediction, _ in rows]),
        [group for _, _, group in rows],
    )


def _row(pair: tuple[Any, Any]) -> tuple[np.ndarray, np.ndarray, str]:
    target, prediction = pair
    name = getattr(pair, "id", "")
    if not np.isfinite(prediction).all():
        raise _not_finite(name)
    numbers = (np.asarray(values, dtype=np.float64).ravel() for values in (target, prediction))
    return *numbers, getattr(pair, "group", None) or name  # type: ignore[return-value]


def _check_finite(pairs: PairArrays) -> None:
    wrong = np.flatnonzero(~np.isfinite(pairs.predictions).all(axis=1))
    if len(wrong):
        raise _not_finite(pairs.ids[int(wrong[0])])


def _not_finite(name: str) -> NotFiniteError:
    return NotFiniteError(
        f"the prediction of {name} is not finite: training diverged, lower optim.lr"
    )
