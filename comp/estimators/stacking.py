"""A model of the second level, which learns from the predictions of other models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from comp.config.schema import RunConfig
from comp.contract.task import Estimate
from comp.data.columns.matrices import Matrix
from comp.errors import ConfigError
from comp.estimators.estimator import Estimator, make_estimator

if TYPE_CHECKING:
    import numpy as np

CERTAIN = 1e-6
"""Shares are clipped to at least this, and to at most 1 minus this, before their log-odds."""
ESTIMATORS = {"ridge": "linear", "logistic": "linear", "gbdt": "gbdt"}
"""Method -> its estimator, with the default settings."""


def second_level_name(method: str, estimate: Estimate) -> str:
    """The method that `stack` means; another method stays.

    Raises:
        ConfigError: the method cannot learn such targets.
    """
    fitting = "ridge" if estimate.kind == "values" else "logistic"
    if method not in ("stack", "gbdt", fitting):
        learns = {"ridge": "numbers", "logistic": "classes and labels"}[method]
        raise ConfigError(
            f"method {method} learns {learns}, but the targets are {estimate.kind}: use {fitting}, "
            "gbdt or weights"
        )
    return fitting if method == "stack" else method


@dataclass(frozen=True, kw_only=True)
class SecondLevel:
    """A fitted model of the second level."""

    estimator: Estimator
    estimate: Estimate

    def __call__(self, members: np.ndarray) -> np.ndarray:
        """Predictions float32 (N, K) from those of the members (M, N, K)."""
        outputs = self.estimator.predict(feature_matrix(self.estimate, members))
        return self.estimate.predict(outputs)

    def save(self, path: Path) -> None:
        """Write one file, which `comp.estimators.estimator.load_estimator` reads."""
        self.estimator.save(path)


def fit_second_level(
    method: str,
    estimate: Estimate,
    members: np.ndarray,
    targets: np.ndarray,
    groups: Sequence[str],
    seed: int,
    classes: int,
) -> SecondLevel:
    """Fit a model of the second level on out-of-fold predictions.

    Ridge and logistic regression choose their regularization, and boosting its number of trees, on
    a part of the rows that splits no group.

    Args:
        method: ridge, logistic or gbdt.
        members: predictions (M, N, K).
        targets: encoded targets (N, T).
        groups: N keys.
        classes: classes, labels or columns.
    """
    config = RunConfig(competition="blend")
    name = ESTIMATORS[method]
    estimator = make_estimator(name, config, estimate.kind, classes, seed)
    estimator.fit(feature_matrix(estimate, members), estimate.learn(targets), None, groups)
    return SecondLevel(estimator=estimator, estimate=estimate)


def feature_matrix(estimate: Estimate, members: np.ndarray) -> Matrix:
    """What the second level learns from (N, M K): numbers as models learn them, such as their
    logarithms, and the log-odds of shares and probabilities.

    Args:
        members: predictions (M, N, K).
    """
    import numpy as np
    from scipy.special import logit

    count, rows, outputs = members.shape
    flat = np.asarray(members, dtype=np.float64).reshape(count * rows, outputs)
    if estimate.kind == "values":
        scaled = np.asarray(estimate.learn(flat), dtype=np.float64)
    else:
        scaled = logit(np.clip(flat, CERTAIN, 1 - CERTAIN))
    values = np.moveaxis(scaled.reshape(count, rows, outputs), 0, 1).reshape(rows, -1)
    names = tuple(f"member {m} output {k}" for m in range(count) for k in range(outputs))
    return Matrix(values=values, names=names, categorical=np.zeros(len(names), dtype=bool))
