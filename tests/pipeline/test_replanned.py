"""Runs whose steps are planned again while they train: recorded, repeated, and resumed."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from comp.config.schema import RunConfig, resolve
from comp.data.location import DataSource
from comp.pipeline import fold_time
from comp.pipeline.replanned import FILE, point_writer, points_of_run, read_points
from comp.pipeline.resume import resume
from comp.pipeline.run import run
from comp.runs.folder import RunFolder
from comp.runs.progress import Silent
from comp.runs.results import RunSummary
from comp.signals import Stopped, handle_signals
from comp.training.budget import FoldCost
from comp.training.checkpoint import load_meta
from comp.training.replanning import Replanner
from comp.workspace import Workspace
from competitions.housing import COMPETITION as HOUSING

SETTINGS = {"folds": 2, "validations": 4, "device": "cpu", "model": ["mlp"], "budget": 60.0}
COST = FoldCost(step_s=0.5, fixed_s=1.0, reserve_s=0.0)
AGAIN = {"fold-0": {"planned": 20, "points": [[6, 12]]}}


class Slow:
    """A clock by which each look takes a second."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


class Told(Silent):
    """Keeps the notes, and stops the run by a signal after a validation."""

    def __init__(self, stop_after: int = 0) -> None:
        self.notes: list[str] = []
        self.stop_after = stop_after

    def note(self, text: str) -> None:
        self.notes.append(text)

    def validated(self, _fold: int, step: int, _score: float) -> None:
        if step == self.stop_after:
            signal.raise_signal(signal.SIGTERM)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> DataSource:
    data = tmp_path_factory.mktemp("data")
    HOUSING.draw_synthetic(data, np.random.default_rng(0))
    pl.read_csv(data / "train.csv").head(60).write_csv(data / "train.csv")
    return DataSource(data, False)


def config(**settings: Any) -> RunConfig:
    report = {"write": False, "notes": False}
    layers = [HOUSING.defaults, HOUSING.synthetic_defaults, SETTINGS, {"report": report}, settings]
    return resolve("housing", layers)


def files(summary: RunSummary) -> dict[str, bytes]:
    found = {path.relative_to(summary.run_dir): path for path in summary.run_dir.rglob("*.s*")}
    contents = {str(name): path.read_bytes() for name, path in found.items()}
    assert "fold-0/model.safetensors" in contents
    return {**contents, "submission": summary.submission.read_bytes()}


def repeated(
    source: DataSource, place: Path, points: Any, told: Silent | None = None
) -> RunSummary:
    """A run of 20 steps, and of 4 in fold 1, that plans again where `points` say."""
    plan, repeats = {0: 20, 1: 4}, {"replanned": points}
    place = Workspace.at(place)
    return run(config(), source, place, told or Silent(), plan=plan, repeats=repeats)


def test_a_slow_machine_plans_again_and_a_repeat_makes_the_same_steps(
    source: DataSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("comp.pipeline.run.measure", lambda *_: COST)
    monkeypatch.setattr(fold_time, "Replanner", partial(Replanner, clock=Slow()))
    monkeypatch.setattr(fold_time.FoldTime, "plan", _from_zero)
    told = Told()
    first = run(config(), source, Workspace.at(tmp_path / "a"), told)
    folder = RunFolder(first.run_dir)
    record, meta = folder.record(), load_meta(folder.fold(0))
    assert meta
    planned, points = meta["replanned"]["planned"], meta["replanned"]["points"]
    assert meta["steps"] == meta["planned"] == points[-1][1] < planned == record["plan"]["0"]
    assert record["replanned"]["fold-0"] == {"planned": planned, "points": points}
    assert record["fold_time"]["fold-0"]["step_s"] == COST.step_s
    assert first.plan[0] == meta["steps"]
    assert any(f"{meta['steps']} steps instead of {planned}" in text for text in told.notes)
    monkeypatch.undo()
    plan = {int(fold): steps for fold, steps in record["plan"].items()}
    repeats = {"replanned": points_of_run(folder)}
    place = Workspace.at(tmp_path / "b")
    second = run(config(), source, place, Silent(), plan=plan, repeats=repeats)
    assert files(second) == files(first)
    assert RunFolder(second.run_dir).record()["fixed_plan"]


def _from_zero(self: fold_time.FoldTime, config: RunConfig, _started: float) -> Any:
    return PLAN(self, config, 0.0)


PLAN = fold_time.FoldTime.plan


def test_a_resumed_training_plans_again_where_the_stopped_one_did(
    source: DataSource, tmp_path: Path
) -> None:
    whole = repeated(source, tmp_path / "whole", AGAIN)
    assert load_meta(whole.run_dir / "fold-0")["steps"] == 12  # type: ignore[index]
    for stop in (5, 8):  # before and after the point
        place = tmp_path / str(stop)
        with pytest.raises(Stopped) as caught, handle_signals():
            repeated(source, place, AGAIN, Told(stop))
        assert caught.value.run
        resumed = resume(RunFolder(caught.value.run), Workspace.at(place), Silent())
        assert files(resumed) == files(whole)
    assert files(repeated(source, tmp_path / "plain", {})) != files(whole)


def test_points_of_another_plan_are_not_read(tmp_path: Path) -> None:
    write = point_writer(tmp_path, 20)
    write(6, 12)
    write(8, 10)
    assert read_points(tmp_path, 20) == [(6, 12), (8, 10)]
    assert read_points(tmp_path, 21) == []
    (tmp_path / FILE).write_text("{")
    assert read_points(tmp_path, 20) == []
