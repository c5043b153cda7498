"""Linear models: logistic regression for classes and labels, ridge regression for numbers."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comp.config.estimators import LinearConfig
from comp.data.columns.matrices import Matrix
from comp.estimators.archive import array_bytes, bytes_array, unreadable, write_archive
from comp.estimators.inner_split import inner_split

if TYPE_CHECKING:
    import numpy as np

STRENGTHS = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 1e-3, 3e-4, 1e-4, 1e-5, 1e-6)
"""Strengths of the L2 regularization per row, the strongest first."""
HOLDOUT = 0.2
"""Share of the training rows on which the strength is chosen."""
PATIENCE = 2
"""Weaker strengths without a better loss before the search ends."""
MIDDLE = 0.01
"""The strength if there are too few rows to choose it."""
CERTAIN = 30.0
"""Log-odds of a label that all training rows have."""
ARRAYS = ("centre", "scale", "weights", "bias")


class Linear:
    """An estimator of linear models on scaled columns.

    The columns get mean 0 and deviation 1. A class that is not among the training rows gets the
    share 0.

    Args:
        kind: classes, labels or values.
        outputs: classes, labels or columns K.
    """

    def __init__(self, settings: LinearConfig, kind: str, outputs: int, seed: int) -> None:
        self.settings, self.kind, self.outputs, self.seed = settings, kind, outputs, seed
        self.strength = MIDDLE
        self._classes: list[int] = []
        self._arrays: dict[str, np.ndarray] = {}

    def fit(
        self,
        x: Matrix,
        y: np.ndarray,
        weights: np.ndarray | None = None,
        groups: Sequence[object] | None = None,
        deadline: float | None = None,
    ) -> None:
        """Choose the strength on held-out rows, then fit on all rows; see `Estimator.fit`."""
        import numpy as np

        centre, scale = x.values.mean(axis=0), x.values.std(axis=0)
        self._arrays = {"centre": centre, "scale": np.where(scale > 1e-12, scale, 1.0)}
        weights = np.ones(len(x)) if weights is None else np.asarray(weights) / np.mean(weights)
        targets = np.asarray(y)
        if self.kind == "classes":
            present, targets = np.unique(targets.astype(np.int64), return_inverse=True)
            self._classes = [int(index) for index in present]
        values = self._scaled(x)
        self.strength = self._choose(values, targets, weights, groups, deadline)
        coefficients, bias = self._solve(values, targets, weights, self.strength)
        self._arrays |= {"weights": coefficients, "bias": bias}

    def _scaled(self, x: Matrix) -> np.ndarray:
        scaled: np.ndarray = (x.values - self._arrays["centre"]) / self._arrays["scale"]
        return scaled

    def _choose(
        self,
        values: np.ndarray,
        targets: np.ndarray,
        weights: np.ndarray,
        groups: Sequence[object] | None,
        deadline: float | None,
    ) -> float:
        """The strength with the best loss on held-out rows."""
        if self.settings.strength is not None:
            return self.settings.strength
        classes = targets if self.kind == "classes" else None
        split = inner_split(classes, len(targets), groups, HOLDOUT, self.seed)
        if split is None:
            return MIDDLE
        train, held_out = split
        best, best_loss, worse = MIDDLE, float("inf"), 0
        start = time.monotonic()
        for tried, strength in enumerate(STRENGTHS, start=1):
            solved = self._solve(values[train], targets[train], weights[train], strength)
            loss = self._loss(values[held_out], targets[held_out], weights[held_out], solved)
            worse = 0 if loss < best_loss else worse + 1
            if loss < best_loss:
                best, best_loss = strength, loss
            now = time.monotonic()
            # Half of the time is kept for the fit on all rows.
            late = deadline is not None and now + 2 * (now - start) / tried > deadline
            if worse >= PATIENCE or late:
                break
        return best

    def _solve(
        self, values: np.ndarray, targets: np.ndarray, weights: np.ndarray, strength: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Weights (F, K) and bias (K,) for values (N, F)."""
        import numpy as np
        from sklearn.linear_model import Ridge

        penalty = strength * len(values)
        if self.kind == "values":
            ridge = Ridge(alpha=penalty).fit(values, targets, sample_weight=weights)
            return np.atleast_2d(ridge.coef_).T, np.atleast_1d(ridge.intercept_)
        count = len(self._classes)
        if self.kind == "classes":
            return _logistic(values, targets, weights, penalty, max(count, 1))
        solved = [_logistic(values, t.astype(int), weights, penalty, 2) for t in targets.T]
        differences = [(w[:, 1] - w[:, 0], b[1] - b[0]) for w, b in solved]
        columns, biases = zip(*differences, strict=True)
        return np.stack(columns, axis=1), np.array(biases)

    def _loss(
        self,
        values: np.ndarray,
        targets: np.ndarray,
        weights: np.ndarray,
        solved: tuple[np.ndarray, np.ndarray],
    ) -> float:
        """The mean squared error of numbers, or log loss of shares."""
        import numpy as np

        outputs = self._outputs(values, *solved)
        if self.kind == "values":
            spread = np.maximum(targets.var(axis=0), 1e-12)
            losses = (((outputs - targets) ** 2) / spread).mean(axis=1)
        else:
            truth = np.eye(len(self._classes))[targets] if self.kind == "classes" else targets
            shares = np.clip(outputs, 1e-9, 1 - 1e-9)
            losses = -(truth * np.log(shares)).sum(axis=1)
            if self.kind == "labels":
                losses -= ((1 - truth) * np.log(1 - shares)).sum(axis=1)
        return float(np.average(losses, weights=weights))

    def _outputs(self, values: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
        from scipy.special import expit, softmax

        raw: np.ndarray = values @ weights + bias
        if self.kind == "values":
            return raw
        shares: np.ndarray = softmax(raw, axis=1) if self.kind == "classes" else expit(raw)
        return shares

    def predict(self, x: Matrix) -> np.ndarray:
        """float32 (N, K), see `Estimator.predict`."""
        import numpy as np

        outputs = self._outputs(self._scaled(x), self._arrays["weights"], self._arrays["bias"])
        if self.kind == "classes":
            shares = np.zeros((len(x), self.outputs))
            shares[:, self._classes] = outputs
            outputs = shares
        return outputs.astype(np.float32)

    def record(self) -> dict[str, Any]:
        """The strength of the regularization."""
        return {"strength": self.strength}

    def save(self, path: Path) -> None:
        """Write one file."""
        description = {
            "name": "linear",
            "kind": self.kind,
            "outputs": self.outputs,
            "seed": self.seed,
            "settings": self.settings.model_dump(),
            "strength": self.strength,
            "classes": self._classes,
        }
        files = {f"{name}.npy": array_bytes(self._arrays[name]) for name in ARRAYS}
        write_archive(path, description, files)

    @classmethod
    def load(cls, path: Path, description: Mapping[str, Any], files: Mapping[str, bytes]) -> Linear:
        """The estimator of an archive.

        Raises:
            RunError: the file is damaged, or not one of an estimator.
        """
        try:
            settings = LinearConfig(**description["settings"])
            found = cls(settings, *(description[key] for key in ("kind", "outputs", "seed")))
            found.strength, found._classes = description["strength"], description["classes"]
            found._arrays = {name: bytes_array(files[f"{name}.npy"]) for name in ARRAYS}
        except (ValueError, KeyError, TypeError) as error:
            raise unreadable(path, error) from None
        return found


def _logistic(
    values: np.ndarray, targets: np.ndarray, weights: np.ndarray, penalty: float, classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (F, classes) and bias (classes,), whose softmax are shares of classes.

    A class that is not among the targets has the log-odds -CERTAIN.
    """
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    solved = np.zeros((values.shape[1], classes)), np.full(classes, -CERTAIN)
    present = np.unique(targets)
    if len(present) == 1:
        solved[1][present] = 0
        return solved
    model = LogisticRegression(C=1 / penalty, max_iter=300, tol=1e-4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a search that has not converged in 300 steps
        model.fit(values, targets, sample_weight=weights)
    if len(present) == 2:
        solved[0][:, present[1]], solved[1][present] = model.coef_[0], [0, model.intercept_[0]]
    else:
        solved[0][:, present], solved[1][present] = model.coef_.T, model.intercept_
    return solved
