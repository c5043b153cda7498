"""Folds as a user names them, by their numbers."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Literal, SupportsIndex, cast

from comp.errors import ConfigError, FoldError

MoreFolds = Literal["rest"] | Sequence[int]
"""Folds to train in addition to those of a run: all that it left out, or these (0-based)."""


def fold_numbers(fold: SupportsIndex | Sequence[SupportsIndex] | None) -> list[int]:
    """The folds to train, also from numpy's integers and arrays; empty for all.

    Raises:
        ConfigError: something else, or an empty list: it must not mean all folds.
    """
    if fold is None:
        return []
    try:
        numbers = [operator.index(cast(SupportsIndex, fold))]
    except TypeError:
        try:
            numbers = [operator.index(n) for n in cast(Sequence[SupportsIndex], fold)]
        except TypeError:
            numbers = []
    if not numbers or isinstance(fold, bool):
        raise ConfigError(f"fold = {fold!r}: give the number of a fold, a list of them, or None")
    return numbers


def more_folds(folds: str | SupportsIndex | Sequence[SupportsIndex] | None) -> MoreFolds | None:
    """The folds that a user names: "rest", numbers separated by commas, a number, or several.

    Raises:
        ConfigError: it is something else.
    """
    if folds is None:
        return None
    if isinstance(folds, str) and folds.strip() == "rest":
        return "rest"
    if not isinstance(folds, str):
        return sorted(set(fold_numbers(folds)))
    numbers = [part.strip() for part in folds.split(",")]
    if not all(number.isdecimal() for number in numbers):
        raise ConfigError(f"--folds {folds:.80}: give rest, or numbers of folds such as 3,4")
    return sorted({int(number) for number in numbers})


def check_fold_numbers(numbers: Sequence[int], folds: int) -> None:
    """Check that a cross-validation of `folds` folds has these.

    Raises:
        FoldError: it does not.
    """
    unknown = [number for number in numbers if not 0 <= number < folds]
    if unknown:
        raise FoldError(f"no fold {unknown[0]}: with folds = {folds} they are 0 to {folds - 1}")
