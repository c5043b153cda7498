"""Fits a blend of runs on the out-of-fold predictions of some folds.

The methods:

- mean: equal weights. Nothing is fitted, but one bad run spoils it.
- weights: weights >= 0 of sum 1 with the least squared error.
- greedy: selection with replacement by the metric, or by the squared error if the metric takes
  decisions or the predictions are images.
- rank: the mean of ranks, for metrics that see only the order of the predictions.
- ridge, logistic, gbdt: a model of the second level; stack is ridge for numbers, else logistic.

The default is weights, because it is the safest: unlike the mean, it is not harmed by a run that is
much worse; it has one number per run to fit, which hundreds of samples determine; the squared error
has one least point, and does not follow the luck of a metric of ranks or decisions; it works for
every task; and its predictions stay between those of the runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Protocol

import numpy as np

from comp.contract.task import Task
from comp.errors import ConfigError
from comp.estimators.blend import MOST_ROWS, metric_error
from comp.estimators.error_products import ErrorProducts, least_error_weights, sum_of
from comp.estimators.greedy import greedy_weights
from comp.estimators.stacking import fit_second_level, second_level_name
from comp.inference.decisions import drawn_rows
from comp.pipeline.blend_runs import BlendRuns
from comp.pipeline.members import weighted_mean

METHODS = ("weights", "mean", "greedy", "rank", "stack", "ridge", "logistic", "gbdt")
"""The first is the default."""
OF_NUMBERS = METHODS[3:]
"""Methods that need one row of numbers per sample."""

Combine = Callable[[np.ndarray], np.ndarray]
"""Predictions of the members, (M, N, K) or those of one image (M, H, W, K) -> float32 (N, K) or
(H, W, K)."""
Fit = Callable[[frozenset[int]], Combine]
"""The folds to learn from -> how their predictions are combined."""


class OnRow(Protocol):
    """Shows that `done` of `total` samples are read."""

    def __call__(self, done: int, total: int) -> None:
        """`done` of `total` samples are read."""


@dataclass(frozen=True, kw_only=True)
class WeightedMean:
    """The weighted mean of the members."""

    weights: tuple[float, ...]

    def __call__(self, members: np.ndarray) -> np.ndarray:
        """The mean over the first axis, float32."""
        return weighted_mean(list(members), self.weights)


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """The out-of-fold predictions of M runs, all in memory."""

    members: np.ndarray
    """float64 (M, N, K)."""
    targets: np.ndarray
    """float64 (N, T), encoded."""
    folds: np.ndarray
    """int64 (N,)."""
    groups: Sequence[str]

    def rows_of(self, folds: frozenset[int]) -> np.ndarray:
        """The indices of the rows of some folds, int64, rising."""
        return np.flatnonzero(np.isin(self.folds, sorted(folds)))


def check_method(method: str, task: Task) -> str:
    """The method that `method` means for a task.

    Raises:
        ConfigError: there is no such method, or the task does not allow it.
    """
    if method not in METHODS:
        raise ConfigError(f"method {method!r:.40} does not exist: use {', '.join(METHODS)}")
    if method not in OF_NUMBERS:
        return method
    if task.output != "numbers":
        raise ConfigError(
            f"method {method} needs a row of numbers per sample, but predictions of {task.kind} "
            "are images: use weights, mean or greedy"
        )
    if method == "rank":
        return method
    if task.estimate is None:
        raise ConfigError(f"method {method} cannot learn {task.kind}: use weights, mean or greedy")
    return second_level_name(method, task.estimate)


def read_table(runs: BlendRuns, on_row: OnRow) -> Table:
    """The out-of-fold predictions of the runs and the targets, in the order of `runs.ids`."""
    targets, members = [], []
    for done, (pair, arrays) in enumerate(runs.rows(), 1):
        targets.append(np.asarray(pair[0], dtype=np.float64).ravel())
        members.append(arrays.reshape(len(arrays), -1))
        on_row(done=done, total=len(runs.ids))
    return Table(
        members=np.stack(members, axis=1).astype(np.float64),
        targets=np.stack(targets),
        folds=np.array([runs.fold_of[name] for name in runs.ids]),
        groups=[runs.first.groups[name] for name in runs.ids],
    )


def fit_of(method: str, runs: BlendRuns, table: Table | None, on_row: OnRow) -> Fit:
    """How the runs are combined, as a function of the folds to learn from, which keeps its results.

    Args:
        method: of `check_method`.
        table: the predictions in memory, None if they are images.
    """
    count = len(runs.runs)
    if method in ("mean", "rank"):
        return lambda _folds: WeightedMean(weights=(1 / count,) * count)
    if method in ("ridge", "logistic", "gbdt"):
        assert table is not None
        return cache(partial(_second_level, method, runs, table))
    takes = runs.competition.metric.takes
    if method == "greedy" and table is not None and takes == "predictions":
        return cache(partial(_greedy_by_metric, runs, table))
    products = _products(runs, table, on_row)
    return cache(partial(_by_products, method, products))


def _by_products(
    method: str, products: dict[int, ErrorProducts], folds: frozenset[int]
) -> WeightedMean:
    """The weights with the least squared error in some folds."""
    matrix = sum_of(products[fold] for fold in sorted(folds)).matrix()
    if method == "weights":
        return WeightedMean(weights=least_error_weights(matrix))
    error = lambda weights: float(weights @ matrix @ weights)  # noqa: E731
    return WeightedMean(weights=greedy_weights(len(matrix), error))


def _products(runs: BlendRuns, table: Table | None, on_row: OnRow) -> dict[int, ErrorProducts]:
    """The products of errors of each fold; images are read one at a time."""
    task = runs.competition.task
    if table is not None:
        rows = {fold: table.rows_of(frozenset({fold})) for fold in runs.folds}
        return {
            fold: ErrorProducts.of(
                *_learned(task, table.members[:, of_fold], table.targets[of_fold])
            )
            for fold, of_fold in rows.items()
        }
    found: dict[int, ErrorProducts] = {}
    for done, (pair, members) in enumerate(runs.rows(), 1):
        count, outputs = len(members), members.shape[-1]
        image = ErrorProducts.of(members.reshape(count, -1, outputs), pair[0].reshape(-1, outputs))
        fold = runs.fold_of[pair.id]
        found[fold] = found[fold] + image if fold in found else image
        on_row(done=done, total=len(runs.ids))
    return found


def _learned(task: Task, members: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Predictions (M, N, K) and targets (N, K) in the scale in which models learn them, such as
    logarithms; the target of shares of classes is 1 for the class that is true."""
    count, rows, outputs = members.shape
    if targets.shape[1] == 1 and outputs > 1:
        return members, np.eye(outputs)[targets[:, 0].astype(np.int64)]
    estimate = task.estimate
    if estimate is None or estimate.kind != "values":
        return members, targets
    scaled = estimate.learn(members.reshape(count * rows, outputs))
    return scaled.reshape(count, rows, outputs), estimate.learn(targets)


def _greedy_by_metric(runs: BlendRuns, table: Table, folds: frozenset[int]) -> WeightedMean:
    """The greedy selection by the metric, on at most `MOST_ROWS` rows of some folds."""
    rows = table.rows_of(folds)
    rows = rows[drawn_rows(len(rows), MOST_ROWS, runs.first.config.seed)]
    members = table.members[:, rows]
    groups = [runs.first.samples[runs.ids[row]].group for row in rows.tolist()]
    of_blend = metric_error(table.targets[rows], runs.competition.metric, groups)
    weights = greedy_weights(
        len(members), lambda tried: of_blend(np.einsum("m,mnk->nk", tried, members))
    )
    return WeightedMean(weights=weights)


def _second_level(method: str, runs: BlendRuns, table: Table, folds: frozenset[int]) -> Combine:
    task, rows = runs.competition.task, table.rows_of(folds)
    assert task.estimate is not None
    classes = len(task.labels) if task.estimate.kind == "classes" else task.outputs
    return fit_second_level(
        method,
        task.estimate,
        table.members[:, rows],
        table.targets[rows].astype(np.float32),
        [table.groups[row] for row in rows.tolist()],
        runs.first.config.seed,
        classes,
    )
