"""Scores of numbers and of ordered grades, with confidence intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from comp.inference.draws import draws_for
from comp.inference.estimates import Bootstrap
from comp.inference.measures import confusion
from comp.inference.scores import Scores


def value_scores(
    targets: np.ndarray,
    predictions: np.ndarray,
    groups: Sequence[str],
    columns: Sequence[str],
    draws: int | None = None,
    seed: int = 0,
) -> Scores:
    """Score numbers (N, K): `rmse`, `mae` and `r2`, or `rmse of <column>` and so on if there are
    several columns, at most 20 of them. The R2 of a constant column is missing.

    Args:
        draws: of the bootstrap; None: as many as the size of the data allows.
    """
    names = [""] if len(columns) == 1 else [f" of {name}" for name in columns[:20]]

    def measure(weights: np.ndarray, _areas: np.ndarray) -> dict[str, float]:
        found = {}
        for k, name in enumerate(names):
            truth, errors = targets[:, k], predictions[:, k] - targets[:, k]
            total = weights.sum()
            square = float(weights @ errors**2 / total)
            spread = float(weights @ (truth - weights @ truth / total) ** 2 / total)
            varies = truth.min() != truth.max() and spread > 0
            found[f"rmse{name}"] = square**0.5
            found[f"mae{name}"] = float(weights @ np.abs(errors) / total)
            found[f"r2{name}"] = 1 - square / spread if varies else float("nan")
        return found

    draws = draws_for(len(targets), len(names)) if draws is None else draws
    return Scores(
        classes=tuple(columns),
        threshold=None,
        n=len(targets),
        n_groups=len(set(groups)),
        positives=None,
        estimates=Bootstrap(groups=groups, draws=draws, seed=seed).estimates(measure),
        confusion=(),
        heading="prediction",
        draws=draws,
    )


def grade_scores(
    targets: np.ndarray,
    decisions: np.ndarray,
    groups: Sequence[str],
    grades: Sequence[str],
    draws: int | None = None,
    seed: int = 0,
    heading: str = "",
) -> Scores:
    """Score decided grades: `qwk` (quadratic weighted kappa), `accuracy`, and `mae` in grades.

    Args:
        targets: indices of grades (N,).
        decisions: indices of grades (N,).
        draws: of the bootstrap; None: as many as the size of the data allows.
    """
    truth, decided = (np.asarray(v).ravel().astype(np.int64) for v in (targets, decisions))
    count = len(grades)
    distance = np.abs(np.subtract.outer(np.arange(count), np.arange(count)))

    def measure(weights: np.ndarray, _areas: np.ndarray) -> dict[str, float]:
        matrix = confusion(truth, decided, weights, count)
        total = matrix.sum()
        chance = np.outer(matrix.sum(1), matrix.sum(0)) / total
        expected = float((distance**2 * chance).sum())
        return {
            "qwk": 1 - float((distance**2 * matrix).sum()) / expected if expected else np.nan,
            "accuracy": float(np.trace(matrix) / total),
            "mae": float((distance * matrix).sum() / total),
        }

    shares = frozenset({"accuracy"})
    draws = draws_for(len(truth), 1) if draws is None else draws
    bootstrap = Bootstrap(groups=groups, draws=draws, seed=seed, shares=shares)
    matrix = confusion(truth, decided, np.ones(len(truth)), count)
    return Scores(
        classes=tuple(grades),
        threshold=None,
        n=len(truth),
        n_groups=len(set(groups)),
        positives=None,
        estimates=bootstrap.estimates(measure),
        confusion=tuple(tuple(int(cell) for cell in row) for row in matrix),
        heading=heading,
        draws=draws,
    )
