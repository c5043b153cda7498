"""The files of a run, without what they say of the machine."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from comp.bundle.wheels.run_files import copy_run, without_paths
from comp.files import read_json, write_json
from comp.runs.folder import RunFolder

FILES = (
    *("folds.csv", "oof.safetensors", "report.html", "run.lock"),
    *(
        "fold-0/estimator.zip",
        "fold-0/history.jsonl",
        "fold-0/test.safetensors",
        "fold-0/resume.pt",
    ),
    *("full/test.safetensors", "reader/reader.lock"),
)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """The folder of a run."""
    folder = tmp_path / "runs" / "toy" / "r1"
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    save_file({"a": torch.ones(3)}, folder / "fold-0" / "model.safetensors")
    write_json(folder / "run.json", {"data": str(tmp_path / "data" / "toy"), "seed": 1})
    write_json(folder / "fold-0" / "columns.json", {"cells": ["/a/cell"]})
    return RunFolder(folder)


@pytest.mark.parametrize("images", [True, False])
def test_what_predicts_is_copied(run: RunFolder, tmp_path: Path, images: bool) -> None:
    target = tmp_path / "copy"
    copy_run(run, target, half=True, images=images)
    found = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
    arrays = set() if images else {"oof.safetensors", "fold-0/test.safetensors"}
    assert found == arrays | {
        *("folds.csv", "run.json", "fold-0/estimator.zip", "fold-0/model.safetensors"),
        *("fold-0/columns.json", "full/test.safetensors"),
    }
    assert load_file(target / "fold-0" / "model.safetensors")["a"].dtype == torch.float16
    assert read_json(target / "run.json") == {"data": "toy", "seed": 1}
    assert read_json(target / "fold-0" / "columns.json") == {"cells": ["/a/cell"]}


def test_paths_keep_their_last_name() -> None:
    value = {"/home/ada/x": ["/home/ada/data/", "a/b", "C:\\Users\\ada", 3, None, "~/w.pth"]}
    assert without_paths(value) == {"x": ["data", "a/b", "ada", 3, None, "w.pth"]}
