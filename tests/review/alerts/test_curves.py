"""Curves that still improve, that become worse, and networks that know their samples by heart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from review_runs import ReviewRun, chances
from toys import values

from comp.contract.metrics import AUC, RMSE
from comp.review.alerts.curves import OVERFITTING, STILL_IMPROVING
from comp.review.facts import RunFacts

TRUTH = np.arange(300) % 2
FALLING = [[0.6, 0.5, 0.4, 0.3, 0.2, 0.1]] * 3


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ReviewRun:
    """Its AUC has a standard error of about 0.01."""
    return ReviewRun(tmp_path, monkeypatch, TRUTH, chances(TRUTH, 1.0), metric=AUC)


def with_scores(run: ReviewRun, *scores: list[float], losses: Any = FALLING) -> RunFacts:
    return run.curves(scores, losses[: len(scores)], epochs=60).facts()


RISING = [
    [0.5, 0.55, 0.6, 0.7, 0.8, 0.9],
    [0.5, 0.6, 0.6, 0.65, 0.7, 0.8],
    [0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
]


def test_a_score_that_rises_to_the_end_needs_more_steps(run: ReviewRun) -> None:
    facts = with_scores(run, *RISING)
    notice = STILL_IMPROVING.notice(facts)
    assert notice
    assert "up to step 60" in str(notice.text)
    assert "by 0.10000 (mean of 3 folds" in str(notice.text)
    assert notice.command == f"comp run toy --repeat {run.folder.name} --set epochs=120"
    assert OVERFITTING.notice(facts) is None


def test_steps_and_budgets_become_longer_too(run: ReviewRun) -> None:
    facts = run.curves(RISING, FALLING, max_steps=60).facts()
    notice = STILL_IMPROVING.notice(facts)
    assert notice
    assert notice.command.endswith("--max-steps 120")
    notice = STILL_IMPROVING.notice(run.config(max_steps=None, budget=600.0).facts())
    assert notice
    assert notice.command.endswith("--budget 20m")


def test_a_perfect_run_has_nothing_to_improve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    perfect = ReviewRun(tmp_path, monkeypatch, TRUTH, chances(TRUTH, 9.0), metric=AUC)
    assert STILL_IMPROVING.notice(with_scores(perfect, *RISING)) is None


def test_a_gain_below_the_noise_of_the_score_is_silent(run: ReviewRun) -> None:
    small = [[0.9 + 0.0001 * step for step in range(6)]] * 3
    assert STILL_IMPROVING.notice(with_scores(run, *small)) is None


def test_noise_that_ends_high_is_silent(run: ReviewRun) -> None:
    noise = [
        [0.5, 0.6, 0.9, 0.6, 0.7, 0.9],
        [0.5, 0.6, 0.7, 0.9, 0.6, 0.7],
        [0.5, 0.9, 0.6, 0.9, 0.7, 0.8],
    ]
    facts = with_scores(run, *noise)
    assert STILL_IMPROVING.notice(facts) is None
    assert OVERFITTING.notice(facts) is None


def test_one_fold_of_few_validations_proves_nothing(run: ReviewRun) -> None:
    assert STILL_IMPROVING.notice(with_scores(run, RISING[0])) is None


def test_one_fold_of_many_validations_does(run: ReviewRun) -> None:
    scores = [0.5 + 0.05 * step for step in range(10)]
    losses = [1 - 0.1 * step for step in range(10)]
    assert STILL_IMPROVING.notice(with_scores(run, scores, losses=[losses]))


def test_a_score_that_is_not_a_number_is_silent(run: ReviewRun) -> None:
    facts = with_scores(run, *[[*row[:-1], float("nan")] for row in RISING])
    assert STILL_IMPROVING.notice(facts) is None


def test_a_score_that_falls_while_the_loss_falls_is_overfitting(run: ReviewRun) -> None:
    falling = [
        [0.5, 0.9, 0.9, 0.8, 0.7, 0.6],
        [0.5, 0.9, 0.95, 0.8, 0.7, 0.6],
        [0.6, 0.8, 0.9, 0.8, 0.7, 0.6],
    ]
    facts = with_scores(run, *falling)
    notice = OVERFITTING.notice(facts)
    assert notice
    assert "From step 40 to 60" in str(notice.text)
    assert STILL_IMPROVING.notice(facts) is None


def test_a_score_that_falls_with_a_rising_loss_is_not(run: ReviewRun) -> None:
    falling = [[0.5, 0.9, 0.9, 0.8, 0.7, 0.6]] * 3
    rising = [[0.1, 0.2, 0.3, 0.4, 0.5, 0.6]] * 3
    assert OVERFITTING.notice(with_scores(run, *falling, losses=rising)) is None


def test_the_direction_of_the_metric_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = np.random.default_rng(0).normal(size=300)
    run = ReviewRun(
        tmp_path, monkeypatch, truth.tolist(), truth * 0.99, task=values(), classes=(), metric=RMSE
    )
    facts = with_scores(run, *RISING)  # a rising error
    assert STILL_IMPROVING.notice(facts) is None
    assert OVERFITTING.notice(facts)


def heart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sharpness: float) -> ReviewRun:
    flat = [[0.5] * 6] * 3
    losses = [[0.6, 0.3, 0.1, 0.02, 0.01, 0.01]] * 3
    run = ReviewRun(tmp_path, monkeypatch, TRUTH, chances(TRUTH, sharpness), metric=AUC)
    return run.curves(flat, losses, loss={"name": "bce"})


def test_labels_that_are_known_by_heart_are_overfitting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notice = OVERFITTING.notice(heart(tmp_path, monkeypatch, 0.2).facts())
    assert notice
    assert "explains 99% of its training labels" in str(notice.text)


def test_a_network_that_knows_the_others_too_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert OVERFITTING.notice(heart(tmp_path, monkeypatch, 5.0).facts()) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"loader": {"mixup": 0.2}},
        {"loader": {"sampler": "balanced"}},
        {"loss": {"name": "focal"}},
        {"loss": {"name": "bce", "smoothing": 0.1}},
    ],
)
def test_losses_that_cannot_be_compared_are_silent(
    changed: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = heart(tmp_path, monkeypatch, 0.2).config(**changed)
    assert OVERFITTING.notice(run.facts()) is None
