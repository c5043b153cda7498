"""Classes that are never predicted, and probabilities that are not frequencies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from review_runs import ReviewRun, calibrated

from comp.contract.metrics import ACCURACY, AUC, F1_MACRO, LOG_LOSS, MEAN_LOG_LOSS
from comp.review.alerts.predictions import CALIBRATION, NEVER_PREDICTED
from comp.review.evidence.calibration import crossed_error
from comp.tasks.multiclass import multiclass
from comp.tasks.multilabel import multilabel

THREE = multiclass(("a", "b", "c"))


def shares(truth: np.ndarray, decided: np.ndarray) -> np.ndarray:
    """Probabilities (N, 3) whose largest is that of `decided`."""
    return np.where(np.arange(3) == decided[:, None], 0.8, 0.1)


@pytest.mark.parametrize("metric", [ACCURACY, LOG_LOSS])
def test_a_class_that_is_never_decided(
    metric: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = np.arange(120) % 3
    decided = np.where(truth == 2, 0, truth)
    run = ReviewRun(tmp_path, monkeypatch, truth, shares(truth, decided), task=THREE, metric=metric)
    notice = NEVER_PREDICTED.notice(run.facts())
    assert notice
    assert str(notice.text).startswith("c is never decided out of fold, though 40 samples in 40")
    assert ("compares probabilities" in str(notice.text)) == (metric is LOG_LOSS)
    assert notice.tone == ("plain" if metric is LOG_LOSS else "warning")


@pytest.mark.parametrize(("count", "rare"), [(50, False), (26, False), (24, True), (8, True)])
def test_only_rare_classes_are_to_be_drawn_more_often(
    count: int, rare: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = (150 - count) // 2
    truth = np.array([0, 1] * other + [2] * count)
    run = ReviewRun(tmp_path, monkeypatch, truth, shares(truth, truth * (truth < 2)), task=THREE)
    notice = NEVER_PREDICTED.notice(run.facts())
    assert notice
    assert ("is not rare" in str(notice.remedy)) != rare


@pytest.mark.parametrize("rare", [1, 4])
def test_a_class_of_few_groups_proves_nothing(
    rare: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = np.array([0, 1] * 30 + [2] * rare)
    run = ReviewRun(tmp_path, monkeypatch, truth, shares(truth, truth * (truth < 2)), task=THREE)
    assert NEVER_PREDICTED.notice(run.facts()) is None


def test_a_class_that_is_decided_once_is_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = np.arange(120) % 3
    decided = np.where((truth == 2) & (np.arange(120) > 2), 0, truth)
    run = ReviewRun(tmp_path, monkeypatch, truth, shares(truth, decided), task=THREE)
    assert NEVER_PREDICTED.notice(run.facts()) is None


def test_labels_that_are_never_decided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    truth = (np.random.default_rng(0).random((90, 3)) < 0.3).astype(float)
    found = 0.1 + 0.8 * truth
    found[:, 1:] = 0.2
    task = multilabel(("x", "y", "z"))
    run = ReviewRun(tmp_path, monkeypatch, list(truth), found, task=task, metric=F1_MACRO)
    notice = NEVER_PREDICTED.notice(run.facts())
    assert notice
    assert str(notice.text).startswith("2 classes are never decided out of fold, such as ")


def too_sure(factor: float, count: int = 600) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated probabilities whose logits are multiplied."""
    truth, probabilities = calibrated(count, spread=1.0)
    logits = factor * np.log(probabilities / (1 - probabilities))
    return truth, 1 / (1 + np.exp(-logits))


@pytest.mark.parametrize("factor", [5.0, 0.1])
def test_probabilities_that_are_too_sure_or_not_sure_enough(
    factor: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth, found = too_sure(factor)
    run = ReviewRun(tmp_path, monkeypatch, truth, found, metric=LOG_LOSS)
    notice = CALIBRATION.notice(run.facts())
    assert notice
    assert ("Train longer" in str(notice.remedy)) == (factor < 1)


@pytest.mark.parametrize("seed", range(4))
def test_calibrated_probabilities_are_silent(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth, found = calibrated(200, seed)
    run = ReviewRun(tmp_path, monkeypatch, truth, found, metric=LOG_LOSS)
    assert CALIBRATION.notice(run.facts()) is None


@pytest.mark.parametrize("metric", [AUC, ACCURACY])
def test_metrics_that_do_not_care_are_silent(
    metric: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth, found = too_sure(5.0)
    run = ReviewRun(tmp_path, monkeypatch, truth, found, metric=metric)
    assert CALIBRATION.notice(run.facts()) is None


def test_labels_that_are_too_sure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    truth, found = too_sure(5.0, 900)
    task = multilabel(("x", "y", "z"))
    run = ReviewRun(
        tmp_path,
        monkeypatch,
        list(truth.reshape(300, 3).astype(float)),
        found.reshape(300, 3),
        task=task,
        metric=MEAN_LOG_LOSS,
    )
    assert CALIBRATION.notice(run.facts())


def test_the_error_of_calibrated_groups_is_zero_within_its_standard_error() -> None:
    """300 samples in 60 groups whose outcomes depend on one number: in 1,500 simulations 0.3 % are
    beyond 2.576 standard errors, where 0.5 % are expected."""
    inside, groups = 0, np.repeat(np.arange(60), 5)
    for seed in range(150):
        rng = np.random.default_rng(seed)
        probabilities = np.repeat(rng.random(60), 5)
        happened = np.repeat(rng.random(60), 5) < probabilities
        error, spread = crossed_error(
            happened[:, None].astype(float), probabilities[:, None], groups, seed
        )
        inside += error <= 2.576 * spread
    assert inside >= 147
