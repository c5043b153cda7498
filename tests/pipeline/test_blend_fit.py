"""The methods of a blend, fitted on some folds."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from toys import RMSE, toy, values

from comp.contract.metric import Metric, Pairs
from comp.contract.metrics import ACCURACY, AUC, F1, LOG_LOSS
from comp.contract.sample import Sample
from comp.contract.task import DecidedPairs
from comp.errors import ConfigError
from comp.pipeline.blend_fit import METHODS, Table, check_method, fit_of
from comp.pipeline.blend_oof import NestedBlend, check_ranks, ranks
from comp.tasks.binary import binary
from comp.tasks.multiclass import multiclass
from comp.tasks.regression import regression
from comp.tasks.segmentation import segmentation

FOLDS = 5


def silent(done: int, total: int) -> None:
    """Show nothing."""


def in_memory(members: np.ndarray, targets: np.ndarray, **fields: Any) -> tuple[Any, Table]:
    """Runs whose predictions (M, N, K) are in memory, and their table.

    Targets are (N, T). Row i is in fold i % 5.
    """
    ids = [str(row) for row in range(len(targets))]
    samples = {
        name: Sample(id=name, target=row.tolist() if len(row) > 1 else float(row[0]))
        for name, row in zip(ids, targets, strict=True)
    }
    folds = np.arange(len(ids)) % FOLDS
    competition = toy(**fields)
    first = SimpleNamespace(
        competition=competition, samples=samples, reader=None, config=SimpleNamespace(seed=0)
    )
    first.pairs = lambda _ids: NestedBlend(runs=runs, table=table, fit=only_first).pairs()
    runs = SimpleNamespace(
        runs=[None] * len(members),
        first=first,
        competition=competition,
        ids=ids,
        fold_of=dict(zip(ids, folds.tolist(), strict=True)),
        folds=tuple(range(FOLDS)),
    )
    table = Table(
        members=members.astype(np.float64),
        targets=targets.astype(np.float64),
        folds=folds,
        groups=ids,
    )
    return runs, table


def only_first(_folds: frozenset[int]) -> Any:
    return lambda members: members[0].astype(np.float32)


def nested(method: str, members: np.ndarray, targets: np.ndarray, **fields: Any) -> NestedBlend:
    runs, table = in_memory(members, targets, **fields)
    return NestedBlend(runs=runs, table=table, fit=fit_of(method, runs, table, silent))


def blended(blend: NestedBlend) -> np.ndarray:
    """Nested predictions (N, K)."""
    return np.stack([prediction for _, prediction in blend.predictions()])


@pytest.mark.parametrize("method", ["weights", "greedy"])
def test_noise_does_not_inflate_the_nested_score(method: str) -> None:
    """Three calibrated members, of which the first knows most, and 40 of noise, on 60 rows.

    No blend is better than the first member, but weights that are scored on the rows that fitted
    them are.
    """
    gains, inflated = [], []
    for seed in range(16):
        rng = np.random.default_rng(seed)
        first = rng.normal(size=60)
        targets = first + rng.normal(size=60)
        weaker = [first * np.array([row % 3 != skip for row in range(60)]) for skip in (0, 1)]
        members = np.stack([first, *weaker, *rng.normal(size=(40, 60))])[..., None]
        blend = nested(method, members, targets[:, None], task=values(), metric=ACCURACY)
        errors = [
            float(np.mean((predicted[:, 0] - targets) ** 2))
            for predicted in (members[0], blended(blend), blend.combine()(members))
        ]
        gains.append(errors[0] - errors[1])
        inflated.append(errors[0] - errors[2])
    chance = 2 * np.std(gains, ddof=1) / 4
    assert np.mean(gains) < chance
    assert np.mean(inflated) > 2 * np.std(inflated, ddof=1) / 4


def test_greedy_follows_the_metric_and_weights_the_squared_error() -> None:
    """The first member orders the rows right in a wrong scale, the second is the mean."""
    rng = np.random.default_rng(0)
    truth = (rng.random((60, 1)) < 0.3).astype(float)
    ordered = 0.9 + 0.05 * truth + 0.04 * rng.random((60, 1))
    members = np.stack([ordered, np.full((60, 1), 0.3) + 0.01 * rng.random((60, 1))])
    fields: dict[str, Any] = {"task": binary(("a", "b")), "metric": AUC}
    of_metric = nested("greedy", members, truth, **fields).combine()
    of_error = nested("weights", members, truth, **fields).combine()
    assert of_metric.weights == (1.0, 0.0)  # type: ignore[attr-defined]
    assert of_error.weights[1] > 0.7  # type: ignore[attr-defined]


def test_numbers_are_weighted_in_the_scale_that_is_learned() -> None:
    """Of one large value, the squared error sees nothing else; of logarithms it sees all."""
    rng = np.random.default_rng(0)
    logs = np.append(rng.uniform(1, 3, size=199), 12.0)[:, None]
    good, bad = logs + 0.1 * rng.normal(size=logs.shape), logs + 1.0 * rng.normal(size=logs.shape)
    good[-1], bad[-1] = 13, 12
    members = np.expm1(np.stack([good, bad]))
    weights = [
        nested("weights", members, np.expm1(logs), task=regression(log=log), metric=RMSE).combine()
        for log in (True, False)
    ]
    assert weights[0].weights[0] > 0.9  # type: ignore[attr-defined]
    assert weights[1].weights[0] < 0.1  # type: ignore[attr-defined]


def test_shares_of_classes_are_weighted_and_stay_shares() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, size=(60, 1))
    good = 0.6 * np.eye(3)[truth[:, 0]] + 0.4 * rng.dirichlet([1, 1, 1], size=60)
    members = np.stack([rng.dirichlet([1, 1, 1], size=60), good])
    task = multiclass(("a", "b", "c"))
    for method in ("weights", "greedy", "mean"):
        blend = nested(method, members, truth, task=task, metric=LOG_LOSS)
        np.testing.assert_allclose(blended(blend).sum(axis=1), 1, rtol=1e-4)
    assert nested("weights", members, truth, task=task, metric=LOG_LOSS).combine().weights[1] > 0.9  # type: ignore[attr-defined]


def turned_over(targets: np.ndarray, fold: int) -> np.ndarray:
    """Targets of 0 and 1 that are wrong in a fold."""
    rows = (np.arange(len(targets)) % FOLDS == fold)[:, None]
    return np.where(rows, 1 - targets, targets)


def test_a_second_level_does_not_know_the_targets_of_the_fold() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, size=(60, 1))
    members = np.clip(0.3 + 0.2 * truth + 0.2 * rng.random((2, 60, 1)), 0, 1)
    fields: dict[str, Any] = {"task": binary(("a", "b")), "metric": AUC}
    before = blended(nested("logistic", members, truth, **fields))
    after = blended(nested("logistic", members, turned_over(truth, 2), **fields))
    same = (before == after).ravel()
    assert same[2::FOLDS].all()
    assert not same[0::FOLDS].any()


def test_decisions_of_a_fold_do_not_know_its_targets() -> None:
    rng = np.random.default_rng(0)
    truth = (rng.random((40, 1)) < 0.4).astype(float)
    members = np.clip(0.2 * truth + 0.3 + 0.2 * rng.normal(size=(2, 40, 1)), 0, 1)
    task = binary(("a", "b"))
    object.__setattr__(task.decision, "fit", fit_mean)
    found = []
    for targets in (truth, turned_over(truth, 2)):
        blend = nested("weights", members, targets, task=task, metric=ACCURACY)
        decisions = blend.decisions(blend.pairs(), lambda: None)
        assert decisions
        found.append(decisions)
        of_folds = DecidedPairs(
            task.decision,  # type: ignore[arg-type]
            blend.pairs(),
            lambda pair: decisions.by_fold[blend.runs.fold_of[pair.id]],  # noqa: B023
        )
        assert blend.score(lambda: None) == ACCURACY.score(of_folds)
    assert found[0].by_fold[2] == found[1].by_fold[2]
    assert all(found[0].by_fold[fold] != found[1].by_fold[fold] for fold in (0, 1, 3, 4))


def fit_mean(pairs: Pairs, _metric: Metric, _seed: int) -> tuple[float]:
    """A threshold that depends on all targets and predictions."""
    return (float(np.mean([(target + 9 * prediction) / 10 for target, prediction in pairs])),)


def test_two_folds_decide_without_the_fold_that_is_scored() -> None:
    """There is no third fold: the other fold is blended with its own weights."""
    members = np.random.default_rng(0).random((2, 40, 1))
    blend = nested("weights", members, np.ones((40, 1)), task=values(), metric=RMSE)
    blend.runs.folds = (0, 1)  # type: ignore[misc]
    assert blend.combine_fold(1, frozenset({0})) == blend.combine(frozenset({0}))
    assert blend.combine_fold(1) == blend.combine(frozenset({1}))


def test_ranks_only_for_metrics_of_the_order() -> None:
    np.testing.assert_allclose(
        ranks(np.array([[[3.0], [1.0], [1.0], [9.0]]]))[0, :, 0], [0.625, 0.25, 0.25, 0.875]
    )
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, size=(50, 1))
    members = rng.random((2, 50, 1))
    check_ranks(*in_memory(members, truth, task=binary(("a", "b")), metric=AUC))
    for metric, problem in (
        (LOG_LOSS, "sees more than the order"),
        (F1, "decides with thresholds"),
    ):
        with pytest.raises(ConfigError, match=f"method rank does not fit .*{problem}"):
            check_ranks(*in_memory(members, truth, task=binary(("a", "b")), metric=metric))


def test_methods_of_tasks() -> None:
    assert [check_method(method, segmentation()) for method in ("mean", "weights", "greedy")]
    for method in METHODS[3:]:
        with pytest.raises(ConfigError, match=f"method {method} needs a row of numbers per sample"):
            check_method(method, segmentation())
    assert check_method("stack", regression()) == "ridge"
    assert check_method("stack", binary(("a", "b"))) == "logistic"
