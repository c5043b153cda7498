"""A run of a table with trees and a network: its files, and the lines of the card that blend
them."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from comp.config.schema import resolve
from comp.data.location import DataSource
from comp.errors import RunError
from comp.export.blended import check_blend
from comp.export.call import write_to_folder
from comp.export.exported import Exported
from comp.export.networks import RunReader, trainings_of
from comp.export.snippet import loading
from comp.export.trees import PROBES, LoadedTrees
from comp.pipeline.members import load_fold
from comp.pipeline.run import run
from comp.pipeline.run_oof import RunOof, read_run_oof
from comp.runs.folder import RunFolder
from comp.runs.progress import Silent
from comp.workspace import Workspace
from competitions.housing import COMPETITION

WEIGHTS = {"gbdt": 0.75, "tabm": 0.25}
SETTINGS = {
    "folds": 2,
    "max_steps": 4,
    "validations": 1,
    "device": "cpu",
    "tabm": {"members": 2, "width": 8, "layers": 1},
    "gbdt": {"iterations": 8, "threads": 1},
    "columns": {"places": [], "pairs": []},
}


@dataclass(frozen=True)
class Blended:
    run: RunOof
    exported: Exported
    data: Path


@pytest.fixture(scope="module")
def blended(tmp_path_factory: pytest.TempPathFactory) -> Blended:
    root = tmp_path_factory.mktemp("housing")
    data = root / "data"
    data.mkdir()
    COMPETITION.draw_synthetic(data, np.random.default_rng(0))
    config = resolve("housing", [COMPETITION.defaults, SETTINGS], COMPETITION.options)
    workspace = Workspace.at(root)
    summary = run(config, DataSource(data, False), workspace, Silent())
    for path in summary.run_dir.glob("fold-*/meta.json"):
        members = [{"name": name, "weight": weight} for name, weight in WEIGHTS.items()]
        path.write_text(json.dumps(json.loads(path.read_text()) | {"members": members}))
    exported = write_to_folder(summary.run_dir.name, workspace, to="onnx")
    found = read_run_oof(RunFolder(summary.run_dir), workspace)
    return Blended(found, exported, data)


def test_each_model_of_each_fold_has_a_file_and_a_share(blended: Blended) -> None:
    files = blended.exported.described["files"]
    assert {file["file"]: (file["model"], file["share"]) for file in files} == {
        "fold-0-gbdt.onnx": ("gbdt", 0.375),
        "fold-0-tabm.onnx": ("tabm", 0.125),
        "fold-1-gbdt.onnx": ("gbdt", 0.375),
        "fold-1-tabm.onnx": ("tabm", 0.125),
    }
    assert [set(file["inputs"]) for file in files[:2]] == [{"values"}, {"numbers", "categories"}]
    blend = blended.exported.described["check"]["blend"]
    assert blend["samples"] == 100
    assert blend["largest_difference"] <= blend["limit"]
    assert any("256 made rows" in note for note in blended.exported.notes)


def test_the_lines_of_the_card_predict_what_the_run_predicts(
    blended: Blended, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "export"
    shutil.copytree(blended.exported.folder, folder)
    rows = list(csv.DictReader((blended.data / "test.csv").read_text().splitlines()))
    rows[0] |= {"total_bedrooms": "", "ocean_proximity": "ON THE MOON"}
    with (folder / "test.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    monkeypatch.chdir(folder)
    lines = loading(blended.exported.described).split("```")[1].removeprefix("python\n")
    assert f"```python\n{lines}" in (folder / "README.md").read_text()
    assert len([line for line in lines.splitlines() if line.strip()]) <= 10
    known: dict[str, Any] = {}
    exec(lines, known)
    first = blended.run.data.test[0]
    changed = replace(first, features={**first.features, **rows[0]})
    samples = [changed, *blended.run.data.test[1:]]
    expected = np.zeros(())
    for fold in trainings_of(blended.run):
        predict = load_fold(blended.run.competition, fold.config, fold.folder, lambda: None)  # type: ignore[arg-type,return-value]
        expected = expected + fold.weight * np.stack([each for _, each in predict(samples)])
    assert known["prediction"].shape == (100, 1)
    scale = float(np.abs(expected).max())
    assert float(np.abs(known["prediction"] - expected).max()) < 1e-4 * scale


def test_files_with_other_shares_are_refused(blended: Blended) -> None:
    from comp.export.built import File
    from comp.export.networks import parts_of

    folder = blended.exported.folder
    described = blended.exported.described["files"]
    files = [
        File(
            path=folder / file["file"],
            parts=[replace(part, weight=0.25)],
            columns=file["columns"],
            inputs=file["inputs"],
        )
        for part, file in zip(parts_of(blended.run), described, strict=True)
    ]
    with pytest.raises(RunError, match="the mean of the files is not what the run predicts"):
        check_blend(RunReader(blended.run), trainings_of(blended.run), files, folder)


def test_made_rows_have_thresholds_gaps_and_unknown_categories(blended: Blended) -> None:
    from comp.export.networks import parts_of

    loaded = LoadedTrees.of(blended.run, parts_of(blended.run)[0])
    values = loaded.probes(blended.run.data.test)["values"]
    assert len(values) == PROBES
    codes = values[:, -1]
    assert {0.0, 1.0, 2.0} <= set(codes[~np.isnan(codes)].tolist())
    assert np.isnan(values).any(axis=0).all()
