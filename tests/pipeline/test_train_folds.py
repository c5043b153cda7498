"""Folds that train in new processes, which takes seconds; test_side_by_side.py needs none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from comp.config.placement import Placement
from comp.config.schema import RunConfig, resolve
from comp.data.location import DataSource
from comp.engines.processes import ProcessEngine
from comp.pipeline import placed
from comp.pipeline.run import run
from comp.runs.folder import RunFolder
from comp.runs.progress import Silent, Step
from comp.runs.results import RunSummary
from comp.workspace import Workspace
from competitions.housing import COMPETITION as HOUSING

SETTINGS = {"folds": 2, "max_steps": 4, "validations": 1, "device": "cpu", "model": ["mlp"]}


class Parts(Silent):
    """The folds whose steps are reported."""

    def __init__(self) -> None:
        self.folds: set[int] = set()

    def step(self, step: Step) -> None:
        self.folds.add(step.fold)


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def source(tmp_path: Path) -> DataSource:
    data = tmp_path / "data"
    data.mkdir()
    HOUSING.draw_synthetic(data, np.random.default_rng(0))
    return DataSource(data, False)


def config(**settings: Any) -> RunConfig:
    layers = [HOUSING.defaults, HOUSING.synthetic_defaults, SETTINGS, settings]
    return resolve("housing", layers)


def files(summary: RunSummary) -> dict[str, bytes]:
    found = {path.relative_to(summary.run_dir): path for path in summary.run_dir.rglob("*.s*")}
    contents = {str(name): path.read_bytes() for name, path in found.items()}
    names = set(contents)
    assert {f"fold-{n}/model.safetensors" for n in range(2)} < names
    return {**contents, "submission": summary.submission.read_bytes()}


def test_a_process_of_its_own_has_the_same_bytes(
    source: DataSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One process, because each new Python takes seconds."""
    here = run(config(), source, Workspace.at(tmp_path / "here"), Silent())
    monkeypatch.setattr(placed, "choose_engine", lambda *_: ProcessEngine([{}]))
    reporter, place = Parts(), Workspace.at(tmp_path / "there")
    there = run(config(), source, place, reporter, placement=Placement(jobs=2))
    assert files(there) == files(here)
    assert reporter.folds == {0, 1}


@pytest.mark.gpu
def test_folds_train_on_gpus(source: DataSource, tmp_path: Path) -> None:
    two, place = Placement(jobs=2), Workspace.at(tmp_path / "out")
    summary = run(config(device="cuda"), source, place, Silent(), placement=two)
    assert summary.device.startswith("cuda")
    assert set(summary.fold_scores) == {0, 1}
    assert RunFolder(summary.run_dir).record()["jobs"] == 2
