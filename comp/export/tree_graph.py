"""Boosted trees as an ONNX graph: from the matrix of a fold to its predictions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from comp.contract.task import Estimate
from comp.errors import ConfigError
from comp.estimators.boosting import Boosting
from comp.estimators.output import Output
from comp.export.onnx_graph import OUTPUT
from comp.export.tree_nodes import forest_of
from comp.tasks.binary import second_share
from comp.tasks.class_labels import as_float32
from comp.tasks.ordinal import within_grades
from comp.tasks.regression import learned_values, range_of

VALUES = "values"
"""The input: the matrix of the columns, double (N, F), with NaN for gaps."""
OPSET, LEAST_OPSET, TREES_OPSET, IR = 18, 13, 3, 10
"""Versions: of the operators, and the least; of the operators of trees; of the file."""


@dataclass
class Steps:
    """Collects the nodes and the constants of a graph."""

    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def add(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node; returns the name of its output."""
        from onnx import helper

        name = f"{kind} {len(self.nodes)}"
        node = helper.make_node(kind, list(inputs), [name], name=name, domain=domain, **attributes)
        self.nodes.append(node)
        return name

    def constant(self, value: Any, kind: type = np.float64) -> str:
        """Add a constant; returns its name."""
        from onnx import numpy_helper

        name = f"constant {len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype=kind), name))
        return name


def trees_graph(
    estimator: Boosting, estimate: Estimate, columns: int, opset: int | None = None
) -> Any:
    """The graph of the trees of a fold, an onnx.ModelProto.

    Args:
        columns: of the matrix.

    Raises:
        ConfigError: `opset` is too old.
    """
    from onnx import TensorProto, checker, helper

    opset = opset or OPSET
    if opset < LEAST_OPSET:
        raise ConfigError(f"--opset {opset}: trees need opset {LEAST_OPSET} or later")
    steps = Steps()
    shares = [_output(steps, output) for output in estimator.targets]
    joined = shares[0] if len(shares) == 1 else steps.add("Concat", *shares, axis=1)
    placed = steps.add("MatMul", joined, steps.constant(_places(estimator)))
    finish = known_estimate(estimate)
    assert finish is not None
    steps.add("Cast", finish(steps, placed), to=TensorProto.FLOAT)
    steps.nodes[-1].output[0] = OUTPUT
    made = helper.make_tensor_value_info
    graph = helper.make_graph(
        steps.nodes,
        "trees",
        [made(VALUES, TensorProto.DOUBLE, ["batch", columns])],
        [made(OUTPUT, TensorProto.FLOAT, ["batch", None])],
        steps.constants,
    )
    domains = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", TREES_OPSET)]
    model = helper.make_model(graph, opset_imports=domains, producer_name="comp")
    model.ir_version = IR
    checker.check_model(model)
    return model


def _output(steps: Steps, output: Output) -> str:
    """Numbers (N, 1), or the shares of the classes (N, classes) of a target."""
    models = output.fitted
    if not models:
        return _ones(steps)
    predicted = [_model(steps, model, bool(output.classes)) for model in models]
    mean = predicted[0]
    if len(predicted) > 1:
        total = steps.add("Sum", *predicted)
        mean = steps.add("Div", total, steps.constant(float(len(predicted))))
    if output.classes:
        return mean
    scaled = steps.add("Mul", mean, steps.constant(output.deviation))
    return steps.add("Add", scaled, steps.constant(output.mean))


def _model(steps: Steps, model: Any, is_classes: bool) -> str:
    from onnx import TensorProto

    forest, base = forest_of(model), np.ravel(model._baseline_prediction).astype(np.float64)
    attributes = forest.attributes(base)
    sums = steps.add("TreeEnsembleRegressor", VALUES, domain="ai.onnx.ml", **attributes)
    raw = steps.add("Cast", sums, to=TensorProto.DOUBLE)
    if not is_classes:
        return raw
    if len(base) > 1:
        return steps.add("Softmax", raw, axis=1)
    second = steps.add("Sigmoid", raw)
    first = steps.add("Sub", steps.constant(1.0), second)
    return steps.add("Concat", first, second, axis=1)


def _ones(steps: Steps) -> str:
    """Ones (N, 1): the share of a class that all training rows have."""
    from onnx import numpy_helper

    rows = steps.add("Gather", steps.add("Shape", VALUES), steps.constant([0], np.int64))
    shape = steps.add("Concat", rows, steps.constant([1], np.int64), axis=0)
    return steps.add("ConstantOfShape", shape, value=numpy_helper.from_array(np.ones(1)))


def _places(estimator: Boosting) -> np.ndarray:
    """The matrix (P, K) that puts the shares of all targets, side by side, in their columns."""
    rows: list[np.ndarray] = []
    unit = np.eye(estimator.outputs)
    for number, output in enumerate(estimator.targets):
        if estimator.kind == "values":
            rows.append(unit[number])
            continue
        for label in output.classes:
            own = unit[label] if estimator.kind == "classes" else unit[number] * (label == 1)
            rows.append(own)
    return np.stack(rows)


Finish = Callable[[Steps, str], str]
"""Adds what `Estimate.predict` does with what a model returns."""


def known_estimate(estimate: Estimate) -> Finish | None:
    """What `Estimate.predict` does, as nodes; None if it is a function of the competition."""
    predict = estimate.predict
    keys = predict.keywords if isinstance(predict, partial) else {}
    function = predict.func if isinstance(predict, partial) else predict
    if function is as_float32:
        return _as_it_is
    if function is second_share:
        return _second
    if function is within_grades:
        return partial(_within, limits=(0.0, float(keys["highest"])))
    if function is learned_values:
        return partial(_values, log=keys["log"], limits=range_of(keys["log"], keys["limits"]))
    return None


def _as_it_is(_steps: Steps, name: str) -> str:
    return name


def _second(steps: Steps, name: str) -> str:
    return steps.add("Gather", name, steps.constant([1], np.int64), axis=1)


def _values(steps: Steps, name: str, log: bool, limits: Sequence[float]) -> str:
    if log:
        name = steps.add("Sub", steps.add("Exp", name), steps.constant(1.0))
    return _within(steps, name, limits)


def _within(steps: Steps, name: str, limits: Sequence[float]) -> str:
    low, high = limits
    return steps.add("Clip", name, steps.constant(low), steps.constant(high))
