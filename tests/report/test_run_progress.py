"""How far a run is, from what it reports."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from comp.contract.metric import Metric
from comp.contract.metrics import rmse
from comp.report.run_progress import ProgressCollector
from comp.runs.progress import RunStart, Step
from comp.runs.results import FoldResult

METRIC = Metric(name="RMSE", score=rmse, direction="min")
STEP = Step(fold=0, epoch=1, epochs=2, step=10, steps=100, loss=0.5, lr=0.1, rate=9.0)
RESULT = FoldResult(
    fold=0, score=0.125, loss=0.1, epoch=1, step=60, steps=100, planned=100, stopped_early=False,
    setup_s=1, fit_s=2, predict_s=3, validate_s=1, images_per_second=12.3, wait_share=0.1,
)  # fmt: skip


def started(run_dir: Path = Path("r1"), jobs: int = 1) -> ProgressCollector:
    collector = ProgressCollector(METRIC)
    collector.run_started(
        RunStart(
            run_id="r1", run_dir=run_dir, competition="denoising", data=Path("data"), test=2,
            synthetic=False, train=10, groups=5, group="page", folds=[0, 1, 2], of_folds=3,
            device="cpu", precision="fp32", seconds=None, budget=None, jobs=jobs, unit="rows",
        )
    )  # fmt: skip
    return collector


def states(collector: ProgressCollector) -> list[str]:
    return [fold.state for fold in collector.progress().folds]


def test_a_fold_trains_predicts_and_is_done() -> None:
    collector = started()
    assert states(collector) == ["works", "waits", "waits"]
    collector.step(STEP)
    collector.validated(0, 10, 0.5)
    collector.step(replace(STEP, step=20, loss=0.4, score=0.5))
    collector.validated(0, 20, 0.7)
    progress = collector.progress()
    fold = progress.folds[0]
    assert (fold.state, fold.score, fold.best_step) == ("trains", 0.5, 10)
    assert (fold.scores, fold.losses) == ((0.5, 0.7), (0.5, 0.4))
    assert fold.left_s is not None
    assert progress.left_s is not None
    assert progress.left_s > fold.left_s
    assert (progress.metric, progress.direction, progress.unit) == ("RMSE", "min", "rows")
    collector.predicted(0, 3, 9)
    assert states(collector) == ["predicts", "waits", "waits"]
    assert collector.progress().folds[0].predicted == (3, 9)
    collector.fold_done(RESULT)
    assert states(collector) == ["done", "works", "waits"]
    fold = collector.progress().folds[0]
    assert (fold.score, fold.best_step, fold.seconds) == (0.125, 60, 6.0)
    assert fold.scores == (0.5, 0.7)


def test_a_score_counts_before_the_next_step_reports_it() -> None:
    collector = started()
    collector.step(STEP)
    collector.validated(0, 10, 0.5)
    fold = collector.progress().folds[0]
    assert (fold.score, fold.steps[0].score) == (0.5, 0.5)


def test_a_resumed_fold_has_the_curve_from_before(tmp_path: Path) -> None:
    (tmp_path / "fold-0").mkdir()
    lines = [{"step": 5, "loss": 1.0, "score": 0.3}, {"step": 9, "loss": 0.8, "score": 0.4}]
    (tmp_path / "fold-0" / "history.jsonl").write_text("\n".join(map(json.dumps, lines)))
    collector = started(tmp_path)
    collector.step(STEP)
    fold = collector.progress().folds[0]
    assert (fold.scores, fold.losses, fold.best_step) == ((0.3, 0.4), (1.0, 0.8, 0.5), 5)
    finished = started(tmp_path)
    finished.fold_done(RESULT)
    assert finished.progress().folds[0].scores == (0.3, 0.4)


def test_seeds_at_the_same_time_keep_their_curves_apart() -> None:
    collector = started(jobs=2)
    first, second = (replace(STEP, part=f"seed {n} of 2") for n in (1, 2))
    collector.step(first)
    collector.step(replace(second, step=7))
    collector.validated(0, 10, 0.5)
    collector.validated(0, 7, 0.9)
    fold = collector.progress().folds[0]
    assert fold.scores == (0.9,)
    assert [step.score for step in fold.steps] == [0.5, 0.9]
    collector.step(replace(first, step=100))
    assert [step.part for step in collector.progress().folds[0].steps] == ["seed 2 of 2"]


def test_seeds_one_after_another_keep_their_curves_apart() -> None:
    """The steps of the second seed count from the start of the fold, those of its scores do not."""
    collector = started()
    collector.step(replace(STEP, step=100, steps=200, part="seed 1 of 2"))
    collector.validated(0, 100, 0.5)
    collector.step(replace(STEP, step=200, steps=200, part="seed 2 of 2"))
    collector.validated(0, 100, 0.9)
    (fold, *_) = collector.progress().folds
    assert (fold.scores, fold.score) == ((0.9,), 0.9)
    assert [step.part for step in fold.steps] == ["seed 2 of 2"]


def test_the_full_model_is_no_fold() -> None:
    collector = started()
    for fold in range(3):
        collector.fold_done(replace(RESULT, fold=fold))
    collector.step(replace(STEP, fold=3, part="full model"))
    collector.validated(3, 10, 0.0)
    progress = collector.progress()
    assert progress.doing == "full model"
    assert [fold.fold for fold in progress.folds] == [0, 1, 2]


def test_the_newest_messages_are_kept_and_all_are_counted() -> None:
    collector = started()
    for number in range(30):
        collector.note(f"message {number}")
    progress = collector.progress()
    assert (len(progress.notes), progress.notes[-1]) == (20, "message 29")
    assert progress.note_count == 30


def test_a_long_training_keeps_a_short_curve() -> None:
    collector = started()
    for number in range(1000):
        collector.step(replace(STEP, step=number, loss=float(number)))
    losses = collector.progress().folds[0].losses
    assert 100 < len(losses) < 300
    assert losses[-1] == pytest.approx(999, abs=10)
    assert list(losses) == sorted(losses)


def test_steps_before_the_run_starts_do_no_harm() -> None:
    collector = ProgressCollector(METRIC)
    collector.step(STEP)
    collector.validated(0, 10, 0.5)
    collector.predicted(0, 1, 2)
    assert collector.progress().folds == ()
