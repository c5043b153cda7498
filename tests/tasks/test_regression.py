"""Numbers: the task, and a whole run."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import root_mean_squared_error
from whole_run import WholeRun, competition_of, whole_run

from comp.config.sections import LossConfig
from comp.contract.competition import Competition
from comp.contract.metrics import RMSE
from comp.contract.sample import Sample
from comp.errors import ConfigError
from comp.tasks.regression import regression

PAWS = """
from comp.tasks.image_table import image_table
from comp.tasks.regression import regression

COMPETITION = image_table(
    task=regression(("Pawpularity",), limits=(1, 100)),
    name="pawpularity",
    title="PetFinder.my Pawpularity",
    kaggle="competitions/petfinder-pawpularity-score",
    id_column="Id",
    images="train",
    test_images="test",
)
"""
POINTS = """
from comp.contract.metrics import MEAN_COLUMNWISE_RMSE
from comp.tasks.image_table import image_table
from comp.tasks.regression import regression

COMPETITION = image_table(
    task=regression(("x", "y"), log=True),
    name="points",
    title="Points",
    kaggle="competitions/points",
    metric=MEAN_COLUMNWISE_RMSE,
)
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        competition = competition_of(PAWS, patch)
        yield competition, whole_run(competition, tmp_path_factory.mktemp("paws"))


def test_the_score_is_that_of_the_predictions(finished: tuple[Competition, WholeRun]) -> None:
    competition, done = finished
    assert competition.metric is RMSE
    truth = done.train["Pawpularity"].cast(float).to_numpy()
    predictions, folds = done.stacked()
    assert done.card["cv_score"] == pytest.approx(
        root_mean_squared_error(truth, predictions[:, 0]), rel=1e-6
    )
    for fold, score in done.summary.fold_scores.items():
        own = folds == fold
        expected = root_mean_squared_error(truth[own], predictions[own, 0])
        assert score == pytest.approx(expected, rel=1e-6)
    assert done.card["decision"] is None
    estimates = done.card["classes"][0]["estimates"]
    assert estimates["rmse"]["value"] == pytest.approx(done.card["cv_score"], rel=1e-6)


def test_the_file_scores_as_the_metric_says_of_the_predictions(
    finished: tuple[Competition, WholeRun],
) -> None:
    _, done = finished
    answers = 1.0 + np.arange(20) % 6
    submitted = done.submission["Pawpularity"].cast(float).to_numpy()
    assert submitted.min() >= 1
    values = done.test_predictions()
    assert root_mean_squared_error(answers, submitted) == pytest.approx(
        RMSE.score(zip(answers[:, None], values, strict=True)), abs=1e-5
    )


def test_several_columns_with_logarithms_are_predicted_as_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = whole_run(competition_of(POINTS, monkeypatch), tmp_path)
    truth = done.train.select("x", "y").cast(float).to_numpy()
    predictions, _ = done.stacked()
    assert predictions.shape == (60, 2)
    errors = np.sqrt(((predictions - truth) ** 2).mean(axis=0))
    assert done.card["cv_score"] == pytest.approx(errors.mean(), rel=1e-6)
    assert errors[0] < 6  # of values 1 to 6; log units would be 2
    assert done.submission.columns == ["id", "x", "y"]
    names = list(done.card["classes"][0]["estimates"])
    assert names == ["rmse of x", "mae of x", "r2 of x", "rmse of y", "mae of y", "r2 of y"]


def train_samples(*targets: Any) -> list[Sample]:
    return [Sample(id=str(i), image=Path("x"), target=t) for i, t in enumerate(targets)]


class Scaled(torch.nn.Module):
    """A network with scaled outputs."""

    target_mean: torch.Tensor
    target_std: torch.Tensor

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.scaled = True
        self.register_buffer("target_mean", torch.zeros(outputs))
        self.register_buffer("target_std", torch.ones(outputs))


def test_the_network_learns_the_scale_of_the_training_targets() -> None:
    task, model = regression(("x", "y")), Scaled(2)
    assert task.prepare is not None
    task.prepare(model, train_samples((10, 5), (30, 5), (20, 5)))
    assert model.target_mean.tolist() == [20, 5]
    assert model.target_std.tolist() == [pytest.approx(np.std([10, 30, 20])), 1]
    task.prepare(torch.nn.Linear(2, 2), train_samples((1, 2), (3, 4)))  # a plugin's own network


def test_with_logarithms_the_scale_is_that_of_logarithms() -> None:
    task, model = regression(log=True), Scaled(1)
    assert task.prepare is not None
    task.prepare(model, train_samples(0, 9, 99))
    assert model.target_mean.item() == pytest.approx(np.log1p([0, 9, 99]).mean())


@pytest.mark.parametrize("factor", [1e-6, 1.0, 1e6])
def test_the_loss_does_not_depend_on_the_unit(factor: float) -> None:
    targets = np.array([1.0, 2.0, 4.0, 9.0])
    loss = regression().make_loss("mse", LossConfig(), train_samples(*(targets * factor)))
    raw = torch.tensor([[2.0], [2.0], [3.0], [8.0]])
    found = loss(raw * factor, torch.tensor(targets[:, None] * factor).float())
    expected = ((raw[:, 0].numpy() - targets) ** 2).mean() / targets.var()
    assert found.item() == pytest.approx(expected, rel=1e-4)


def test_a_large_mean_costs_no_precision() -> None:
    targets = 1e6 + np.array([0.0, 1.0, 2.0, 3.0])
    loss = regression().make_loss("mse", LossConfig(), train_samples(*targets))
    target = torch.tensor(targets[:, None]).float()
    assert loss(target + 1, target).item() == pytest.approx(1 / targets.var(), rel=1e-5)


def test_with_logarithms_loss_and_prediction_meet() -> None:
    """The raw output that has no loss is the one whose prediction is the target."""
    task = regression(log=True)
    assert task.soften is not None
    assert task.activation is not None
    loss = task.make_loss("mse", LossConfig(), train_samples(0.0, 3.0, 50.0))
    target = torch.tensor([[0.0], [3.0], [50.0]])
    raw = torch.log1p(target)
    assert loss(raw, task.soften(target, 0.0)).item() == 0
    torch.testing.assert_close(task.activation(raw), target)
    assert task.activation(torch.tensor([[-2.0]])).item() == 0
    np.testing.assert_array_equal(task.encode(np.float32([3.0])), [3.0])


def test_limits_clip_predictions() -> None:
    activation = regression(limits=(1, 100)).activation
    assert activation is not None
    assert activation(torch.tensor([[-5.0], [50.0], [200.0]])).ravel().tolist() == [1, 50, 100]


def test_constant_targets_are_told() -> None:
    words = r"all 3 training samples have the same value \(2\), so there is nothing to learn"
    with pytest.raises(ConfigError, match=words):
        regression().make_loss("mse", LossConfig(), train_samples(2, 2, 2))
    loss = regression(("x", "y")).make_loss("mse", LossConfig(), train_samples((2, 1), (2, 3)))
    assert loss(torch.tensor([[3.0, 1.0]]), torch.tensor([[2.0, 1.0]])).item() == 0.5


@pytest.mark.parametrize(
    ("fields", "target", "problem"),
    [
        ({}, 1.5, ""),
        ({}, np.float32(2), ""),
        ({}, (3.0,), ""),
        ({}, np.array([3.0]), ""),
        ({}, float("nan"), "not a finite number"),
        ({}, float("inf"), "not a finite number"),
        ({}, "12", "not a finite number"),
        ({}, Path("a.png"), "not a finite number"),
        ({}, (1.0, 2.0), "not a finite number"),
        ({"log": True}, 0.0, ""),
        ({"log": True}, -0.5, "is negative"),
        ({"columns": ("x", "y")}, (1, 2.5), ""),
        ({"columns": ("x", "y")}, (1.0,), r"is not 2 numbers (x, y)"),
        ({"columns": ("x", "y")}, 1.0, "is not 2 numbers"),
        ({"columns": ("x", "y")}, (1.0, float("inf")), "not a finite number"),
        ({"columns": ("x", "y")}, "xy", "is not 2 numbers"),
    ],
)
def test_targets_are_checked(fields: dict[str, Any], target: Any, problem: str) -> None:
    found = regression(**fields).check(target)
    assert problem in found
    assert bool(found) == bool(problem)


@pytest.mark.parametrize("name", regression().losses)
def test_no_loss_broadcasts(name: str) -> None:
    loss = regression().make_loss(name, LossConfig(), train_samples(1, 2))
    assert loss(torch.ones(3, 1), torch.ones(3, 1)).item() < 0.2
    with pytest.raises(ValueError, match="shape"):
        loss(torch.ones(3, 1), torch.ones(3))
    with pytest.raises(ValueError, match="shape"):
        loss(torch.ones(3, 2), torch.ones(3, 2))


@pytest.mark.parametrize("settings", [{"weights": "balanced"}, {"smoothing": 0.1}])
def test_weights_and_smoothing_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="loss 'mse' of numbers does not support"):
        regression().make_loss("mse", LossConfig(**settings), train_samples(1, 2))


def test_what_a_worker_needs_can_be_pickled() -> None:
    task = regression(("x", "y"), log=True, limits=(0, 9))
    assert pickle.loads(pickle.dumps(task)).labels == task.labels  # noqa: S301


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"columns": ()}, "one or more different columns"),
        ({"columns": ("x", "x")}, "different columns"),
        ({"columns": (1, 2)}, "names are texts"),
        ({"limits": (5, 5)}, "a smaller and a larger number"),
        ({"limits": (5, float("nan"))}, "a smaller and a larger number"),
    ],
)
def test_wrong_arguments_are_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        regression(**fields)


def test_a_target_outside_the_limits_is_refused() -> None:
    """All predictions were clipped to the limits, without a word."""
    task = regression(limits=(0, 1))
    assert task.check(0.0) == task.check(1.0) == ""
    assert task.check(50.0) == "is not within the limits 0 and 1 of the task"


def test_an_estimator_learns_logarithms_and_predicts_numbers_within_the_limits() -> None:
    estimate = regression(("price",), log=True, limits=(0, 50)).estimate
    assert estimate
    targets = np.array([[0.0], [9.0], [99.0]], dtype=np.float32)
    learned = estimate.learn(targets)
    np.testing.assert_allclose(learned[:, 0], np.log1p([0.0, 9.0, 99.0]), rtol=1e-6)
    np.testing.assert_allclose(estimate.predict(learned)[:, 0], [0.0, 9.0, 50.0], rtol=1e-5)
    assert estimate.kind == "values"
    assert estimate.predict(learned).dtype == np.float32
