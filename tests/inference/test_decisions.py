"""Decisions: fitted on other folds, and only as far as the data can tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score
from toys import toy

from comp.contract.competition import Competition
from comp.contract.metric import Metric, Pair, Pairs
from comp.contract.metrics import ACCURACY, AUC, F1
from comp.contract.pair_arrays import PairArrays
from comp.contract.task import DecidedPairs, Decision, Params, Task, decide
from comp.inference.decisions import (
    PairsOfFolds,
    best_threshold,
    fit_decisions,
    fits_decisions,
    gain_is_real,
    honest_score,
)
from comp.tasks.binary import binary
from comp.tasks.multiclass import multiclass


@pytest.mark.parametrize(
    ("task", "metric", "fitted"),
    [
        (binary(("a", "b")), F1, True),
        (binary(("a", "b")), AUC, False),
        (multiclass(("a", "b", "c")), ACCURACY, False),
    ],
)
def test_scores_of_a_fold_are_preliminary_if_its_decisions_are_fitted(
    task: Task, metric: Metric, fitted: bool
) -> None:
    assert fits_decisions(toy(task, metric=metric)) is fitted


def no_loss(*_: Any) -> Any:
    raise AssertionError


def lookup(prediction: np.ndarray, params: Params) -> np.ndarray:
    """Class 1 for the predictions among the parameters: a decision that can learn by heart."""
    return np.float32([float(prediction[0]) in params])


def by_heart(pairs: Pairs, _metric: Metric, _seed: int) -> Params:
    return tuple(float(prediction[0]) for target, prediction in pairs if target[0] == 1)


MEMORY = Task(
    kind="noise",
    losses=("none",),
    make_loss=no_loss,
    decision=Decision(default=(), apply=lookup, fit=by_heart, names=("known",)),
)


def noise(count: int = 300) -> tuple[list[Pair], dict[str, int]]:
    """Predictions that say nothing of their targets, in three folds."""
    rng = np.random.default_rng(0)
    pairs = [
        Pair(np.float32([t]), np.float32([p]), str(i))
        for i, (t, p) in enumerate(zip(rng.integers(0, 2, count), rng.random(count), strict=True))
    ]
    return pairs, {str(i): i % 3 for i in range(count)}


def test_a_decision_that_learns_by_heart_gains_nothing() -> None:
    """A metric that a leak would inflate: on its own pairs the decision is perfect."""
    pairs, fold_of = noise()
    competition = toy(MEMORY, metric=ACCURACY)
    fitted = fit_decisions(competition, pairs, fold_of, 0)
    assert fitted is not None
    leaked = ACCURACY.score(
        Pair(t, lookup(p, fitted.params)) for t, p in pairs  # parameters of all folds
    )  # fmt: skip
    zeros = np.mean([pair[0][0] == 0 for pair in pairs])
    assert leaked == 1
    assert honest_score(competition, pairs, fitted, fold_of) == pytest.approx(zeros)
    assert 0.4 < zeros < 0.6


def test_each_fold_is_decided_with_the_parameters_of_the_others() -> None:
    pairs, fold_of = noise(30)
    fitted = fit_decisions(toy(MEMORY, metric=ACCURACY), pairs, fold_of, 0)
    assert fitted is not None
    for fold in range(3):
        others = [pair for pair in pairs if fold_of[pair.id] != fold]
        assert fitted.by_fold[fold] == by_heart(others, ACCURACY, 0)
    assert fitted.params == by_heart(pairs, ACCURACY, 0)
    assert fitted.names == ("known",)


def test_pairs_of_folds_can_be_read_several_times() -> None:
    pairs, fold_of = noise(9)
    some = PairsOfFolds(pairs, fold_of, lambda fold: fold == 1)
    assert [[pair.id for pair in some] for _ in range(2)] == [["1", "4", "7"]] * 2


def test_one_fold_is_decided_by_the_default() -> None:
    pairs, fold_of = noise(30)
    fitted = fit_decisions(toy(MEMORY, metric=ACCURACY), pairs, dict.fromkeys(fold_of, 4), 0)
    assert fitted is not None
    assert fitted.by_fold == {4: ()}
    assert fitted.params == by_heart(pairs, ACCURACY, 0)


@pytest.mark.parametrize("metric", [AUC, ACCURACY])
def test_tasks_without_a_fit_or_a_decision(metric: Metric) -> None:
    pairs = [
        Pair(np.float32([i % 3]), np.eye(3, dtype=np.float32)[i % 3], str(i)) for i in range(6)
    ]
    fold_of = {str(i): i % 2 for i in range(6)}
    classes = toy(multiclass(("a", "b", "c")), metric=metric)
    fitted = fit_decisions(classes, pairs, fold_of, 0)
    assert fitted is not None
    assert (fitted.params, dict(fitted.by_fold)) == ((), {0: (), 1: ()})
    assert honest_score(classes, pairs, fitted, fold_of) == 1
    assert fit_decisions(toy(), pairs, fold_of, 0) is None


def test_a_metric_of_predictions_is_scored_without_decisions() -> None:
    pairs, fold_of = noise()
    competition: Competition = toy(binary(("a", "b")), metric=AUC)
    fitted = fit_decisions(competition, pairs, fold_of, 0)
    assert fitted is not None
    assert set(fitted.by_fold.values()) == {(0.5,)}
    assert honest_score(competition, pairs, fitted, fold_of) == AUC.score(pairs)


def rare(count: int = 2000, share: float = 0.1, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated probabilities of a rare class, and targets that they draw."""
    rng = np.random.default_rng(seed)
    chances = rng.beta(0.6, 0.6 * (1 - share) / share, count)
    return (rng.random(count) < chances).astype(np.int64), chances


def names(count: int) -> list[str]:
    return [str(i) for i in range(count)]


def test_the_threshold_of_calibrated_probabilities_for_accuracy_is_a_half() -> None:
    """Balanced accuracy would choose about 0.1, and lose accuracy."""
    truth, chances = rare()
    assert best_threshold(truth, chances, names(2000), ACCURACY, 0) == 0.5
    assert accuracy_score(truth, chances >= 0.5) > accuracy_score(truth, chances >= 0.1) + 0.1


def test_the_threshold_for_f1_is_near_the_best_one() -> None:
    truth, chances = rare()
    threshold = best_threshold(truth, chances, names(2000), F1, 0)
    grid = np.linspace(0.02, 0.9, 89)
    scores = [f1_score(truth, chances >= t) for t in grid]
    assert 0.15 < threshold < 0.45
    assert f1_score(truth, chances >= threshold) > max(scores) - 0.02
    assert f1_score(truth, chances >= threshold) > f1_score(truth, chances >= 0.5) + 0.03
    fresh, others = rare(seed=1)
    assert f1_score(fresh, others >= threshold) > f1_score(fresh, others >= 0.5)


def test_a_shift_of_the_probabilities_moves_the_threshold_for_accuracy() -> None:
    truth, chances = rare(share=0.5)
    shifted = chances**4
    threshold = best_threshold(truth, shifted, names(2000), ACCURACY, 0)
    assert threshold == pytest.approx(0.5**4, rel=0.6)
    gain = accuracy_score(truth, shifted >= threshold) - accuracy_score(truth, shifted >= 0.5)
    assert gain > 0.05


def test_a_metric_to_minimise_is_minimised() -> None:
    def errors(pairs: Iterable[tuple[Any, Any]]) -> float:
        return float(np.mean([abs(t[0] - d[0]) for t, d in pairs]))

    metric = Metric(name="errors", score=errors, direction="min", takes="decisions")
    truth, chances = rare(600, share=0.5)
    shifted = chances**4
    threshold = best_threshold(truth, shifted, names(600), metric, 0)
    assert threshold < 0.3
    assert threshold == best_threshold(truth, shifted, names(600), ACCURACY, 0)


def test_chance_moves_the_threshold_only_where_it_costs_little() -> None:
    truth, chances = rare(20_000, 0.5, 99)
    half = accuracy_score(truth, chances >= 0.5)
    costs = [
        half - accuracy_score(truth, chances >= threshold)
        for seed in range(12)
        for threshold in [best_threshold(*rare(200, 0.5, seed), names(200), ACCURACY, seed)]
    ]
    assert np.mean(costs) < 0.01
    assert max(costs) < 0.03


@pytest.mark.parametrize(
    ("truth", "chances"),
    [([1, 1, 1], [0.2, 0.4, 0.6]), ([0, 1, 0], [0.3, 0.3, 0.3]), ([0], [0.1])],
)
def test_one_class_or_one_probability_keeps_the_default(truth: Any, chances: Any) -> None:
    arrays = np.array(truth), np.array(chances)
    assert best_threshold(*arrays, names(len(truth)), F1, 0) == 0.5


def test_a_threshold_far_below_five_decimals_decides_the_same() -> None:
    truth = np.array([0, 1] * 40)
    chances = np.where(truth, 3e-7, 1e-7)
    threshold = best_threshold(truth, chances, names(80), ACCURACY, 0)
    assert ((chances >= threshold) == truth).all()


def gains(values: np.ndarray) -> Callable[[np.ndarray], tuple[float, float]]:
    return lambda rows: (float(values[rows].mean()), 0.0)


def test_a_gain_is_real_if_it_is_larger_than_its_error() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(0, 1, 400)
    values -= values.mean()
    error = 1 / 20  # of the mean of 400 values with deviation 1
    assert not gain_is_real(gains(values + 1.6 * error), names(400), 0, 400)
    assert gain_is_real(gains(values + 2.4 * error), names(400), 0, 400)


def test_the_error_of_a_gain_is_that_of_groups() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(0, 1, 40)
    values = (values - values.mean()).repeat(10) + 0.1
    assert gain_is_real(gains(values), names(400), 0)
    assert not gain_is_real(gains(values), [str(i // 10) for i in range(400)], 0)


def test_scores_that_are_not_defined() -> None:
    nan = float("nan")
    assert not gain_is_real(lambda _: (nan, 0.5), names(9), 0)
    assert gain_is_real(lambda _: (0.5, nan), names(9), 0)
    assert not gain_is_real(lambda _: (0.5, 0.5), names(9), 0)
    assert gain_is_real(lambda _: (0.6, 0.5), names(9), 0)


def test_a_threshold_does_not_depend_on_whether_the_metric_works_in_place() -> None:
    def shifted(pairs: Pairs) -> float:
        truth, decided = [], []
        for target, decision in pairs:
            target += 1  # as a competition that counts from 1
            decision += 1
            truth.append(target.copy())
            decided.append(decision.copy())
        return float(f1_score(np.ravel(truth) - 1, np.ravel(decided) - 1))

    truth, chances = rare(200)
    own = Metric(name="F1", score=shifted, direction="max", takes="decisions")
    assert best_threshold(truth, chances, names(200), own, 0) == pytest.approx(
        best_threshold(truth, chances, names(200), F1, 0)
    )


def halved(prediction: np.ndarray, params: Params) -> np.ndarray:
    prediction *= params[0]
    return prediction


def test_a_decision_may_work_in_place() -> None:
    decision = Decision(default=(0.5,), apply=halved, apply_rows=halved)
    known = PairArrays(
        targets=np.zeros((2, 1), np.float32),
        predictions=np.ones((2, 1), np.float32),
        ids=["a", "b"],
        groups=[None, None],
    )
    prediction = np.float32([1])
    for _ in range(2):
        made = DecidedPairs(decision, known, lambda _: (0.5,)).arrays()
        assert made
        assert made.predictions.tolist() == [[0.5], [0.5]]
        assert decide(decision, prediction, (0.5,)).tolist() == [0.5]
    lost = Decision(default=(), apply=lambda values, _: np.nan_to_num(values, copy=False))
    assert np.isnan(decide(lost, np.float32([np.nan]), ())).all()
