"""Runs with a model of all samples: what it trains on, its part of the test predictions, stops."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from comp.config.schema import RunConfig, resolve
from comp.contract import registry
from comp.contract.competition import Competition
from comp.data.location import DataSource
from comp.errors import ConfigError
from comp.inference.predictions import Predictions
from comp.pipeline.fit_full import fit_full
from comp.pipeline.full_model import repeated_record
from comp.pipeline.predict import predict
from comp.pipeline.resume import resume
from comp.pipeline.run import run
from comp.runs.folder import RunFolder
from comp.runs.progress import Silent, Step
from comp.runs.results import RunSummary
from comp.tasks.regression import regression
from comp.tasks.tabular import table
from comp.workspace import Workspace

SETTINGS: dict[str, Any] = {
    "folds": 2,
    "epochs": 1,
    "validations": 2,
    "device": "cpu",
    "model": ["gbdt", "mlp"],
    "full": 2,
    "checkpoint_every": "1",
}


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@dataclass(frozen=True)
class Table:
    """A drawn table, and its run with a full model that counts as two folds."""

    competition: Competition
    data: Path
    workspace: Workspace
    summary: RunSummary

    def config(self, **settings: Any) -> RunConfig:
        own = [self.competition.defaults, self.competition.synthetic_defaults]
        return resolve("toy", [*own, SETTINGS, settings])


@pytest.fixture(scope="module")
def toy_table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Table]:
    task = regression(("price",), log=True)
    toy = table(name="toy", title="Toy", kaggle="competitions/toy", task=task)
    data = tmp_path_factory.mktemp("data")
    toy.draw_synthetic(data, np.random.default_rng(0))
    workspace = Workspace.at(tmp_path_factory.mktemp("runs"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "competitions", lambda: {"toy": toy})
        config = resolve("toy", [toy.defaults, toy.synthetic_defaults, SETTINGS])
        yield Table(toy, data, workspace, run(config, DataSource(data, False), workspace, Silent()))


def contents(folder: Path) -> dict[str, bytes]:
    """Weights, estimators and predictions, by their path in the folder."""
    files = [path for kind in ("*.safetensors", "*.zip") for path in folder.rglob(kind)]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_the_full_model_is_a_part_of_the_test_predictions_only(toy_table: Table) -> None:
    folder = toy_table.summary.run_dir
    parts = [
        Predictions(folder / name / "test.safetensors") for name in ("fold-0", "fold-1", "full")
    ]
    mean = Predictions(folder / "test.safetensors")
    for name, values in mean.items():
        first, second, full = (part[name].astype(np.float64) for part in parts)
        expected = ((first + second + 2 * full) / 4).astype(np.float32)
        np.testing.assert_array_equal(values, expected)
    held_out = [len(Predictions(folder / f"fold-{n}/oof.safetensors")) for n in (0, 1)]
    assert len(Predictions(folder / "full" / "oof.safetensors")) == 0
    assert len(Predictions(folder / "oof.safetensors")) == sum(held_out)
    assert set(toy_table.summary.fold_scores) == {0, 1}


def test_it_trains_on_all_samples_as_long_as_they_need(toy_table: Table) -> None:
    """One epoch of all samples has more steps than one of half of them."""
    folder = toy_table.summary.run_dir
    rows = len((toy_table.data / "train.csv").read_text().splitlines()) - 1
    record = json.loads((folder / "run.json").read_text())["full"]
    assert record == toy_table.summary.full
    assert json.loads((folder / "scores.json").read_text())["full"] == record
    assert (record["samples"], record["weight"], record["share"]) == (rows, 2.0, 0.5)
    steps = {
        name: json.loads((folder / name / "mlp" / "meta.json").read_text())["steps"]
        for name in ("fold-0", "full")
    }
    assert steps["full"] == record["steps"] > steps["fold-0"]
    weights = [
        {m["name"]: m["weight"] for m in json.loads(path.read_text())["members"]}
        for path in (folder / name / "meta.json" for name in ("fold-0", "fold-1", "full"))
    ]
    assert weights[2]["gbdt"] == pytest.approx((weights[0]["gbdt"] + weights[1]["gbdt"]) / 2)


def test_predictions_of_all_weights_are_those_of_the_run(toy_table: Table, tmp_path: Path) -> None:
    result = predict(toy_table.summary.run_id, toy_table.workspace, out=tmp_path / "own")
    assert result.full
    assert (result.out / "full.safetensors").is_file()
    assert result.submission
    assert result.submission.read_bytes() == toy_table.summary.submission.read_bytes()


class _KilledError(BaseException):
    """Stands for kill -9: nothing handles it."""


class Killer(Silent):
    """Stops a run at the end of the training of its full model, and keeps what trained."""

    def __init__(self, deadly: bool) -> None:
        self.deadly, self.parts = deadly, set[str]()

    def step(self, step: Step) -> None:
        self.parts.add(step.part or str(step.fold))
        assert step.score is None or not step.part
        if self.deadly and step.part and step.step == step.steps:
            raise _KilledError


def test_a_killed_run_resumes_to_the_same_bytes(toy_table: Table, tmp_path: Path) -> None:
    workspace, source = Workspace.at(tmp_path), DataSource(toy_table.data, False)
    with pytest.raises(_KilledError):
        run(toy_table.config(), source, workspace, Killer(True))
    (path,) = workspace.runs("toy").iterdir()
    assert (path / "full" / "mlp" / "resume.pt").is_file()
    counted = Killer(False)
    summary = resume(RunFolder(path), workspace, counted)
    assert counted.parts == {"full model"}
    assert contents(path) == contents(toy_table.summary.run_dir)
    assert summary.submission.read_bytes() == toy_table.summary.submission.read_bytes()
    assert summary.full == toy_table.summary.full


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"optim": {"schedule": "plateau"}}, "optim.schedule = plateau needs held-out scores"),
        ({"average": {"how": "greedy-soup"}}, "greedy-soup needs held-out scores"),
    ],
)
def test_what_needs_held_out_samples_is_refused(
    settings: dict[str, Any], words: str, toy_table: Table, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=words):
        run(
            toy_table.config(**settings),
            DataSource(toy_table.data, False),
            Workspace.at(tmp_path),
            Silent(),
        )
    assert not Workspace.at(tmp_path).runs("toy").exists()


def test_a_repeat_leaves_out_what_the_budget_left_out(toy_table: Table) -> None:
    config = toy_table.config(budget=60.0)
    finished = {"state": "finished", "config": {"full": 2}}
    left_out = {"full": {"left_out": True}}
    assert repeated_record(config, finished) == left_out
    assert repeated_record(config, {**finished, **left_out}) == left_out
    assert repeated_record(config, {**finished, "full": {"steps": 7}}) == {"full": {"steps": 7}}
    assert repeated_record(config, {**finished, "full": {"steps": None}}) == {}  # no network
    assert repeated_record(config, {**finished, "state": "interrupted"}) == {}
    assert repeated_record(config, {**finished, "config": {"full": False}}) == {}
    assert repeated_record(toy_table.config(full=False), finished) == {}
    folder = RunFolder(toy_table.summary.run_dir.parent / "repeat")
    folder.path.mkdir()
    folder.update_record(**left_out)
    source = DataSource(toy_table.data, False)
    inputs: Any = SimpleNamespace(config=config, source=source, folds_to_train=[0, 1])
    context: Any = SimpleNamespace(inputs=inputs, folder=folder, reporter=Silent())
    assert not fit_full(context, [], None, 0.0)


def test_the_weight_is_more_than_0(toy_table: Table) -> None:
    with pytest.raises(ConfigError, match="full = 0: write true, false, or a number above 0"):
        toy_table.config(full=0)
