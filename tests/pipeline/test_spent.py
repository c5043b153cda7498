"""What a run has spent of its budget, over a stop and with another number of jobs."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from comp.config.schema import resolve
from comp.contract import registry
from comp.data.location import DataSource
from comp.files import read_json
from comp.pipeline.resume import resume
from comp.pipeline.run import run
from comp.pipeline.spent import record_spent, seconds_spent
from comp.runs.folder import RunFolder
from comp.runs.newest import newest_unfinished
from comp.runs.progress import Silent, Step
from comp.tasks.regression import regression
from comp.tasks.tabular import table
from comp.workspace import Workspace

TOY = table(name="toy", title="Toy", kaggle="competitions/toy", task=regression(("price",)))
SETTINGS = {"folds": 2, "budget": 2000.0, "validations": 1, "device": "cpu", "model": ["mlp"]}
CONFIG = resolve("toy", [TOY.defaults, TOY.synthetic_defaults, SETTINGS])
PLAN = {0: 2, 1: 2}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    TOY.draw_synthetic(folder, np.random.default_rng(0))
    monkeypatch.setattr(registry, "competitions", lambda: {"toy": TOY})
    return folder


class _KilledError(Exception):
    pass


class Killer(Silent):
    """Stops a run in its second fold."""

    def step(self, step: Step) -> None:
        if step.fold == 1:
            raise _KilledError


def test_seconds_before_a_stop_count_and_those_until_the_next_command_do_not(
    data: Path, tmp_path: Path
) -> None:
    workspace, began = Workspace.at(tmp_path), time.perf_counter()
    with pytest.raises(_KilledError):
        run(CONFIG, DataSource(data, False), workspace, Killer(), plan=PLAN, began=began - 100)
    folder = newest_unfinished(workspace)
    spent = read_json(folder.path / "run.json")["spent_s"]
    assert 100 < spent < 100 + time.perf_counter() - began
    folder.update_record(spent_s=1000.0, jobs=7)
    again = time.perf_counter()
    resume(folder, workspace, Silent(), began=again)
    spent = read_json(folder.path / "run.json")["spent_s"]
    assert 1000 < spent < 1000 + time.perf_counter() - again


def context(folder: RunFolder, **keys: Any) -> Any:
    inputs = SimpleNamespace(config=CONFIG.model_copy(update=keys), folds_to_train=[0, 1])
    return SimpleNamespace(inputs=inputs, folder=folder)


def test_what_added_folds_extend_the_budget_is_no_spent_time(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.update_record(extended={"folds": [1], "seconds": 500.0})
    began = time.perf_counter()
    record_spent(context(folder), began + 400.0)
    spent = read_json(tmp_path / "run.json")["spent_s"]
    assert 99.9 < spent < 100.1 + time.perf_counter() - began


def test_a_run_without_a_budget_records_nothing(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.update_record(state="running")
    record_spent(context(folder, budget=None), time.perf_counter())
    assert read_json(tmp_path / "run.json") == {"state": "running"}


def test_a_run_of_an_earlier_version_has_the_seconds_of_its_folds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = {"fold-0": 60.0, "fold-1": 30.0}
    monkeypatch.setattr(
        "comp.pipeline.spent.read_result",
        lambda place, _config: SimpleNamespace(seconds=seconds[place.name]),
    )
    folder = RunFolder(tmp_path)
    inputs = context(folder).inputs
    assert seconds_spent(folder, inputs, {}) == 90
    assert seconds_spent(folder, inputs, {"jobs": 2}) == 45
    assert seconds_spent(folder, inputs, {"jobs": 2, "spent_s": 70.0}) == 70
