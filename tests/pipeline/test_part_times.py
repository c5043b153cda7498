"""The seconds of the parts of a run, in its run.json."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from comp.config.schema import resolve
from comp.data.location import DataSource
from comp.pipeline.part_times import RECORD, record_report
from comp.pipeline.run import run
from comp.runs.folder import RunFolder
from comp.runs.progress import Silent
from comp.training.budget import FoldCost
from comp.workspace import Workspace
from competitions.housing import COMPETITION as HOUSING

BEFORE, OF_FOLDS = {"start", "measuring"}, {"setup", "training", "validation", "prediction"}


@pytest.mark.parametrize("budget", [500.0, None])
def test_a_run_with_a_budget_records_what_was_planned_and_taken(
    tmp_path: Path, budget: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    HOUSING.draw_synthetic(tmp_path, np.random.default_rng(0))
    cost = FoldCost(step_s=40.0, fixed_s=40.0, reserve_s=10.0, predict_s=10.0, validate_s=10.0)
    monkeypatch.setattr("comp.pipeline.run.measure", lambda *_: cost)
    settings = {"folds": 2, "model": ["mlp"], "device": "cpu", "budget": budget, "max_steps": 5}
    settings |= {"report": {"write": False, "notes": False}, "validations": 1}
    settings |= {"max_steps": None} if budget else {}
    layers = [HOUSING.defaults, HOUSING.synthetic_defaults, settings]
    place = Workspace.at(tmp_path / "out")
    began = time.perf_counter()
    summary = run(resolve("housing", layers), DataSource(tmp_path, False), place, Silent())
    whole_s = time.perf_counter() - began
    folder = RunFolder(summary.run_dir)
    record_report(folder, 3.5)
    record = folder.record()
    if budget is None:
        assert RECORD not in record
        return
    planned, taken = record[RECORD]["planned"], record[RECORD]["taken"]
    assert planned.keys() == OF_FOLDS | {"submission", "scores", "report"}
    assert taken.keys() == BEFORE | OF_FOLDS | {"submission", "scores", "report"}
    assert planned["training"] >= 40.0 * record["plan"]["0"]
    assert taken.pop("report") == 3.5
    assert all(seconds >= 0 for seconds in taken.values())
    assert record["seconds"] - 0.01 < sum(taken.values()) < whole_s + 0.01
