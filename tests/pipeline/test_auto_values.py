"""Numbers that a run finds: on which samples, in which order, and what run.json keeps."""

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
from comp.pipeline import auto_values, batch_finder
from comp.pipeline.fold_context import FoldContext
from comp.pipeline.request import new_request
from comp.pipeline.resume_checks import resumed_config
from comp.pipeline.run import run
from comp.runs.folder import RunFolder
from comp.runs.progress import Silent
from comp.runs.results import RunSummary
from comp.tasks.regression import regression
from comp.tasks.tabular import table
from comp.workspace import Workspace

SETTINGS: dict[str, Any] = {
    "folds": 2,
    "max_steps": 4,
    "validations": 1,
    "device": "cpu",
    "model": ["mlp"],
    "optim": {"lr": "auto"},
    "loader": {"batch_size": "auto"},
}


class Listener(Silent):
    """Records the notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@dataclass(frozen=True)
class Found:
    """A drawn table, and its run that found both numbers."""

    competition: Competition
    data: Path
    workspace: Workspace
    summary: RunSummary
    notes: list[str]
    ids: set[str]
    """Of all samples that the searches could see."""

    @property
    def record(self) -> dict[str, Any]:
        record: dict[str, Any] = json.loads((self.summary.run_dir / "run.json").read_text())
        return record

    def config(self, **settings: Any) -> RunConfig:
        own = [self.competition.defaults, self.competition.synthetic_defaults]
        return resolve("toy", [*own, SETTINGS, settings])


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Found]:
    task = regression(("price",), log=True)
    toy = table(name="toy", title="Toy", kaggle="competitions/toy", task=task)
    data = tmp_path_factory.mktemp("data")
    toy.draw_synthetic(data, np.random.default_rng(0))
    workspace, listener = Workspace.at(tmp_path_factory.mktemp("runs")), Listener()
    ids: set[str] = set()
    make_step = vars(auto_values)["make_step"]

    def watched(context: FoldContext, steps: int) -> Any:
        ids.update(sample.id for sample in context.train)
        return make_step(context, steps)

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "competitions", lambda: {"toy": toy})
        patch.setattr(auto_values, "STEPS", 40)
        patch.setattr(batch_finder, "TRIAL_S", 0.02)
        patch.setattr(auto_values, "make_step", watched)
        patch.setattr(batch_finder, "make_step", watched)
        config = resolve("toy", [toy.defaults, toy.synthetic_defaults, SETTINGS])
        summary = run(config, DataSource(data, False), workspace, listener)
        yield Found(toy, data, workspace, summary, listener.notes, ids)
    torch.set_num_threads(threads)


def test_the_record_has_the_numbers_and_how_they_were_found(found: Found) -> None:
    record = found.record
    size, rate = (record["found"][key] for key in ("loader.batch_size", "optim.lr"))
    assert record["config"]["loader"]["batch_size"] == size["value"] >= 8
    assert record["config"]["optim"]["lr"] == rate["value"] > 0
    assert (size["fold"], rate["fold"]) == (0, 0)
    assert str(size["value"]) in size["samples_per_second"]
    assert rate["steps"] <= 40
    said = "\n".join(found.notes)
    assert f"loader.batch_size = auto: {size['value']} (" in said
    assert said.index("loader.batch_size = auto: ") < said.index("optim.lr = auto: ")


def test_no_held_out_sample_chooses(found: Found) -> None:
    lines = (found.summary.run_dir / "folds.csv").read_text().splitlines()[1:]
    fold_of = {line.split(",")[0]: line.split(",")[1] for line in lines}
    assert found.ids
    assert {fold_of[name] for name in found.ids} == {"1"}


def test_a_repeat_finds_nothing_and_is_equal(found: Found, tmp_path: Path) -> None:
    request = new_request(found.competition, found.workspace, {}, repeat=found.summary.run_id)
    config, listener = request.config(False), Listener()
    again = run(
        config,
        DataSource(found.data, False),
        Workspace.at(tmp_path),
        listener,
        plan=request.plan,
        repeats=request.repeats,
    )
    assert not [note for note in listener.notes if "finding" in note]
    for name in ("oof.safetensors", "test.safetensors", "fold-1/model.safetensors"):
        expected = (found.summary.run_dir / name).read_bytes()
        assert (again.run_dir / name).read_bytes() == expected


def test_a_run_resumes_with_the_command_that_started_it(found: Found) -> None:
    record = RunFolder(found.summary.run_dir).record()
    config = resumed_config(record, {"optim": {"lr": "auto"}})
    assert config.optim.lr == record["config"]["optim"]["lr"]
    with pytest.raises(ConfigError, match=r"optim.lr was .*, is 0.5"):
        resumed_config(record, {"optim": {"lr": 0.5}})
    record["found"] = {}
    with pytest.raises(ConfigError, match=r"optim.lr was .*, is auto"):
        resumed_config(record, {"optim": {"lr": "auto"}})


def test_without_a_fall_the_rate_is_that_of_the_competition_and_the_note_says_so(
    found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auto_values, "make_step", lambda *_: lambda _rate: 1.0)
    config, usual = found.config(), resolve("toy", [found.competition.defaults]).optim.lr
    context: Any = SimpleNamespace(config=config, competition=found.competition)
    result = auto_values._learning_rate(context, 0.0)
    assert (result["value"], result["fell"]) == (usual, False)
    words = auto_values._sentence("optim.lr", result | {"seconds": 1.0}, follows=True)
    assert "THE LOSS DID NOT CLEARLY FALL" in words
    assert "that of the competition" in words


def test_a_budget_shortens_the_test(monkeypatch: pytest.MonkeyPatch, found: Found) -> None:
    clock = iter(range(0, 1000, 2))  # each step takes two seconds
    fake: Any = type("Clock", (), {"perf_counter": staticmethod(lambda: float(next(clock)))})
    monkeypatch.setattr(auto_values, "time", fake)
    monkeypatch.setattr(auto_values, "make_step", lambda *_: lambda _rate: 1.0)
    context: Any = SimpleNamespace(config=found.config(max_steps=None, budget=1000.0))
    assert 30 < auto_values._test_steps(context, 0.0) < 100


def test_several_networks_are_refused_and_none_has_nothing_to_find(found: Found) -> None:
    several: Any = SimpleNamespace(config=found.config(model=["mlp", "tabm"]))
    with pytest.raises(ConfigError, match="is found for one network, but model = mlp, tabm"):
        auto_values.find_auto(several, 0.0, Silent())
    none: Any = SimpleNamespace(config=found.config(model=["linear"]))
    assert auto_values.find_auto(none, 0.0, Silent()) is none
    numbers: Any = SimpleNamespace(config=found.config(optim={"lr": 0.1}, loader={"batch_size": 4}))
    assert auto_values.find_auto(numbers, 0.0, Silent()) is numbers
