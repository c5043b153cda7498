"""Models of the second level."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from comp.errors import ConfigError
from comp.estimators.estimator import load_estimator
from comp.estimators.stacking import SecondLevel, fit_second_level, second_level_name
from comp.tasks.binary import binary
from comp.tasks.multiclass import multiclass
from comp.tasks.regression import regression

RNG = np.random.default_rng(0)
GROUPS = [str(row) for row in range(400)]


def test_what_stack_means_and_what_does_not_fit() -> None:
    numbers, classes = regression().estimate, binary(("a", "b")).estimate
    assert numbers
    assert classes
    assert (second_level_name("stack", numbers), second_level_name("stack", classes)) == (
        "ridge",
        "logistic",
    )
    assert second_level_name("gbdt", classes) == "gbdt"
    with pytest.raises(ConfigError, match="ridge learns numbers, but the targets are classes"):
        second_level_name("ridge", classes)
    with pytest.raises(ConfigError, match="logistic learns classes and labels"):
        second_level_name("logistic", numbers)


def test_ridge_mends_what_no_mean_can(tmp_path: Path) -> None:
    """Members of a third and of minus a tenth of the logarithm of the target."""
    logs = RNG.uniform(1, 5, size=(400, 1))
    targets = np.expm1(logs).astype(np.float32)
    members = np.expm1(np.stack([logs / 3, 0.6 - logs / 10]))
    estimate = regression(log=True).estimate
    assert estimate
    fitted = fit_second_level("ridge", estimate, members, targets, GROUPS, 0, 1)
    predicted = fitted(members)
    assert predicted.shape == (400, 1)
    assert np.abs(np.log1p(predicted) - logs).max() < 0.05
    fitted.save(tmp_path / "model.zip")
    again = SecondLevel(estimator=load_estimator(tmp_path / "model.zip"), estimate=estimate)
    np.testing.assert_array_equal(again(members), predicted)


def test_logistic_calibrates_two_and_three_classes() -> None:
    chances = RNG.uniform(0.05, 0.95, size=(400, 1))
    targets = (RNG.random((400, 1)) < chances).astype(np.float32)
    task = binary(("a", "b"))
    assert task.estimate
    weak = np.stack([0.5 + (chances - 0.5) / 10, RNG.random((400, 1))])
    predicted = fit_second_level("logistic", task.estimate, weak, targets, GROUPS, 0, 2)(weak)
    assert ((predicted - targets) ** 2).mean() < ((weak[0] - targets) ** 2).mean() - 0.03
    three = multiclass(("a", "b", "c"))
    assert three.estimate
    truth = RNG.integers(0, 3, size=(400, 1))
    good = 0.4 * np.eye(3)[truth[:, 0]] + 0.2
    shares = fit_second_level(
        "logistic", three.estimate, good[None], truth.astype(np.float32), GROUPS, 0, 3
    )(good[None])
    assert (shares.argmax(axis=1) == truth[:, 0]).all()
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)
