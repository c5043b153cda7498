"""Folds and seeds at the same time: the bytes of a run, who writes, budgets, failures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from inline_engine import InlineEngine

from comp.config.placement import Placement
from comp.config.schema import RunConfig, resolve
from comp.contract import registry
from comp.data.location import DataSource
from comp.engines.engine import TaskDiedError
from comp.errors import RunError
from comp.pipeline import placed, side_by_side
from comp.pipeline.resume import resume
from comp.pipeline.run import run
from comp.runs.folder import RunFolder
from comp.runs.newest import newest_unfinished
from comp.runs.progress import RunStart, Silent, Step
from comp.runs.results import RunSummary
from comp.signals import Stopped
from comp.tasks.regression import regression
from comp.tasks.tabular import table
from comp.training.budget import FoldCost
from comp.workspace import Workspace

SETTINGS: dict[str, Any] = {
    "folds": 2,
    "max_steps": 4,
    "validations": 1,
    "device": "cpu",
    "model": ["linear", "mlp"],
    "seeds": 2,
    "full": 1,
}
TWO = Placement(jobs=2)
COST = FoldCost(step_s=0.1, fixed_s=1.0, reserve_s=1.0)


class Notes(Silent):
    """Keeps what is reported."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.parts: set[tuple[int, str]] = set()
        self.started: RunStart | None = None

    def note(self, text: str) -> None:
        self.notes.append(text)

    def run_started(self, run_start: RunStart) -> None:
        self.started = run_start

    def step(self, step: Step) -> None:
        self.parts.add((step.fold, step.part))


@dataclass(frozen=True)
class Toy:
    """A drawn table, and its run of one fold after another."""

    data: Path
    whole: RunSummary

    def config(self, **settings: Any) -> RunConfig:
        toy = registry.get("toy")
        return resolve("toy", [toy.defaults, toy.synthetic_defaults, SETTINGS, settings])

    def run(self, place: Path, reporter: Silent, **settings: Any) -> RunSummary:
        source = DataSource(self.data, False)
        config = self.config(**settings)
        return run(config, source, Workspace.at(place), reporter, placement=TWO)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        yield
        torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toy]:
    task = regression(("price",), log=True)
    competition = table(name="toy", title="Toy", kaggle="competitions/toy", task=task)
    data = tmp_path_factory.mktemp("data")
    competition.draw_synthetic(data, np.random.default_rng(0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "competitions", lambda: {"toy": competition})
        config = resolve("toy", [competition.defaults, competition.synthetic_defaults, SETTINGS])
        place = Workspace.at(tmp_path_factory.mktemp("whole"))
        yield Toy(data, run(config, DataSource(data, False), place, Silent()))


Start = Callable[..., InlineEngine]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Start:
    """Makes the engine of the next runs, which must not write run.json in a task."""
    write = RunFolder.update_record

    def use(**given: Any) -> InlineEngine:
        engine = InlineEngine(**given)

        def checked(folder: RunFolder, **values: Any) -> None:
            assert not engine.runs
            write(folder, **values)

        monkeypatch.setattr(RunFolder, "update_record", checked)
        monkeypatch.setattr(placed, "choose_engine", lambda *_: engine)
        return engine

    return use


def files(summary: RunSummary) -> dict[str, bytes]:
    """The weights, predictions and the submission of a run."""
    root = summary.run_dir
    found = [path for kind in ("*.safetensors", "*.zip", "*.csv") for path in root.rglob(kind)]
    contents = {path.relative_to(root).as_posix(): path.read_bytes() for path in found}
    return {**contents, "submission": summary.submission.read_bytes()}


def scores(summary: RunSummary) -> Mapping[str, Any]:
    """scores.json without what is of one run only."""
    card = json.loads(summary.run_dir.joinpath("scores.json").read_text())
    for seed in card["seeds"].get("runs", ()) if isinstance(card["seeds"], dict) else ():
        seed.pop("seconds", None)
    own = ("run_id", "run_dir", "submission", "seconds", "started", "members")
    return {key: value for key, value in card.items() if key not in own}


def test_the_bytes_are_those_of_one_fold_after_another(
    toy: Toy, start: Start, tmp_path: Path
) -> None:
    engine, reporter = start(), Notes()
    summary = toy.run(tmp_path, reporter)
    assert files(summary) == files(toy.whole)
    assert scores(summary) == scores(toy.whole)
    assert engine.most == 2
    record = RunFolder(summary.run_dir).record()
    assert (record["state"], record["jobs"], record["device"]) == ("finished", 2, "cpu (1 threads)")
    assert reporter.started
    assert reporter.started.jobs == 2
    assert reporter.parts >= {(fold, f"seed {n} of 2") for fold in range(2) for n in (1, 2)}
    assert (2, "full model  seed 2 of 2") in reporter.parts
    assert not [*summary.run_dir.rglob("batches.json"), *summary.run_dir.rglob("fold.lock")]
    assert "jobs" not in RunFolder(toy.whole.run_dir).record()


@pytest.mark.parametrize(
    ("error", "state", "message"),
    [
        (TaskDiedError("killed by SIGKILL"), "failed", "the process of fold 1, seed 1 of 2 died"),
        (Stopped(15), "interrupted", "15"),
    ],
)
def test_a_task_that_fails_stops_the_others_and_the_run_resumes(
    toy: Toy, start: Start, tmp_path: Path, error: BaseException, state: str, message: str
) -> None:
    engine = start(fails=lambda task, *_: error if (task.fold, task.seed) == (1, 0) else None)
    kind = Stopped if state == "interrupted" else RunError
    with pytest.raises(kind, match=message):
        toy.run(tmp_path, Silent())
    assert engine.stopped
    workspace = Workspace.at(tmp_path)
    folder = newest_unfinished(workspace)
    assert folder.record()["state"] == state
    start(slots=3)
    summary = resume(folder, workspace, Silent(), placement=Placement(jobs=3))
    assert files(summary) == files(toy.whole)


def test_a_budget_that_is_spent_leaves_out_the_folds_without_a_plan(
    toy: Toy, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first two folds are planned; then a fold seems to cost more than what is left."""
    steps = iter([6, 6, 1, 1, 1])
    monkeypatch.setattr(side_by_side, "steps_in_rounds", lambda *_: next(steps))
    monkeypatch.setattr("comp.pipeline.run.measure", lambda *_: COST)
    engine, reporter = start(), Notes()
    settings = {
        "budget": 600.0,
        "max_steps": None,
        "seeds": 1,
        "full": False,
        "folds": 4,
        "model": ["mlp"],
    }
    summary = toy.run(tmp_path, reporter, **settings)
    assert engine.most == 2
    assert summary.plan == {0: 6, 1: 6}
    assert list(summary.left_out) == [2, 3]
    record = RunFolder(summary.run_dir).record()
    assert (record["folds"], record["left_out"]) == ([0, 1], [2, 3])
    assert record["plan"] == {"0": 6, "1": 6}
    assert sum("left out: 2, 3" in note for note in reporter.notes) >= 1


BUDGET: dict[str, Any] = {
    "budget": 600.0,
    "max_steps": None,
    "seeds": 1,
    "full": False,
    "model": ["mlp"],
}


def test_a_fold_that_starts_while_another_one_ends_has_its_share_of_the_budget(
    toy: Toy, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[int] = []

    def steps(_inputs: Any, count: int, *_: Any) -> int:
        left.append(count)
        return 4

    monkeypatch.setattr(side_by_side, "steps_in_rounds", steps)
    monkeypatch.setattr("comp.pipeline.run.measure", lambda *_: COST)
    start()
    assert toy.run(tmp_path, Silent(), folds=4, **BUDGET).plan == dict.fromkeys(range(4), 4)
    assert left == [4, 4, 2, 2]


def test_a_fold_without_time_is_left_out_though_its_other_models_are_being_fitted(
    toy: Toy, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fold 2 finds too few steps while fold 1 fits its linear model; later there seem to be
    enough."""
    steps = iter([8, 8, 1, 8])
    monkeypatch.setattr(side_by_side, "steps_in_rounds", lambda *_: next(steps))
    monkeypatch.setattr("comp.pipeline.run.measure", lambda *_: COST)
    start(slots=3)
    settings = {**BUDGET, "folds": 4, "model": ["linear", "mlp"]}
    summary = toy.run(tmp_path, Silent(), **settings)
    record = RunFolder(summary.run_dir).record()
    trained = [int(path.parent.name[5:]) for path in summary.run_dir.glob("fold-*/meta.json")]
    assert sorted(trained) == record["folds"] == sorted(summary.plan)
    assert sorted([*record["folds"], *record["left_out"]]) == [0, 1, 2, 3]
