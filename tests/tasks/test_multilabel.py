"""Several labels per image: the task, and a whole run."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score
from whole_run import WholeRun, competition_of, whole_run

from comp.config.sections import LossConfig
from comp.contract.competition import Competition
from comp.contract.metric import Pair
from comp.contract.metrics import F1_MACRO, F1_SAMPLES, MEAN_AUC
from comp.contract.sample import Sample
from comp.contract.task import Task, decisions
from comp.errors import ConfigError
from comp.tasks.multilabel import multilabel

LEAVES = """
from comp.contract.metrics import F1_SAMPLES
from comp.tasks.image_table import image_table
from comp.tasks.multilabel import multilabel

COMPETITION = image_table(
    task=multilabel(("healthy", "rust", "scab", "frog_eye")),
    name="pathology",
    title="Plant Pathology 2021",
    kaggle="competitions/plant-pathology-2021-fgvc8",
    metric=F1_SAMPLES,
    id_column="image",
    label_column="labels",
    separator=" ",
    images="train_images",
    test_images="test_images",
)
"""
NAMES = ["healthy", "rust", "scab", "frog_eye"]
TASK = multilabel(("a", "b", "c"))


def multi_hot(cells: list[str | None]) -> np.ndarray:
    return np.array([[name in (cell or "").split() for name in NAMES] for cell in cells])


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        competition = competition_of(LEAVES, patch)
        yield competition, whole_run(competition, tmp_path_factory.mktemp("leaves"))


def test_the_score_is_that_of_the_predictions_with_thresholds_of_the_other_folds(
    finished: tuple[Competition, WholeRun],
) -> None:
    _, done = finished
    truth = multi_hot(done.train["labels"].to_list())
    predictions, folds = done.stacked()
    by_fold = {int(fold): params for fold, params in done.card["decision"]["by_fold"].items()}
    decided = predictions >= np.array([by_fold[fold] for fold in folds])
    assert done.card["cv_score"] == pytest.approx(
        f1_score(truth, decided, average="samples", zero_division=1), abs=1e-9
    )
    for fold, score in done.summary.fold_scores.items():
        own = folds == fold
        expected = f1_score(truth[own], decided[own], average="samples", zero_division=1)
        assert score == pytest.approx(expected, abs=1e-9)
    assert done.card["decision"]["names"] == [f"threshold of {name}" for name in NAMES]


def test_the_file_scores_as_the_metric_says_of_the_decisions(
    finished: tuple[Competition, WholeRun],
) -> None:
    competition, done = finished
    kinds = [{0}, {1}, {2}, {3}, {0, 3}]
    answers = np.array([[k in kinds[i % 5] for k in range(4)] for i in range(20)])
    submitted = multi_hot(done.submission["labels"].to_list())
    assert done.submission.columns == done.sample.columns == ["image", "labels"]
    pairs = pairs_of(done.test_predictions(), answers)
    params = tuple(done.card["decision"]["params"])
    assert f1_score(answers, submitted, average="samples", zero_division=1) == pytest.approx(
        F1_SAMPLES.score(decisions(competition.task, pairs, params)), abs=1e-9
    )


def test_the_tables_have_the_labels(finished: tuple[Competition, WholeRun]) -> None:
    _, done = finished
    table = done.card["classes"][0]
    assert table["heading"] == "at 0.5"
    assert {"auc", "f1", "accuracy", "auc of rust", "f1 of scab"} <= set(table["estimates"])


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ((1.0, 0.0, 1.0), ""),
        ([0, 0, 0], ""),
        (np.array([1, 0, 0], dtype=np.uint8), ""),
        (np.float32([0, 1, 0]), ""),
        ((1.0, 0.0), "is not 3 numbers"),
        (1.0, "is not 3 numbers"),
        (np.array(1.0), "is not 3 numbers"),
        ("abc", "is not 3 numbers"),
        (Path("mask.png"), "is not 3 numbers"),
        ((1.0, 0.5, 0.0), "other than 0 and 1"),
        ((1.0, float("nan"), 0.0), "other than 0 and 1"),
        ((1.0, "0", 0.0), "other than 0 and 1"),
        (np.zeros((3, 1)), "is not 3 numbers"),
    ],
)
def test_targets_are_checked(target: Any, problem: str) -> None:
    found = TASK.check(target)
    assert problem in found
    assert bool(found) == bool(problem)
    if problem:
        assert TASK.label_names(target) == ()


def test_the_label_names_are_those_of_the_ones() -> None:
    assert TASK.label_names((1.0, 0.0, 1.0)) == ("a", "c")
    assert TASK.label_names(np.zeros(3)) == ()  # type: ignore[arg-type]


def samples(*targets: tuple[float, ...]) -> list[Sample]:
    return [Sample(id=str(i), image=Path("x"), target=t) for i, t in enumerate(targets)]


def test_balanced_weights_are_those_of_the_labels() -> None:
    train = samples((1, 1, 0), (0, 1, 0), (0, 0, 1), (0, 1, 0))
    raw, target = torch.randn(5, 3), torch.randint(0, 2, (5, 3)).float()
    loss = TASK.make_loss("bce", LossConfig(weights="balanced"), train)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(
        raw, target, pos_weight=torch.tensor([3.0, 1 / 3, 3.0])
    )
    torch.testing.assert_close(loss(raw, target), expected)
    with pytest.raises(ConfigError, match="no training sample of label 'c'"):
        TASK.make_loss("bce", LossConfig(weights="balanced"), samples((1, 1, 0), (0, 0, 0)))


@pytest.mark.parametrize("name", TASK.losses)
def test_every_loss_is_lower_for_the_right_answer_and_broadcasts_nothing(name: str) -> None:
    loss = TASK.make_loss(name, LossConfig(), samples((1, 0, 0)))
    target = torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    right, wrong = (target * 2 - 1) * 3, (1 - target * 2) * 3
    assert loss(right, target) < loss(wrong, target)
    with pytest.raises(ValueError, match="shape"):
        loss(right, target[:1])


def test_smoothing_moves_towards_a_half() -> None:
    assert TASK.soften is not None
    torch.testing.assert_close(
        TASK.soften(torch.tensor([[1.0, 0.0]]), 0.2), torch.tensor([[0.9, 0.1]])
    )


def test_probabilities_are_float32_under_bf16() -> None:
    assert TASK.activation is not None
    found = TASK.activation(torch.tensor([[5.001, 0.0, -5.0]]).bfloat16())
    assert found.dtype == torch.float32


def pairs_of(probabilities: np.ndarray, truth: np.ndarray) -> list[Pair]:
    rows = zip(truth.astype(np.float32), probabilities.astype(np.float32), strict=True)
    return [Pair(t, p, str(i)) for i, (t, p) in enumerate(rows)]


def decided_score(task: Task, pairs: list[Pair], params: tuple[float, ...]) -> float:
    return F1_MACRO.score(decisions(task, pairs, params))


def test_thresholds_are_fitted_only_for_metrics_of_decisions() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random((400, 3)) < [0.1, 0.3, 0.5]
    chances = np.clip(0.2 * truth + rng.random((400, 3)) * [0.2, 0.3, 0.9], 0, 1)
    pairs = pairs_of(chances, truth)
    decision = TASK.decision
    assert decision is not None
    assert decision.fit is not None
    assert decision.default == (0.5, 0.5, 0.5)
    assert decision.fit(pairs, MEAN_AUC, 0) == (0.5, 0.5, 0.5)
    params = decision.fit(pairs, F1_MACRO, 0)
    assert len(set(params)) > 1
    assert params[0] < 0.4
    assert decided_score(TASK, pairs, params) > decided_score(TASK, pairs, (0.5,) * 3) + 0.1
    assert decision.fit(pairs, F1_MACRO, 0) == params


def test_the_decision_has_the_shape_of_a_target() -> None:
    assert TASK.decision is not None
    found = TASK.decision.apply(np.float32([0.5, 0.2, 0.9]), (0.5, 0.1, 0.95))
    assert found.dtype == np.float32
    assert found.tolist() == [1, 1, 0]


def test_what_a_worker_needs_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(TASK)).labels == TASK.labels  # noqa: S301


@pytest.mark.parametrize("labels", [("a",), ("a", "a"), (1, 2), "ab"])
def test_wrong_labels_are_refused(labels: Any) -> None:
    with pytest.raises(ValueError, match="labels = "):
        multilabel(labels)


def test_predictions_that_are_not_finite_keep_the_default() -> None:
    assert TASK.decision is not None
    assert TASK.decision.fit is not None
    pairs = pairs_of(np.full((3, 3), np.nan), np.eye(3))
    assert TASK.decision.fit(pairs, F1_MACRO, 0) == TASK.decision.default
