"""The time of a fold: recorded in run.json, read by its training, and its parts."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from comp.config.schema import RunConfig, resolve
from comp.files import write_json
from comp.pipeline.fold_time import (
    FIXED,
    FoldTime,
    planned_cost,
    planned_parts,
    read_time,
    replanner_of,
)
from comp.pipeline.fold_time import record_time as record
from comp.pipeline.replanned import FILE, point_writer
from comp.runs.folder import RunFolder
from comp.runs.progress import Silent
from comp.training.budget import FoldCost
from comp.training.state import RESUME

COST = FoldCost(
    step_s=0.5, fixed_s=40.0, reserve_s=3.0, predict_s=10.0, validate_s=20.0, submit_s=6.0
)


def config(**settings: Any) -> RunConfig:
    report = {"report": {"write": False, "notes": False}}
    return resolve("toy", [report, {"budget": 1000.0, **settings}])


def context(folder: Path, config: RunConfig, **more: Any) -> Any:
    write_json(folder / "run.json", {"config": config.model_dump(mode="json"), **more})
    inputs = SimpleNamespace(config=config, train=[])
    return SimpleNamespace(inputs=inputs, folder=RunFolder(folder))


def test_a_training_reads_the_time_of_its_fold(tmp_path: Path) -> None:
    fold, run = tmp_path / "fold-0", RunFolder(tmp_path)
    record(context(tmp_path, config()), fold, COST, 100.0, last=True)
    found = read_time(run, fold)
    assert found == FoldTime(
        seconds=100.0,
        setup_s=4.0,
        step_s=0.5,
        validate_s=20.0,
        predict_s=10.0,
        submit_s=6.0,
        beyond_s=3.0,
    )
    plan = found.plan(config(validations=4), started=1000.0)
    assert (plan.ends_at, plan.training_end) == (1100.0, 1084.0)
    assert (plan.step_s, plan.validate_s, plan.after_s, plan.beyond_s) == (0.5, 5.0, 16.0, 3.0)
    assert planned_cost(run) == COST


def test_the_seeds_of_a_fold_share_its_time(tmp_path: Path) -> None:
    here = context(tmp_path, config(seeds=2))
    record(here, tmp_path / "fold-0", COST, 100.0, last=False)
    found = read_time(RunFolder(tmp_path), tmp_path / "fold-0" / "seed-1")
    assert found
    assert (found.seconds, found.step_s, found.beyond_s) == (50.0, 0.25, 0.0)
    record(here, tmp_path / "fold-1" / "seed-0", COST, 100.0, last=False)
    alone = read_time(RunFolder(tmp_path), tmp_path / "fold-1" / "seed-0")
    assert alone
    assert (alone.seconds, alone.step_s) == (100.0, 0.25)
    assert read_time(RunFolder(tmp_path), tmp_path / "fold-1" / "seed-1") is None


@pytest.mark.parametrize(
    ("settings", "more"),
    [({"model": ["network", "mlp"]}, {}), ({"model": ["gbdt"]}, {}), ({}, {FIXED: True})],
    ids=["several networks", "no network", "a repeat"],
)
def test_some_trainings_have_no_time(
    tmp_path: Path, settings: dict[str, Any], more: dict[str, Any]
) -> None:
    record(context(tmp_path, config(**settings), **more), tmp_path / "fold-0", COST, 9.0, last=True)
    assert read_time(RunFolder(tmp_path), tmp_path / "fold-0") is None
    assert planned_cost(RunFolder(tmp_path)) is None


def test_a_folder_without_a_run_has_no_time(tmp_path: Path) -> None:
    assert read_time(RunFolder(tmp_path), tmp_path / "fold-0") is None


def test_the_parts_of_all_folds_are_added_up(tmp_path: Path) -> None:
    here = context(tmp_path, config(seeds=2), plan={"0": 100, "1": 60}, full={"steps": 80})
    for place in ("fold-0", "fold-1/seed-0", "fold-1/seed-1", "full"):
        record(here, tmp_path / place, COST, 100.0, last=False)
    parts = planned_parts(RunFolder(tmp_path).record())
    assert parts["training"] == pytest.approx(2 * 0.25 * (100 + 60 + 80))
    assert parts["prediction"] == pytest.approx(3 * 10.0)
    assert planned_parts({}) == {}


@pytest.mark.parametrize("there", [True, False])
def test_points_count_only_with_the_checkpoint_that_they_led_to(
    tmp_path: Path, there: bool
) -> None:
    fold, run = tmp_path / "fold-0", RunFolder(tmp_path)
    record(context(tmp_path, config()), fold, COST, 100.0, last=True)
    fold.mkdir()
    if there:
        (fold / RESUME).touch()
    point_writer(fold, 50)(20, 40)
    planner = replanner_of(config(), run, fold, 50, 0.0, Silent())
    planner.begin(50, 20 if there else 0)
    assert planner.plan.steps == (40 if there else 50)
    assert (fold / FILE).is_file() == there


def test_what_a_repeat_is_given_counts_without_a_checkpoint(tmp_path: Path) -> None:
    fold, run = tmp_path / "fold-0", RunFolder(tmp_path)
    record(context(tmp_path, config(), **{FIXED: True}), fold, COST, 100.0, last=True)
    point_writer(fold, 50)(20, 40)
    planner = replanner_of(config(), run, fold, 50, 0.0, Silent())
    planner.begin(50)
    assert planner.wanted(20) == 40


@pytest.mark.parametrize(
    ("steps", "step_s", "words"),
    [
        (40, 0.9, ["40 steps instead of 50, because a step takes 0.9 s, not the planned 0.5 s"]),
        (40, 0.5, ["40 steps instead of 50, because the rest of the run takes longer"]),
        (9, 0.9, ["9 steps instead of 50", "THIS FOLD IS SHORT: it makes 18% of its steps"]),
    ],
)
def test_a_note_says_why_steps_are_left_out(
    tmp_path: Path, steps: int, step_s: float, words: list[str]
) -> None:
    notes: list[str] = []
    reporter: Any = Silent()
    reporter.note = notes.append
    fold, run = tmp_path / "fold-0", RunFolder(tmp_path)
    record(context(tmp_path, config()), fold, COST, 100.0, last=True)
    planner = replanner_of(config(), run, fold, 50, 0.0, reporter)
    planner._on_change(5, steps, step_s)
    assert len(notes) == len(words)
    for note, start in zip(notes, words, strict=True):
        assert note.startswith(start)
