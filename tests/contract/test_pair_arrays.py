"""Pairs as arrays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from comp.contract.metric import Metric, Pair, Pairs
from comp.contract.metrics import METRICS
from comp.contract.pair_arrays import PairArrays, Rows, arrays_of, collected
from comp.contract.task import Task, decisions
from comp.tasks.binary import binary
from comp.tasks.multiclass import multiclass
from comp.tasks.multilabel import multilabel

RNG = np.random.default_rng(0)
SHARES = RNG.random((50, 3), dtype=np.float32)
SHARES /= SHARES.sum(1, keepdims=True)
CLASSES = RNG.integers(0, 3, (50, 1)).astype(np.float32)
LABELS = (RNG.random((50, 3)) < 0.4).astype(np.float32)


def pairs_of(targets: np.ndarray, predictions: np.ndarray) -> list[Pair]:
    rows = enumerate(zip(targets, predictions, strict=True))
    return [Pair(t, p, f"s{i}", f"g{i // 2}" if i % 3 else None) for i, (t, p) in rows]


def test_arrays_are_the_pairs_again() -> None:
    pairs = pairs_of(CLASSES, SHARES)
    found = collected(pairs)
    assert found is not None
    assert arrays_of(found) is found
    assert arrays_of(pairs) is None
    for one, other in zip(pairs, found, strict=True):
        assert (one.id, one.group) == (other.id, other.group)
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    some = found.some(np.array([7, 3]))
    assert (some.ids, some.groups) == (["s7", "s3"], ["g3", None])
    assert np.array_equal(some.predictions, SHARES[[7, 3]])


def test_what_a_metric_changes_stays_as_it_was() -> None:
    found = collected(
        Pair(np.ones(1, np.float32), np.ones(2, np.float32), str(i)) for i in range(3)
    )
    assert found is not None
    for target, prediction in found:
        target *= 0
        np.clip(prediction, 0.1, 0.9, out=prediction)
    assert float(found.targets.min()) == float(found.predictions.max()) == 1


@pytest.mark.parametrize(
    "prediction", [np.zeros((2, 2, 1), np.float32), np.zeros(4, np.float32), np.zeros(3)]
)
def test_other_shapes_and_types_are_no_arrays(prediction: np.ndarray) -> None:
    assert collected([*pairs_of(CLASSES, SHARES), Pair(CLASSES[0], prediction)]) is None
    if prediction.ndim > 1:
        assert collected([Pair(prediction, prediction)]) is None


def test_rows_grow() -> None:
    rows = Rows()
    for value in range(5000):
        assert rows.add(np.float32([value, 1]))
    assert np.array_equal(rows.all()[:, 0], np.arange(5000))
    assert Rows().all().shape == (0, 1)


SCORED = [
    (metric, targets, predictions)
    for metric in METRICS.values()
    for targets, predictions in (
        (CLASSES, SHARES),
        (LABELS, SHARES),
        (CLASSES, CLASSES[::-1].copy()),
        (LABELS, LABELS[::-1].copy()),
        (LABELS[:, :1], SHARES[:, :1]),
    )
]


@pytest.mark.parametrize(("metric", "targets", "predictions"), SCORED)
def test_every_metric_scores_arrays_as_pairs(
    metric: Metric, targets: np.ndarray, predictions: np.ndarray
) -> None:
    pairs = pairs_of(targets, predictions)
    arrays = collected(pairs)
    assert arrays is not None
    assert outcome(metric, arrays) == outcome(metric, pairs)


def outcome(metric: Metric, pairs: Pairs) -> str:
    """All digits of the score, or why there is none."""
    try:
        return repr(metric.score(pairs))
    except ValueError as error:
        return str(error)


TASKS = [
    (binary(("a", "b")), LABELS[:, :1], SHARES[:, :1], (0.3,)),
    (multiclass(("a", "b", "c")), CLASSES, SHARES, ()),
    (multilabel(("a", "b", "c")), LABELS, SHARES, (0.1, 0.3, 0.5)),
]


@pytest.mark.parametrize(("task", "targets", "predictions", "params"), TASKS)
def test_rows_are_decided_as_each_alone(
    task: Task, targets: np.ndarray, predictions: np.ndarray, params: tuple[float, ...]
) -> None:
    broken = predictions.copy()
    broken[4, 0] = np.nan
    pairs = pairs_of(targets, broken)
    arrays = collected(pairs)
    assert arrays is not None
    decided = decisions(task, arrays, params).arrays()
    assert decided is not None
    for one, other in zip(decisions(task, pairs, params), decided, strict=True):
        assert np.array_equal(one[1], other[1], equal_nan=True)
        assert other[1].dtype == np.float32
    slow = replace(task.decision, apply_rows=None)
    assert decisions(replace(task, decision=slow), arrays, params).arrays() is None


def test_no_pairs_are_no_decisions() -> None:
    none = PairArrays(targets=CLASSES[:0], predictions=SHARES[:0], ids=[], groups=[])
    assert list(decisions(TASKS[1][0], none, ())) == []
