"""Ordered grades: the task, and a whole run."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import cohen_kappa_score
from whole_run import WholeRun, competition_of, whole_run

from comp.config.sections import LossConfig
from comp.contract.competition import Competition
from comp.contract.metric import Pair
from comp.contract.metrics import MAE, QWK
from comp.contract.sample import Sample
from comp.errors import ConfigError
from comp.tasks.ordinal import ordinal

APTOS = """
from comp.tasks.image_table import image_table
from comp.tasks.ordinal import ordinal

COMPETITION = image_table(
    task=ordinal(5),
    name="aptos",
    title="APTOS 2019 Blindness Detection",
    kaggle="competitions/aptos2019-blindness-detection",
    id_column="id_code",
    label_column="diagnosis",
    images="train_images",
    test_images="test_images",
)
"""
TASK = ordinal(4)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        competition = competition_of(APTOS, patch)
        yield competition, whole_run(competition, tmp_path_factory.mktemp("eyes"))


def kappa(truth: np.ndarray, decided: np.ndarray) -> float:
    return float(cohen_kappa_score(truth, decided, labels=range(5), weights="quadratic"))


def test_the_score_is_that_of_the_predictions_with_cuts_of_the_other_folds(
    finished: tuple[Competition, WholeRun],
) -> None:
    competition, done = finished
    assert competition.metric is QWK
    truth = done.train["diagnosis"].cast(int).to_numpy()
    predictions, folds = done.stacked()
    assert predictions.shape == (60, 1)
    assert predictions.min() >= 0
    assert predictions.max() <= 4
    by_fold = {int(fold): params for fold, params in done.card["decision"]["by_fold"].items()}
    cuts = np.array([by_fold[fold] for fold in folds])
    decided = (predictions >= cuts).sum(axis=1)
    assert done.card["cv_score"] == pytest.approx(kappa(truth, decided), abs=1e-9)
    for fold, score in done.summary.fold_scores.items():
        own = folds == fold
        assert score == pytest.approx(kappa(truth[own], decided[own]), abs=1e-9)
    names = [f"cut below {grade}" for grade in range(1, 5)]
    assert done.card["decision"]["names"] == names


def test_the_file_scores_as_the_metric_says_of_the_decisions(
    finished: tuple[Competition, WholeRun],
) -> None:
    _, done = finished
    answers = np.arange(20) % 5
    submitted = done.submission["diagnosis"].cast(int).to_numpy()
    assert done.submission.columns == ["id_code", "diagnosis"]
    decided = (done.test_predictions() >= np.array(done.card["decision"]["params"])).sum(axis=1)
    pairs = zip(answers[:, None], decided[:, None], strict=True)
    assert kappa(answers, submitted) == pytest.approx(QWK.score(pairs), abs=1e-9)


def test_folds_are_stratified_by_grade(finished: tuple[Competition, WholeRun]) -> None:
    _, done = finished
    _, folds = done.stacked()
    truth = done.train["diagnosis"].cast(int).to_numpy()
    assert {tuple(np.bincount(truth[folds == fold])) for fold in (0, 1)} == {(6,) * 5}


@pytest.mark.parametrize("loss", ["corn", "cumulative"])
def test_losses_of_thresholds_run_and_predict_one_grade(
    loss: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = APTOS.replace("task=ordinal(5),", "task=ordinal(5),\n    metric=MAE,")
    competition = competition_of(f"from comp.contract.metrics import MAE{plugin}", monkeypatch)
    done = whole_run(competition, tmp_path, {"loss": {"name": loss}, "max_steps": 2})
    predictions, _ = done.stacked()
    assert predictions.shape == (60, 1)
    assert predictions.min() > 0
    assert predictions.max() < 4


@pytest.mark.parametrize(
    ("target", "problem"),
    [(0, ""), (3.0, ""), (np.int64(2), ""), (np.float32(1), ""), (4.0, "4 classes"),
     (-1.0, "4 classes"), (1.5, "4 classes"), ("1", "4 classes"), (Path("x"), "4 classes"),
     ((1.0,), "4 classes"), (float("nan"), "4 classes")],
)  # fmt: skip
def test_targets_are_checked(target: Any, problem: str) -> None:
    found = TASK.check(target)
    assert problem in found
    assert bool(found) == bool(problem)


def test_the_label_name_is_that_of_the_grade() -> None:
    assert ordinal(("low", "middle", "high")).label_names(2.0) == ("high",)
    assert ordinal(3).labels == ("0", "1", "2")


def activated(raw: list[list[float]]) -> list[float]:
    assert TASK.activation is not None
    out = TASK.activation(torch.tensor(raw).bfloat16())
    assert out.dtype == torch.float32
    assert out.shape == (len(raw), 1)
    return out[:, 0].tolist()


def test_every_loss_predicts_the_expected_grade() -> None:
    assert activated([[2.5], [-1.0], [9.0]]) == [2.5, 0, 3]
    assert activated([[0.0, 0.0, 0.0]]) == [pytest.approx(0.5 + 0.25 + 0.125)]
    assert activated([[-50.0, 0.0, 0.0, 0.0]]) == [pytest.approx(1.5)]
    assert TASK.head_outputs is not None
    assert [TASK.head_outputs(name) for name in ("mse", "corn", "cumulative")] == [1, 3, 4]


def train_samples() -> list[Sample]:
    return [Sample(id=str(i), image=Path("x"), target=float(i % 4)) for i in range(8)]


@pytest.mark.parametrize("name", TASK.losses)
def test_every_loss_is_lowest_for_the_right_grade(name: str) -> None:
    """Gradient descent on the raw outputs leads the prediction to the target."""
    loss = TASK.make_loss(name, LossConfig(delta=1.0), train_samples())
    assert TASK.head_outputs is not None
    assert TASK.activation is not None
    raw = torch.zeros(4, TASK.head_outputs(name), requires_grad=True)
    target = torch.arange(4.0)[:, None]
    optimizer = torch.optim.Adam([raw], 0.2)
    for _ in range(150):
        optimizer.zero_grad()
        loss(raw, target).backward()
        optimizer.step()
    torch.testing.assert_close(TASK.activation(raw.detach()), target, atol=0.25, rtol=0)


@pytest.mark.parametrize("name", TASK.losses)
def test_no_loss_broadcasts(name: str) -> None:
    loss = TASK.make_loss(name, LossConfig(), train_samples())
    assert TASK.head_outputs is not None
    with pytest.raises(ValueError, match="shape"):
        loss(torch.zeros(3, TASK.head_outputs(name)), torch.zeros(3))


@pytest.mark.parametrize("settings", [{"weights": "balanced"}, {"smoothing": 0.1}])
@pytest.mark.parametrize("name", ["mse", "corn"])
def test_weights_and_smoothing_are_refused(name: str, settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f"loss '{name}' of grades does not support"):
        TASK.make_loss(name, LossConfig(**settings), train_samples())


def pairs_of(values: np.ndarray, truth: np.ndarray) -> list[Pair]:
    return [
        Pair(np.float32([t]), np.float32([v]), str(i))
        for i, (t, v) in enumerate(zip(truth, values, strict=True))
    ]


def test_cuts_are_fitted_only_for_metrics_of_decisions() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, 500)
    values = 1.2 + 0.4 * truth + rng.normal(0, 0.1, 500)  # drawn together around the middle
    decision = TASK.decision
    assert decision is not None
    assert decision.fit is not None
    assert decision.default == (0.5, 1.5, 2.5)
    assert decision.fit(pairs_of(values, truth), MAE, 0) == decision.default
    cuts = decision.fit(pairs_of(values, truth), QWK, 0)
    assert cuts == pytest.approx((1.4, 1.8, 2.2), abs=0.1)


def test_the_decision_has_the_shape_of_a_target() -> None:
    assert TASK.decision is not None
    decided = [
        TASK.decision.apply(np.float32([value]), (0.5, 1.5, 2.5)).tolist()
        for value in (0.0, 0.5, 1.4, 1.5, 3.0)
    ]
    assert decided == [[0], [1], [1], [2], [3]]


def test_what_a_worker_needs_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(TASK)).labels == TASK.labels  # noqa: S301


@pytest.mark.parametrize("grades", [2, 0, True, ("a", "b"), ("a", "a", "b"), (1, 2, 3), range(5)])
def test_wrong_grades_are_refused(grades: Any) -> None:
    with pytest.raises(ValueError, match="grades = "):
        ordinal(grades)


def test_predictions_that_are_not_finite_keep_the_default() -> None:
    assert TASK.decision is not None
    assert TASK.decision.fit is not None
    pairs = pairs_of(np.array([np.nan, 1.0, 2.0]), np.array([0, 1, 2]))
    assert TASK.decision.fit(pairs, QWK, 0) == TASK.decision.default


def test_an_estimator_predicts_a_grade_of_the_scale() -> None:
    estimate = ordinal(4).estimate
    assert estimate
    assert estimate.predict(np.array([[-1.0], [1.5], [9.0]])).tolist() == [[0.0], [1.5], [3.0]]
