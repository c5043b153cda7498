"""Trees as ONNX: equal to scikit-learn at thresholds, in gaps, and for unknown categories."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from comp.config.estimators import GbdtConfig
from comp.contract.task import Estimate, Task
from comp.data.columns.matrices import Matrix
from comp.errors import ConfigError
from comp.estimators.boosting import Boosting
from comp.estimators.histogram_trees import HistogramTrees
from comp.export.onnx_graph import save_graph
from comp.export.session import open_session
from comp.export.tree_graph import known_estimate, trees_graph
from comp.export.tree_nodes import forest_of, thresholds_of
from comp.tasks.binary import binary
from comp.tasks.class_labels import class_indices
from comp.tasks.multiclass import multiclass
from comp.tasks.multilabel import multilabel
from comp.tasks.ordinal import ordinal
from comp.tasks.regression import regression

ROWS = 600
CATEGORICAL = np.array([True, False, True, False])
LEVELS = {0: 3, 2: 40}


def drawn(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Columns with gaps, and numbers that depend on all of them, the gaps too."""
    values = np.stack(
        [
            rng.integers(0, 3, ROWS).astype(float),
            rng.normal(size=ROWS) * 1e6,
            rng.integers(0, 40, ROWS).astype(float),
            rng.normal(size=ROWS),
        ],
        axis=1,
    )
    values[rng.random(values.shape) < 0.15] = np.nan
    filled = np.nan_to_num(values)
    target = filled[:, 1] / 1e6 + np.sin(filled[:, 2] * 2) * 2 + np.isnan(values).sum(1)
    return values, target + filled[:, 0] * filled[:, 3]


def targets(numbers: np.ndarray) -> dict[str, tuple[Task, str, np.ndarray, int]]:
    """The name of a case -> its task, what trees learn, and the number of outputs."""
    three = np.digitize(numbers, [0, 2])
    labels = np.stack([numbers > 0, numbers > 1e9, numbers > -1e9], axis=1).astype(int)
    return {
        "numbers": (regression(), "values", numbers[:, None], 1),
        "logarithms": (
            regression(log=True, limits=(0, 3)),
            "values",
            np.log1p(np.abs(numbers))[:, None],
            1,
        ),
        "two": (binary(("a", "b")), "classes", (numbers > 1).astype(int), 2),
        "a class is missing": (multiclass(tuple("abcd")), "classes", three + (three > 0), 4),
        "labels that are constant": (multilabel(tuple("abc")), "labels", labels, 3),
        "grades": (ordinal(3), "values", three[:, None].astype(float), 1),
        "one number": (regression(), "values", np.ones((ROWS, 1)), 1),
    }


def fitted(kind: str, target: np.ndarray, outputs: int, values: np.ndarray, bags: int) -> Boosting:
    config = GbdtConfig(iterations=12, bags=bags, threads=1, min_leaf=5)
    estimator = Boosting("gbdt", HistogramTrees(), config, kind, outputs, 0)
    estimator.fit(matrix_of(values), target)
    return estimator


def matrix_of(values: np.ndarray) -> Matrix:
    return Matrix(values=values, names=tuple("abcd"), categorical=CATEGORICAL)


def probes(estimator: Boosting, values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    made = values[rng.integers(0, ROWS, 1000)].copy()
    for model in [model for output in estimator.targets for model in output.fitted]:
        for column, splits in thresholds_of(forest_of(model)).items():
            chosen = rng.random(len(made)) < 0.5
            drawn = rng.choice(splits, len(made))
            beside = np.nextafter(drawn, rng.choice([-np.inf, np.inf], len(made)))
            made[chosen, column] = np.where(rng.random(len(made)) < 0.5, drawn, beside)[chosen]
    for column, levels in LEVELS.items():
        chosen = rng.random(len(made)) < 0.5
        made[chosen, column] = rng.integers(0, levels + 3, len(made))[chosen]
    made[rng.random(made.shape) < 0.1] = np.nan
    return made


@pytest.mark.parametrize("bags", [1, 2])
@pytest.mark.parametrize("case", list(targets(np.arange(9.0))))
def test_equal_to_the_trees_on_every_kind_of_row(case: str, bags: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    values, numbers = drawn(rng)
    task, kind, target, outputs = targets(numbers)[case]
    estimator, estimate = fitted(kind, target, outputs, values, bags), task.estimate
    assert estimate is not None
    save_graph(trees_graph(estimator, estimate, 4), tmp_path / "a.onnx")
    made = probes(estimator, values, rng)
    expected = estimate.predict(estimator.predict(matrix_of(made)))
    found = open_session(tmp_path / "a.onnx")({"values": made})
    assert found.shape == expected.shape
    assert found.dtype == np.float32
    assert float(np.abs(found - expected).max()) < 1e-6
    assert bool(np.ptp(expected) > 0.1) is (case != "one number")
    if case == "numbers":
        (model,) = estimator.targets[0].fitted[:1]
        assert {node.mode for node in forest_of(model).nodes} >= {"BRANCH_LEQ", "BRANCH_EQ"}


def test_an_estimate_of_the_competition_is_not_known() -> None:
    def halved(numbers: np.ndarray) -> np.ndarray:
        return numbers / 2

    assert known_estimate(Estimate(kind="values", learn=class_indices, predict=halved)) is None


def test_an_old_opset_is_refused() -> None:
    estimator: Any = None
    estimate = regression().estimate
    assert estimate is not None
    with pytest.raises(ConfigError, match="--opset 11: trees need opset 13"):
        trees_graph(estimator, estimate, 4, 11)
