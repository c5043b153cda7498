"""Scores of decided classes as functions of a confusion matrix.

In a matrix, float64 (K, K), rows are true classes and columns are decisions. The values are those
of `comp.contract.scoring.classes`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from comp.contract.metric import Pairs
from comp.contract.scoring.classes import (
    balanced_accuracy,
    f_beta_score,
    matthews_correlation,
    quadratic_weighted_kappa,
)

OfMatrix = Callable[[np.ndarray], float]


def score_of_matrix(score: Callable[[Pairs], float]) -> OfMatrix | None:
    """The score as a function of the confusion matrix; None if it is not known to be one."""
    if isinstance(score, partial) and score.func is f_beta_score and len(score.args) == 2:
        beta, average = score.args
        of_matrix = {"binary": _f_binary, "macro": _f_macro, "micro": _f_micro}.get(average)
        return of_matrix and partial(of_matrix, beta**2)
    return _OF_MATRIX.get(score)


def _balanced_accuracy(matrix: np.ndarray) -> float:
    totals = matrix.sum(1)
    present = totals > 0
    return float((np.diag(matrix)[present] / totals[present]).mean())


def _f_values(square: float, matrix: np.ndarray) -> np.ndarray:
    """F-beta of each class, 0 without targets and decisions; `square` is beta^2."""
    hits = (1 + square) * np.diag(matrix)
    whole = square * matrix.sum(1) + matrix.sum(0)
    values: np.ndarray = np.divide(hits, whole, out=np.zeros(len(matrix)), where=whole > 0)
    return values


def _f_binary(square: float, matrix: np.ndarray) -> float:
    return float(_f_values(square, matrix)[1])


def _f_macro(square: float, matrix: np.ndarray) -> float:
    present = matrix.sum(0) + matrix.sum(1) > 0
    return float(_f_values(square, matrix)[present].mean())


def _f_micro(_square: float, matrix: np.ndarray) -> float:
    return float(np.trace(matrix) / matrix.sum())


def _kappa(matrix: np.ndarray) -> float:
    grades = np.arange(len(matrix))
    distance = np.subtract.outer(grades, grades) ** 2
    expected = np.outer(matrix.sum(1), matrix.sum(0)) / matrix.sum()
    chance = float((distance * expected).sum())
    return 1 - float((distance * matrix).sum()) / chance if chance else float("nan")


def _matthews(matrix: np.ndarray) -> float:
    """Gorodkin, Comparing two K-category assignments by a K-category correlation coefficient,
    2004, which scikit-learn uses."""
    truth, decided, total = matrix.sum(1), matrix.sum(0), matrix.sum()
    common = total * np.trace(matrix) - truth @ decided
    spread = (total**2 - truth @ truth) * (total**2 - decided @ decided)
    return float(common / spread**0.5) if spread else 0.0


_OF_MATRIX: dict[Callable[[Pairs], float], OfMatrix] = {
    balanced_accuracy: _balanced_accuracy,
    quadratic_weighted_kappa: _kappa,
    matthews_correlation: _matthews,
}
