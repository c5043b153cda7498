"""Folds that a run left out, trained later: their length, a stop in between, what is refused."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from comp.config.schema import RunConfig, resolve
from comp.contract import registry
from comp.data.location import DataSource
from comp.errors import CompError, DataError, FoldError, RunError
from comp.files import read_json, write_json
from comp.pipeline.left_out import seconds_more, start, with_folds
from comp.pipeline.resume import resume
from comp.pipeline.run import run
from comp.runs.folder import RunFolder
from comp.runs.progress import Silent, Step
from comp.tasks.regression import regression
from comp.tasks.tabular import table
from comp.workspace import Workspace

SETTINGS: dict[str, Any] = {
    "folds": 3,
    "max_steps": 4,
    "validations": 2,
    "device": "cpu",
    "model": ["mlp"],
    "checkpoint_every": "1",
}
TOY = table(name="toy", title="Toy", kaggle="competitions/toy", task=regression(("price",)))


def config_of(**settings: Any) -> RunConfig:
    return resolve("toy", [TOY.defaults, TOY.synthetic_defaults, SETTINGS, settings])


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder, threads = tmp_path_factory.mktemp("data"), torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("comp.tasks.synthetic_rows.TRAIN", 48)
        TOY.draw_synthetic(folder, np.random.default_rng(0))
        patch.setattr(registry, "competitions", lambda: {"toy": TOY})
        yield folder
    torch.set_num_threads(threads)


def go(data: Path, place: Path, only: tuple[int, ...] = (), **settings: Any) -> RunFolder:
    source, workspace = DataSource(data, False), Workspace.at(place)
    config = config_of(**settings)
    return RunFolder(run(config, source, workspace, Silent(), only=only).run_dir)


@pytest.fixture(scope="module")
def part(data: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A finished run of one fold, which no test may change."""
    return go(data, tmp_path_factory.mktemp("part"), (1,))


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """The run of all folds, which no test may change."""
    return go(data, tmp_path_factory.mktemp("whole"))


def copied(folder: RunFolder, place: Path) -> RunFolder:
    target = place / "runs" / "toy" / folder.run_id
    return RunFolder(Path(shutil.copytree(folder.path, target)))


def again(folder: RunFolder, reporter: Silent | None = None, **more: Any) -> None:
    resume(folder, Workspace.at(folder.path.parents[2]), reporter or Silent(), **more)


class _KilledError(Exception):
    pass


class Killer(Silent):
    """Stops a run in the middle of a fold."""

    def __init__(self, fold: int) -> None:
        self.fold = fold

    def step(self, step: Step) -> None:
        if (step.fold, step.step) == (self.fold, 2):
            raise _KilledError


def contents(folder: RunFolder) -> dict[str, bytes]:
    files = folder.path.rglob("*.safetensors")
    return {path.relative_to(folder.path).as_posix(): path.read_bytes() for path in files}


def test_a_finished_run_gets_its_other_folds_also_after_a_stop(
    part: RunFolder, whole: RunFolder, tmp_path: Path
) -> None:
    part = copied(part, tmp_path)
    with pytest.raises(DataError, match="no data at"):
        again(part, more="rest", data=tmp_path / "nothing")
    assert read_json(part.path / "run.json")["state"] == "finished"
    assert read_json(part.path / "run.json")["folds"] == [1]
    with pytest.raises(_KilledError):
        again(part, Killer(2), more="rest")
    assert (part.fold(2) / "resume.pt").is_file()
    assert read_json(part.path / "run.json")["folds"] == [0, 1, 2]
    again(part)
    assert contents(part) == contents(whole)
    assert read_json(part.scores) == read_json(whole.scores)
    submissions = [next((f.path.parents[2]).glob("submissions/toy/*.csv")) for f in (part, whole)]
    assert submissions[0].read_bytes() == submissions[1].read_bytes()
    record = read_json(part.path / "run.json")
    assert (record["state"], record["extended"]) == ("finished", {"folds": [0, 2]})


def test_folds_after_a_budget_have_the_mean_steps_of_the_others(
    whole: RunFolder, tmp_path: Path
) -> None:
    """The budget is spent, and the new folds train nevertheless."""
    folder = copied(whole, tmp_path)
    shutil.rmtree(folder.fold(2))
    config = folder.record()["config"] | {"max_steps": None, "budget": 300.0}
    for fold, steps in ((0, 4), (1, 8)):
        meta = folder.fold(fold) / "meta.json"
        write_json(meta, read_json(meta) | {"planned": steps, "setup_s": 200.0})
    folder.update_record(config=config, folds=[0, 1], left_out=[2], plan={0: 4, 1: 8})
    again(folder, more=[2])
    record = read_json(folder.path / "run.json")
    assert (record["folds"], record["left_out"]) == ([0, 1, 2], [])
    assert record["plan"] == {"0": 4, "1": 8, "2": 6}
    assert read_json(folder.fold(2) / "meta.json")["steps"] == 6
    assert record["extended"]["seconds"] > 100 + 2 * 200
    assert sorted(read_json(folder.scores)["fold_scores"]) == ["0", "1", "2"]


def test_the_length_is_not_guessed(part: RunFolder, tmp_path: Path) -> None:
    folder = copied(part, tmp_path)
    config, record = config_of(max_steps=None, budget="9s"), folder.record("folds", "plan")
    (folder.fold(1) / "meta.json").unlink()
    before = read_json(folder.path / "run.json")
    wanted = with_folds(folder, record, config, "rest")
    with pytest.raises(RunError, match=r"no fold .* is finished, so the length .*comp resume"):
        start(folder, wanted, config, time.perf_counter())
    assert read_json(folder.path / "run.json") == before
    assert seconds_more(record) == 0


@pytest.mark.parametrize(
    ("folds", "kind", "words"),
    [
        ([1], RunError, "fold 1 of run .* is already trained: leave it out of --folds"),
        ([3], FoldError, "no fold 3: with folds = 3 they are 0 to 2"),
    ],
)
def test_folds_that_cannot_be_added_are_refused(
    part: RunFolder, folds: list[int], kind: type[CompError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        again(part, more=folds)
