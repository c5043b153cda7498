"""A learning rate that is too high, or at the edge of what was searched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from review_runs import ReviewRun, chances

from comp.contract.metrics import AUC
from comp.files import write_json
from comp.review.alerts.rate import RATE

TRUTH = np.arange(60) % 2
OPTIM: dict[str, Any] = {"optim": {"lr": 0.01}}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ReviewRun:
    return ReviewRun(tmp_path, monkeypatch, TRUTH, chances(TRUTH)).config(**OPTIM)


def test_a_loss_that_rises(run: ReviewRun) -> None:
    losses = [[0.5, 0.8, 1.5, 3.0], [0.6, 0.7, 2.0, 3.0], [0.5, 0.9, 1.2, 6.0]]
    notice = RATE.notice(run.curves([[0.5] * 4] * 3, losses).facts())
    assert notice
    assert "the training loss rose, from 0.53333 to 4.00000" in str(notice.text)
    assert notice.command == f"comp run toy --repeat {run.folder.name} --set optim.lr=0.001"


@pytest.mark.parametrize(
    "losses",
    [
        [[0.7, 0.6, 0.5, 0.4]] * 3,
        [[0.7, 0.8, 0.6, 0.7], [0.7, 0.6, 0.8, 0.6], [0.6, 0.7, 0.7, 0.7]],
        [[0.5, 0.5, 0.5, 0.5]] * 3,
    ],
    ids=["falls", "noise", "flat"],
)
def test_a_loss_that_does_not_surely_rise(run: ReviewRun, losses: Any) -> None:
    assert RATE.notice(run.curves([[0.5] * 4] * 3, losses).facts()) is None


def test_a_run_that_failed_because_the_loss_grew(run: ReviewRun) -> None:
    reason = "the loss of fold 1 is nan at step 7 (learning rate 1.00e-02)"
    notice = RATE.notice(run.record(state="failed", reason=reason).facts())
    assert notice
    assert "grew without bound" in str(notice.text)
    assert RATE.notice(run.record(reason="the disk is full").facts()) is None


def of_range_test(run: ReviewRun, **values: Any) -> Any:
    found = {"value": 0.01, "steps": 100, "fell": True, "rate_of_lowest_loss": 0.05}
    return RATE.notice(run.record(found={"optim.lr": found | values}).facts())


def test_a_range_test_without_a_fall(run: ReviewRun) -> None:
    notice = of_range_test(run, fell=False)
    assert "did not clearly fall" in str(notice.text)
    assert notice.command == "comp lr-find toy --steps 300"


@pytest.mark.parametrize(("lowest", "edge"), [(1.0, True), (1e-7, True), (0.05, False)])
def test_a_range_test_with_its_lowest_loss_at_an_end(
    run: ReviewRun, lowest: float, edge: bool
) -> None:
    assert bool(of_range_test(run, rate_of_lowest_loss=lowest)) == edge


def write_study(run: ReviewRun, best: float, high: float = 0.01, log: bool = True) -> None:
    folder = run.workspace.out / "tuning" / "toy" / "study-1"
    folder.mkdir(parents=True)
    space = {"optim.lr": {"low": 0.0001, "high": high, "log": log}}
    write_json(folder / "study.json", {"identity": {"space": space}})
    write_json(folder / "result.json", {"best_values": {"optim.lr": best}})


def test_the_best_value_of_a_study_at_the_edge(run: ReviewRun) -> None:
    write_study(run, 0.01)
    notice = RATE.notice(run.facts())
    assert notice
    assert "at the high end of its range 0.0001 to 0.01" in str(notice.text)
    assert notice.command.endswith("--set optim.lr=0.1")


@pytest.mark.parametrize(
    ("best", "high"), [(0.01, 1.0), (0.001, 0.01)], ids=["inside", "another run's"]
)
def test_a_value_inside_the_range_or_of_another_run(
    run: ReviewRun, best: float, high: float
) -> None:
    write_study(run, best, high)
    assert RATE.notice(run.facts()) is None


def test_a_damaged_study_is_no_evidence(run: ReviewRun) -> None:
    write_study(run, 0.01)
    (run.workspace.out / "tuning" / "toy" / "study-1" / "result.json").write_text("{")
    assert RATE.notice(run.facts()) is None


@pytest.mark.parametrize(("learned", "raised"), [(False, True), (True, False)])
def test_a_loss_that_stands_still(
    learned: bool, raised: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = np.arange(120) % 2
    found = chances(truth) if learned else np.random.default_rng(0).random(120)
    run = ReviewRun(tmp_path, monkeypatch, truth, found, metric=AUC).config(**OPTIM)
    losses = [[0.7, 0.695, 0.69, 0.7], [0.7, 0.69, 0.7, 0.695], [0.69, 0.7, 0.7, 0.69]]
    notice = RATE.notice(run.curves([[0.5] * 4] * 3, losses).facts())
    assert bool(notice) == raised
    if notice:
        assert "stood still" in str(notice.text)
        assert notice.command == "comp lr-find toy"
