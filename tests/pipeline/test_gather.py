"""Folds of several runs joined into one: the jobs of docs/slurm.md, copies, what is refused."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from filelock import FileLock
from typer.testing import CliRunner

import comp
from comp.cli.app import build_app
from comp.contract import registry
from comp.contract.competition import Competition
from comp.data.location import DataSource
from comp.errors import CompError, ConfigError, DataError, FoldError, RunError
from comp.files import read_json, write_json
from comp.pipeline.gather import gather
from comp.pipeline.request import new_request
from comp.pipeline.run import run
from comp.runs.folder import RunFolder
from comp.runs.progress import Silent
from comp.tasks.regression import regression
from comp.tasks.tabular import table
from comp.workspace import Workspace

FOLDS = 2
DEFAULTS: dict[str, Any] = {
    "folds": FOLDS,
    "max_steps": 3,
    "validations": 1,
    "device": "cpu",
    "model": ["mlp"],
    "seeds": 2,
    "full": 1,
    "report": {"write": False, "notes": False},
}
PAGE = Path(__file__).parents[2] / "docs" / "slurm.md"
SCRIPTS = re.findall(r"^```sh\n(#!.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)


class Notes(Silent):
    """Keeps the notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, words: str) -> None:
        self.notes.append(words)


@dataclass(frozen=True)
class Array:
    """The runs of the jobs of an array, the gathered run, and one run over all folds."""

    root: Path
    runs: list[Path]
    gathered: Path
    serial: Path

    @property
    def workspace(self) -> Workspace:
        return Workspace.at(self.root)


def toy_table() -> Competition:
    task = regression(("price",), log=True)
    toy = table(name="toy", title="Toy", kaggle="competitions/toy", task=task)
    return replace(toy, defaults={**toy.defaults, **DEFAULTS})


def job(script: str, root: Path, **variables: str) -> list[str]:
    """Run a script of the page as Slurm does; returns the words of its call of comp."""
    bin_folder = root / "bin"
    bin_folder.mkdir(exist_ok=True)
    program = bin_folder / "comp"
    program.write_text('#!/bin/bash\nprintf "%s\\n" "$@" > "$WORDS"\n')
    program.chmod(0o755)
    env = {**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}", "WORDS": str(root / "words")}
    slurm = {"SLURM_SUBMIT_DIR": str(root), "SLURM_CPUS_PER_TASK": "1", **variables}
    (root / "words").write_text("")
    text = script.replace("leaves --folds 5", f"toy --folds {FOLDS}")
    subprocess.run(["bash", "-c", text], env=env | slurm, cwd="/", check=True)
    return (root / "words").read_text().split("\n")[:-1]


def call(words: list[str]) -> None:
    """Run a command in this process."""
    done = CliRunner().invoke(build_app(words[0]), words)
    assert done.exit_code == 0, (words, done.output, done.exception)


@pytest.fixture(scope="module")
def array(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Array]:
    """The runs are made once for all processes that run tests, and no test may change them."""
    shared, toy, threads = tmp_path_factory.getbasetemp(), toy_table(), torch.get_num_threads()
    if hasattr(request.config, "workerinput"):  # a process of pytest-xdist has a folder in it
        shared = shared.parent
    root, made = shared / "array", shared / "array.json"
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "competitions", lambda: {"toy": toy})
        with FileLock(f"{root}.lock"):
            if not made.exists():
                shutil.rmtree(root, ignore_errors=True)
                write_json(made, make_array(toy, root, patch))
        patch.chdir(root)
        found = read_json(made)
        runs = sorted(root.glob("array/*/runs/toy/*"))
        yield Array(root, runs, Path(found["gathered"]), Path(found["serial"]))
    torch.set_num_threads(threads)


def make_array(toy: Competition, root: Path, patch: pytest.MonkeyPatch) -> dict[str, str]:
    """Run the jobs in a new folder; returns the gathered run, and the one over all folds."""
    data = root / "data" / "toy"
    data.mkdir(parents=True)
    patch.setattr("comp.tasks.synthetic_rows.TRAIN", 48)
    toy.draw_synthetic(data, np.random.default_rng(0))
    patch.chdir(root)
    for fold in range(FOLDS):
        call(job(SCRIPTS[0], root, SLURM_ARRAY_TASK_ID=str(fold)))
    assert job(SCRIPTS[0], root, SLURM_ARRAY_TASK_ID="0") == []  # it is finished
    call(job(SCRIPTS[1], root))
    (gathered,) = root.glob("runs/toy/*")
    config = new_request(toy, Workspace.at(root), {}).config(False)
    serial = run(config, DataSource(data, False), Workspace.at(root / "serial"), Silent())
    return {"gathered": str(gathered), "serial": str(serial.run_dir)}


def contents(folder: Path) -> dict[str, bytes]:
    """Weights and predictions, by their path in the folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*.safetensors")
    }


def submission(folder: Path) -> bytes:
    return (folder.parents[2] / "submissions" / "toy" / f"{folder.name}.csv").read_bytes()


def test_the_jobs_of_an_array_become_the_run_over_all_folds(array: Array) -> None:
    assert contents(array.gathered) == contents(array.serial)
    assert submission(array.gathered) == submission(array.serial)
    found, expected = (read_json(path / "scores.json") for path in (array.gathered, array.serial))
    assert found == expected
    record = read_json(array.gathered / "run.json")
    assert record["state"] == "finished"
    assert record["folds"] == [0, 1]
    assert [part["folds"] for part in record["gathered"]] == [[0], [1]]
    assert [part["run_id"] for part in record["gathered"]] == [path.name for path in array.runs]
    assert record["plan"] == {"0": 3, "1": 3}


def copied(array: Array, place: Path, *numbers: int) -> list[Path]:
    """Copies of runs of the array, which a test may change."""
    found = []
    for number in numbers:
        run_folder = array.runs[number]
        found.append(place / f"{number}" / "runs" / "toy" / run_folder.name)
        shutil.copytree(run_folder, found[-1])
    return found


def join(array: Array, place: Path, *runs: Path, **more: Any) -> tuple[Path, list[str]]:
    """Gather runs in the folder `place`; returns the new run and the notes."""
    reporter = Notes()
    names = [str(path) for path in runs]
    summary = gather(names, Workspace.at(array.root, place), reporter, **more)
    return summary.run_dir, reporter.notes


def changed(folder: Path, **values: Any) -> None:
    write_json(folder / "run.json", read_json(folder / "run.json") | values)


def test_a_run_without_a_fold_says_so_and_becomes_whole(array: Array, tmp_path: Path) -> None:
    part, notes = join(array, tmp_path, array.runs[1])
    assert any(note.startswith("ONLY 1 OF 2 FOLDS: no run has 0,") for note in notes)
    assert sorted(read_json(part / "scores.json")["fold_scores"]) == ["1"]
    write_json(part / "grade.json", {})

    whole = comp.resume(part.name, folds="rest", runs=tmp_path, quiet=True)

    assert contents(part) == contents(array.serial)
    assert submission(part) == submission(array.serial)
    assert read_json(part / "scores.json") == read_json(array.serial / "scores.json")
    assert not (part / "grade.json").exists()
    assert whole.state == "finished"
    with pytest.raises(RunError, match=r"has all 2 folds: nothing is left out"):
        comp.resume(part.name, folds="rest", runs=tmp_path, quiet=True)


def test_copies_find_their_data_where_it_is(array: Array, tmp_path: Path) -> None:
    first, second = copied(array, tmp_path / "copies", 0, 1)
    shutil.copytree(array.root / "data" / "toy", tmp_path / "moved")
    changed(first, data="/nowhere/else")
    gathered, _ = join(array, tmp_path / "a", first, second)
    assert read_json(gathered / "run.json")["data"] == str(array.root / "data" / "toy")
    changed(second, data="/nowhere")
    gathered, _ = join(array, tmp_path / "b", first, second, data=tmp_path / "moved")
    assert read_json(gathered / "run.json")["data"] == str(tmp_path / "moved")
    empty = Workspace.at(tmp_path / "empty")
    with pytest.raises(DataError, match=r"not on this machine .*/nowhere/else.*--data FOLDER"):
        gather([str(first), str(second)], empty, Silent())


def other_key(folder: Path) -> None:
    config = read_json(folder / "run.json")["config"]
    changed(folder, config=config | {"optim": config["optim"] | {"lr": 0.5}})


def other_folds(folder: Path) -> None:
    table = folder / "folds.csv"
    table.write_text(table.read_text().replace(",0,", ",9,").replace(",1,", ",0,"))


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        (other_key, ConfigError, r"other configurations: optim.lr is 0.5 and .*give runs of one"),
        (lambda f: changed(f, data_fingerprint="00"), DataError, r"have other data"),
        (other_folds, FoldError, r"have other folds \(folds.csv differs\)"),
        (lambda f: changed(f, weights={"sha256": "ab"}), RunError, r"pretrained weights differ"),
        (lambda f: changed(f, synthetic=True), DataError, r"is on synthetic data"),
        (lambda f: (f / "fold-1" / "meta.json").unlink(), RunError, r"fold 1 of run .* is not fin"),
        (lambda f: changed(f, blend={"runs": []}), RunError, r"is a blend of .*gather its runs"),
        (lambda f: shutil.copytree(f.parents[3] / "0", f.parents[3] / "2"), RunError, r"twice"),
    ],
)
def test_folds_that_do_not_belong_together_are_refused(
    array: Array, tmp_path: Path, change: Any, kind: type[CompError], words: str
) -> None:
    _, second = copied(array, tmp_path / "copies", 0, 1)
    change(second)
    folders = sorted((tmp_path / "copies").iterdir())
    words = words.replace("twice", r"fold 0 is finished in two runs, .*leave one of them out")
    with pytest.raises(kind, match=words):
        join(array, tmp_path, *folders)
    assert not list(tmp_path.glob("runs/toy/*"))


def test_rates_that_each_run_found_are_refused_with_a_way_out(array: Array, tmp_path: Path) -> None:
    for folder, rate in zip(copied(array, tmp_path / "copies", 0, 1), (0.03, 0.05), strict=True):
        optim = read_json(folder / "run.json")["config"]["optim"] | {"lr": rate}
        config = read_json(folder / "run.json")["config"] | {"optim": optim}
        changed(folder, config=config, found={"optim.lr": {"value": rate}})
    words = r"is 0.05 and 0.03; .* one number, such as --set optim.lr=0.03 or that of 'comp lr-find"
    with pytest.raises(ConfigError, match=words):
        join(array, tmp_path, *sorted((tmp_path / "copies").iterdir()))


def test_the_full_model_is_that_nearest_to_one_run_over_the_folds(
    array: Array, tmp_path: Path
) -> None:
    full = read_json(array.runs[0] / "run.json")["full"]
    first, second = copied(array, tmp_path / "copies", 0, 1)
    changed(first, full=full | {"steps": 480})  # the folds have 3 steps, and 400 is nearer to them
    changed(second, full=full | {"steps": 400})
    _, notes = join(array, tmp_path, first, second)
    (words,) = (note for note in notes if note.startswith("full model: that of"))
    assert "with 480 steps, which are nearest to those of one run over the folds (440)" in words


def test_a_fold_that_another_run_has_finished_may_be_unfinished(
    array: Array, tmp_path: Path
) -> None:
    first, again = copied(array, tmp_path / "copies", 0, 1)
    for folder in (again, array.runs[1]):
        assert (folder / "fold-1" / "meta.json").is_file()
    (again / "fold-1" / "meta.json").unlink()
    gathered, _ = join(array, tmp_path, first, again, array.runs[1])
    assert contents(gathered) == contents(array.serial)


def test_what_may_change_the_last_digits_is_told(array: Array, tmp_path: Path) -> None:
    first, second = copied(array, tmp_path / "copies", 0, 1)
    config = read_json(second / "run.json")["config"]
    environment = read_json(second / "run.json")["environment"] | {"comp": "9.9"}
    changed(second, config=config | {"device": "cuda:1"}, device="cuda (H200)", precision="bf16")
    changed(second, environment=environment)
    gathered, notes = join(array, tmp_path, first, second)
    (words,) = (note for note in notes if note.startswith("the runs differ in comp 0.1.0, 9.9"))
    assert "device cpu (1 threads), cuda (H200); precision bf16, fp32" in words
    assert read_json(gathered / "run.json")["gathered"][1]["device"] == "cuda (H200)"


def test_nothing_stays_of_a_gathering_that_fails(
    array: Array, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("comp.pipeline.gather.summarize", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        join(array, tmp_path, *array.runs)
    assert not [*tmp_path.glob("runs/toy/*"), *tmp_path.glob("submissions/toy/*")]


def test_a_gathered_run_is_a_run(
    array: Array, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a copy of the folder, which holds the runs; their data are where they were."""
    run_id, root = array.gathered.name, tmp_path / "root"
    shutil.copytree(array.root, root)
    monkeypatch.chdir(root)
    gathered = root / array.gathered.relative_to(array.root)
    shutil.copytree(array.serial, gathered.parent / "serial")
    changed(gathered.parent / "serial", run_id="serial")
    predicted = comp.predict(run_id, out=root / "predicted")
    file = root / "predicted" / "test.safetensors"
    assert file.read_bytes() == (gathered / "test.safetensors").read_bytes()
    assert predicted.folds == [0, 1]
    assert comp.compare(run_id, "serial").difference.value == 0
    assert comp.blend([run_id, "serial"], method="mean", quiet=True).state == "finished"
    assert RunFolder(gathered).record("folds")["folds"] == [0, 1]


def test_names_that_are_no_runs_are_refused(array: Array, tmp_path: Path) -> None:
    for names, words in (([], "no run is given"), ([str(tmp_path)], "contains no runs")):
        with pytest.raises(CompError, match=words):
            gather(names, array.workspace, Silent())
