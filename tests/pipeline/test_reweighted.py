"""Re-weighted test predictions: the metric decides whether they are used."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from toys import toy

from comp.config.schema import resolve
from comp.contract.competition import Competition
from comp.pipeline.class_arrays import ByFold, OutOfFold, classes_of
from comp.pipeline.class_report import class_record, shares_advice
from comp.pipeline.reweighted import estimate_reweighting, reweighted, rows_with_shares
from comp.report.classes import class_lines, classes_table, shares_line

SHARES, TEST_SHARES = (0.3, 0.7), (0.65, 0.35)


def draw(shares: tuple[float, float], count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Classes and calibrated probabilities of class 1, for classes with the shares `SHARES`."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(2, count, p=shares)
    logit = 1.5 * (rng.normal(size=count) + 1.5 * truth - 0.75) + np.log(SHARES[1] / SHARES[0])
    return truth, (1 / (1 + np.exp(-logit)))[:, None].astype(np.float32)


def competition(metric: str) -> Competition:
    return toy(classes=("no", "yes"), metric=metric)


@pytest.fixture(scope="module")
def oof() -> OutOfFold:
    truth, rows = draw(SHARES, 3000, 0)
    names = [str(index) for index in range(3000)]
    return OutOfFold(targets=truth, predictions=rows, groups=names, folds=np.arange(3000) % 2)


@pytest.fixture(scope="module")
def tested() -> tuple[np.ndarray, ByFold]:
    truth, rows = draw(TEST_SHARES, 1000, 1)
    names = [str(index) for index in range(1000)]
    return truth, ByFold(predictions={0: rows, 1: rows}, groups=names)


CONFIG = partial(resolve, "toy")


def test_accuracy_takes_the_new_shares_and_gains(
    oof: OutOfFold, tested: tuple[np.ndarray, ByFold]
) -> None:
    truth, by_fold = tested
    plugin, config = competition("accuracy"), CONFIG([{"predict": {"shares": "em"}}])
    found = estimate_reweighting(plugin, config, oof, by_fold, (0.5,))
    assert found.reason == ""
    assert found.estimate
    assert found.estimate.test[0] == pytest.approx(TEST_SHARES[0], abs=0.06)
    before = by_fold.predictions[0]
    after = reweighted(plugin.task, before, found.estimate)
    hits = [(classes_of(plugin.task, rows, (0.5,)) == truth).mean() for rows in (before, after)]
    assert hits[1] > hits[0] + 0.02
    assert np.array_equal(before[:, 0].argsort(kind="stable"), after[:, 0].argsort(kind="stable"))
    record = class_record(plugin.task, {"as trained": before, "re-weighted": after}, (0.5,))
    record |= {"estimate": found.record(), "out_of_fold": [0.3, 0.7], "p_value": 0.0}
    assert record["steps"][1]["changed"] > 20
    assert "re-weighted as if" in class_lines(record)[-1]
    assert classes_table(record).row_count == 3
    assert shares_advice(record, config, "a-run") == ""


def test_a_metric_that_does_not_depend_on_shares_keeps_the_decisions(
    oof: OutOfFold, tested: tuple[np.ndarray, ByFold]
) -> None:
    plugin = competition("balanced accuracy")
    threshold = SHARES[1] / sum(SHARES)  # where both classes are equally likely to look so
    config = CONFIG([{"predict": {"shares": "em"}}])
    found = estimate_reweighting(plugin, config, oof, tested[1], (threshold,))
    assert found.reason.startswith("balanced accuracy of the out-of-fold predictions")
    assert found.record()["applied"] is False


def test_what_cannot_be_estimated_leaves_the_predictions(
    oof: OutOfFold, tested: tuple[np.ndarray, ByFold]
) -> None:
    one = OutOfFold(
        targets=np.ones_like(oof.targets),
        predictions=oof.predictions,
        groups=oof.groups,
        folds=oof.folds,
    )
    config = CONFIG([{"predict": {"shares": "bbse"}}])
    found = estimate_reweighting(competition("accuracy"), config, one, tested[1], (0.5,))
    assert found.estimate is None
    assert found.reason == "class 0 has no sample out of fold"


def test_rows_have_the_shares_also_of_a_class_with_too_few() -> None:
    targets = np.array([0] * 6 + [1] * 94)
    rows = rows_with_shares(targets, np.array([0.5, 0.5]))
    assert np.bincount(targets[rows]).tolist() == [50, 50]
    assert set(rows[targets[rows] == 0]) == set(range(6))


def test_the_advice_names_the_command_only_if_the_shares_differ() -> None:
    record = {
        "classes": ["no", "yes"],
        "steps": [{"what": "as trained", "shares": [0.6, 0.4], "changed": 0}],
        "out_of_fold": [0.3, 0.7],
        "p_value": 1e-5,
    }
    advice = shares_advice(record, CONFIG([]), "a-run")
    assert "p = 1e-05" in advice
    assert "comp predict a-run' with --set predict.adapt=batchnorm or --set predict" in advice
    estimators = CONFIG([{"model": ["gbdt"]}])
    assert "adapt" not in shares_advice(record, estimators, "a-run")
    assert shares_advice(record | {"p_value": 0.02}, CONFIG([]), "a-run") == ""
    assert shares_line(record) == (
        "decided on the test: no 60.0% (out of fold 30.0%), yes 40.0% (out of fold 70.0%)"
    )
