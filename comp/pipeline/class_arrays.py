"""The predictions of a run of exclusive classes as arrays: out of fold, and of the test by fold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from comp.contract.metric import Pair
from comp.contract.pair_arrays import Rows, arrays_of
from comp.contract.sample import Sample
from comp.contract.task import ExclusiveClasses, Params, Task
from comp.data.groups import group_keys
from comp.errors import RunError
from comp.inference.class_shares import SharesInput
from comp.inference.predictions import average_predictions, join_predictions
from comp.inference.share_test import DecidedClasses


@dataclass(frozen=True, kw_only=True)
class OutOfFold:
    """`targets` int (N,), `predictions` float32 (N, outputs), `groups` of N names, and `folds` int
    (N,), the fold that predicted each."""

    targets: np.ndarray
    predictions: np.ndarray
    groups: Sequence[str]
    folds: np.ndarray


@dataclass(frozen=True, kw_only=True)
class ByFold:
    """The test predictions of each fold, float32 (M, outputs), and `groups` of M names."""

    predictions: Mapping[int, np.ndarray]
    groups: Sequence[str]


def out_of_fold(pairs: Iterable[Pair], fold_of: Mapping[str, int]) -> OutOfFold:
    """The arrays of out-of-fold pairs whose targets are class indices.

    Args:
        fold_of: the fold of each pair, by its id.
    """
    known = arrays_of(pairs)
    if known is not None:
        return OutOfFold(
            targets=known.targets[:, 0].astype(np.int64),
            predictions=known.predictions,
            groups=[group or name for group, name in zip(known.groups, known.ids, strict=True)],
            folds=np.array([fold_of[name] for name in known.ids], dtype=np.int64),
        )
    listed = list(pairs)
    return OutOfFold(
        targets=np.array([int(np.asarray(pair[0]).item()) for pair in listed], dtype=np.int64),
        predictions=np.stack([np.asarray(pair[1], np.float32).reshape(-1) for pair in listed]),
        groups=[pair.group or pair.id for pair in listed],
        folds=np.array([fold_of[pair.id] for pair in listed], dtype=np.int64),
    )


def read_by_fold(files: Mapping[int, Path], samples: Sequence[Sample]) -> ByFold:
    """The arrays of the files that exist, of samples or units that all files have."""
    found = {fold: file for fold, file in files.items() if file.is_file()}
    return ByFold(
        predictions={fold: rows_of([file], samples) for fold, file in found.items()},
        groups=group_keys(samples),
    )


def rows_of(
    files: Sequence[Path], samples: Sequence[Sample], weights: Sequence[float] | None = None
) -> np.ndarray:
    """The mean over files of the predictions of samples or units, float32 (N, outputs).

    Args:
        weights: of the files; None: all are equal.
    """
    if len(files) == 1:
        predicted = join_predictions(files, samples)
    else:
        predicted = average_predictions(files, samples, weights)
    rows = Rows()
    for sample, values in predicted:
        if not rows.add(values.reshape(-1)):
            raise RunError(
                f"the predictions of {sample.id} have another shape or type than those before"
            )
    return rows.all()


def decisions_of(task: Task, predictions: np.ndarray, params: Params) -> np.ndarray:
    """The decisions of predictions (N, outputs), float32 (N, T)."""
    assert task.decision
    if task.decision.apply_rows:
        return task.decision.apply_rows(predictions.copy(), params)
    apply = task.decision.apply
    return np.stack([apply(row.copy(), params).reshape(-1) for row in predictions])


def classes_of(task: Task, predictions: np.ndarray, params: Params) -> np.ndarray:
    """The class that is decided of each of the predictions (N, outputs), int (N,)."""
    decided: np.ndarray = decisions_of(task, predictions, params)[:, 0].astype(np.int64)
    return decided


def exclusive_of(task: Task) -> ExclusiveClasses:
    """The exclusive classes of a task that has them."""
    assert task.exclusive
    return task.exclusive


def shares_input(task: Task, oof: OutOfFold, test: ByFold, params: Params) -> SharesInput:
    """What class shares are estimated from."""
    read, tests = exclusive_of(task).probabilities, list(test.predictions.values())
    return SharesInput(
        targets=oof.targets,
        probabilities=read(oof.predictions),
        decided=classes_of(task, oof.predictions, params),
        test=np.stack([read(rows) for rows in tests]),
        test_decided=np.stack([classes_of(task, rows, params) for rows in tests]),
    )


def decided_classes(task: Task, oof: OutOfFold, test: ByFold, params: Params) -> DecidedClasses:
    """What is compared to see whether the class shares of the test differ."""
    counts = np.array([(oof.folds == fold).sum() for fold in test.predictions], dtype=np.float64)
    weights = counts if counts.any() else np.ones(len(counts))
    return DecidedClasses(
        held_out=classes_of(task, oof.predictions, params),
        groups=oof.groups,
        test=np.stack([classes_of(task, rows, params) for rows in test.predictions.values()]),
        weights=weights / weights.sum(),
        test_groups=test.groups,
    )
