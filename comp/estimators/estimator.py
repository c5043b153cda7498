"""What an estimator is, and the estimators by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from comp.config.nearest import did_you_mean
from comp.config.schema import RunConfig
from comp.data.columns.matrices import Matrix
from comp.errors import ConfigError
from comp.estimators.archive import read_archive, unreadable
from comp.estimators.boosting import Boosting
from comp.estimators.catboost_trees import CatboostTrees
from comp.estimators.histogram_trees import HistogramTrees
from comp.estimators.knn import Knn
from comp.estimators.library import Library
from comp.estimators.lightgbm_trees import LightgbmTrees
from comp.estimators.linear import Linear
from comp.estimators.xgboost_trees import XgboostTrees

if TYPE_CHECKING:
    import numpy as np

LIBRARIES: Mapping[str, type[Library]] = {
    "gbdt": HistogramTrees,
    "lightgbm": LightgbmTrees,
    "xgboost": XgboostTrees,
    "catboost": CatboostTrees,
}
ESTIMATORS = (*LIBRARIES, "linear", "knn")
OPTIONAL = ("lightgbm", "xgboost", "catboost")
"""Estimators whose library, of the same name, is installed by the user."""


class Estimator(Protocol):
    """A model of a table that is not a network."""

    def fit(
        self,
        x: Matrix,
        y: np.ndarray,
        weights: np.ndarray | None = None,
        groups: Sequence[object] | None = None,
        deadline: float | None = None,
    ) -> None:
        """Fit on all rows.

        Args:
            x: of `make_matrix`.
            y: class index (N,) for classes, 0 or 1 (N, K) for labels, numbers (N, K) for values.
            weights: weight of each row (N,).
            groups: group of each row; a part that is held out to choose settings never splits one.
            deadline: `time.monotonic()` at which the fit should end; then it has fewer trees.
        """
        ...

    def predict(self, x: Matrix) -> np.ndarray:
        """float32 (N, K): shares of the classes 0..K-1, probabilities of the labels, or values."""
        ...

    def save(self, path: Path) -> None:
        """Write one file, which `load_estimator` reads."""
        ...

    def record(self) -> dict[str, Any]:
        """What was chosen, such as the number of trees, in values of JSON."""
        ...


def check_installed(name: str) -> None:
    """Check that an estimator exists and its library is installed, without importing it.

    Raises:
        ConfigError: it does not, or it is not.
    """
    if name not in ESTIMATORS:
        raise ConfigError(
            f"model = {name!r} is not an estimator: {did_you_mean(name, ESTIMATORS)}"
            f"use one of {', '.join(ESTIMATORS)}"
        )
    if name in OPTIONAL and find_spec(name) is None:
        raise ConfigError(
            f"model = {name} needs the package {name}, which is not installed: run "
            f"'pip install {name}', or use model = gbdt"
        )


def make_estimator(name: str, config: RunConfig, kind: str, outputs: int, seed: int) -> Estimator:
    """A new estimator.

    Args:
        name: one of `ESTIMATORS`.
        kind: classes, labels or values, as `Estimate.kind`.
        outputs: classes, labels or columns K.

    Raises:
        ConfigError: the name is unknown, or its library is not installed.
    """
    check_installed(name)
    if name == "linear":
        return Linear(config.linear, kind, outputs, seed)
    if name == "knn":
        return Knn(config.knn, kind, outputs, seed)
    return Boosting(name, LIBRARIES[name](), config.gbdt, kind, outputs, seed)


def load_estimator(path: Path) -> Estimator:
    """Read an estimator.

    Raises:
        RunError: the file is missing, damaged, or not one of an estimator.
        ConfigError: its library is not installed.
    """
    description, files = read_archive(path)
    name = description.get("name")
    if name not in ESTIMATORS:
        raise unreadable(path, ValueError(f"it is of an unknown estimator {name!r:.40}"))
    check_installed(name)
    if name == "linear":
        return Linear.load(path, description, files)
    if name == "knn":
        return Knn.load(path, description, files)
    return Boosting.load(path, LIBRARIES[name](), description, files)
