"""`comp grade`, in a process of its own with a plugin of the user's."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import inline_comp
import numpy as np
import pytest
from safetensors.numpy import save_file

PLUGIN = '''\
"""Leaves with labels in the names of their folders."""

from comp.contract.competition import Competition
from comp.contract.metrics import AUC
from comp.contract.sample import Sample
from comp.tasks.binary import binary

CLASSES = ("healthy", "ill")


def samples(root, split):
    paths = sorted((root / split).glob("*/*.png"))
    return [Sample(id=path.stem, image=path) for path in paths]


def answers(root):
    paths = (root / "test").glob("*/*.png")
    return {path.stem: float(CLASSES.index(path.parent.name)) for path in paths}


COMPETITION = Competition(
    name="leaves",
    title="Leaves",
    kaggle="datasets/someone/leaves",
    metric=AUC,
    samples=samples,
    pipeline=lambda config, train: None,
    model=lambda config: None,
    draw_synthetic=lambda root, rng: None,
    task=binary(CLASSES),
    test_labels=answers,
)
'''
CHANCES = {"a": 0.1, "b": 0.3, "c": 0.2, "d": 0.4, "e": 0.9}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working folder with a plugin, its data, and a run that was written elsewhere."""
    (tmp_path / "competitions").mkdir()
    (tmp_path / "competitions" / "leaves.py").write_text(PLUGIN)
    for name in ("train/ill/t", "test/healthy/a", "test/healthy/b", "test/ill/c", "test/ill/d"):
        path = tmp_path / "data" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    run = tmp_path / "elsewhere" / "runs" / "leaves" / "20250101-120000-abcdef"
    run.mkdir(parents=True)
    save_file({i: np.float32([p]) for i, p in CHANCES.items()}, run / "test.safetensors")
    record = {
        "competition": "leaves", "data": str(tmp_path / "data"), "folds": [0, 1], "synthetic": True
    }  # fmt: skip
    (run / "run.json").write_text(json.dumps(record))
    (run / "scores.json").write_text('{"threshold": 0.25}')
    return tmp_path


def comp(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "100"}
    return inline_comp.run(*args, cwd=folder, env=env)


def test_a_grade_is_told_and_comes_as_json(folder: Path) -> None:
    done = comp(folder, "grade", "2025", "--runs", "elsewhere", "--json")
    assert done.returncode == 0
    made = json.loads(done.stdout)
    assert (made["value"], made["threshold"], made["n"]) == (0.75, 0.25, 4)
    assert made["scores"][1]["confusion"] == [[1, 1], [1, 1]]
    for words in (
        "scored 4 test predictions of run 20250101-120000-abcdef, the mean of 2 folds",
        "synthetic data: the score says nothing about the competition",
        "AUC 0.75000",
        "at the tuned 0.25",
        "decided healthy",
        "grade.json",
    ):
        assert words in done.stderr
    written = folder / "elsewhere/runs/leaves/20250101-120000-abcdef/grade.json"
    assert json.loads(written.read_text()) == made


def test_data_that_was_not_predicted_is_one_line(folder: Path) -> None:
    (folder / "data" / "test" / "ill" / "new.png").touch()
    done = comp(folder, "grade", "2025", "--runs", "elsewhere", "--data", "data")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("comp: no predictions of the 5 labelled test samples")
    assert line.endswith("'comp predict 20250101-120000-abcdef --data data'")
