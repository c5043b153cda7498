"""What the tasks with exclusive classes share: checks and names of class indices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

from comp.contract.sample import Target

if TYPE_CHECKING:
    import numpy as np


def checked_names(labels: Sequence[str], least: int, what: str = "classes") -> tuple[str, ...]:
    """The names as a tuple.

    Raises:
        ValueError: there are fewer than `least`, a name is not a text, or two are the same.
    """
    names = tuple(labels) if not isinstance(labels, str) else (labels,)
    wrong = [name for name in names if not isinstance(name, str)]
    if wrong:
        raise ValueError(
            f"{what} = {names}: names are texts, found {wrong[0]!r}; write "
            f"{tuple(map(str, names))!r:.100}"
        )
    if len(names) < least or len(set(names)) < len(names):
        count = {1: "one", 2: "two"}.get(least, str(least))
        raise ValueError(
            f'{what} = {names}: give {count} or more different {what}, such as ("healthy", "rust")'
        )
    return names


def as_number(target: object) -> float | None:
    """A finite number, also one of numpy, as a float; None for anything else."""
    if not isinstance(target, Real) or not math.isfinite(target):
        return None
    return float(target)


def as_values(target: object) -> tuple[Any, ...] | None:
    """The values of a sequence or an array of one dimension; None for a number, text or path."""
    values: Any = target
    one_dimension = hasattr(values, "__len__") and getattr(values, "ndim", 1) == 1
    return tuple(values) if one_dimension and not isinstance(values, str) else None


def check_index(target: Target, count: int) -> str:
    """The problem of a class index from 0 to `count` - 1, "" if it is valid."""
    if as_number(target) not in range(count):
        return f"is not one of the {count} classes, which are numbered 0 to {count - 1}"
    return ""


def name_of(target: Target, names: Sequence[str]) -> tuple[str, ...]:
    """The name of the class of a valid index; () for an index that is not valid."""
    index = as_number(target)
    return () if index is None or index not in range(len(names)) else (names[int(index)],)


def class_indices(targets: np.ndarray) -> np.ndarray:
    """The indices of encoded targets (N, 1) as int64 (N,), which an estimator learns."""
    return targets[:, 0].astype("int64")


def as_float32(values: np.ndarray) -> np.ndarray:
    """Numbers as float32, in the same shape."""
    return values.astype("float32")
