"""The folder of a bundle: what is in it, and what is not."""

from __future__ import annotations

import getpass
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from bundled import Bundled, bundled, run_predict
from kaggle_server import TOKEN
from safetensors.numpy import load_file

from comp.bundle.build import BundleOptions, make_bundle
from comp.bundle.manifest import check_manifest
from comp.errors import RunError
from comp.files import read_json, write_json
from comp.workspace import Workspace

__all__ = ["bundled"]
Get = Callable[[str], Bundled]
ROOM = 1_000_000
"""Bytes of a bundle besides its weights."""


def silent(_line: str) -> None:
    """A note that nobody reads."""


@pytest.fixture
def copied(bundled: Get, tmp_path: Path) -> Bundled:
    """A run that a test may change."""
    known = bundled("photos")
    shutil.copytree(known.workspace.out / "runs", tmp_path / "runs")
    return replace(known, workspace=Workspace.at(tmp_path), folder=tmp_path / "bundle")


@pytest.mark.parametrize("name", ["classes", "photos"])
def test_a_bundle_is_its_weights_and_at_most_a_megabyte(bundled: Get, name: str) -> None:
    folder = bundled(name).folder
    manifest = check_manifest(folder)
    files = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert files == {*manifest["files"], "manifest.json"}
    assert {"predict.py", "bundle.json", "weights/fold-0.safetensors"} <= files
    sizes = {path: (folder / path).stat().st_size for path in files}
    weights = sum(size for path, size in sizes.items() if path.startswith("weights/"))
    assert sum(sizes.values()) - weights <= ROOM


def test_no_file_tells_the_machine_or_a_token(
    bundled: Get, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    known = bundled("classes")
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
    options = BundleOptions(out=tmp_path / "bundle")
    made = make_bundle(known.run_id, known.workspace, options, silent)
    repository = Path(__file__).parents[2]
    secrets = [TOKEN, str(known.workspace.out), str(known.data), str(Path.home()), str(repository)]
    if len(getpass.getuser()) > 4:
        secrets.append(getpass.getuser())
    for path in made.folder.rglob("*"):
        data = path.read_bytes() if path.is_file() else b""
        assert [secret for secret in secrets if f"{secret}".encode() in data] == [], path


def test_the_program_writes_the_submission_of_the_run(bundled: Get, tmp_path: Path) -> None:
    known = bundled("photos")
    done = run_predict(known.folder, known.data, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    (expected,) = known.workspace.out.glob("submissions/*/*.csv")
    assert (tmp_path / "out" / "submission.csv").read_text() == expected.read_text()


def test_half_precision_stores_half_and_keeps_statistics(copied: Bundled) -> None:
    options = BundleOptions(out=copied.folder, half=True)
    made = make_bundle(copied.run_id, copied.workspace, options, silent)
    stored = load_file(copied.folder / "weights" / "fold-0.safetensors")
    full = (copied.run / "fold-0" / "model.safetensors").stat().st_size
    assert {str(values.dtype) for values in stored.values()} == {"float16"}
    assert made.half
    assert made.weights_bytes < 0.6 * full * 2


def test_folds_that_are_not_trained_are_told(copied: Bundled) -> None:
    (copied.run / "fold-1" / "meta.json").unlink()
    notes: list[str] = []
    options = BundleOptions(out=copied.folder)
    made = make_bundle(copied.run_id, copied.workspace, options, notes.append)
    assert made.unfinished == {copied.run_id: [1]}
    assert any("fold 1 is not trained" in line for line in notes)
    assert len(read_json(copied.folder / "bundle.json")["networks"]) == 1
    (copied.run / "fold-0" / "meta.json").unlink()
    with pytest.raises(RunError, match="no finished fold"):
        make_bundle(copied.run_id, copied.workspace, replace(options, force=True), silent)


@pytest.mark.parametrize("synthetic", [True, False])
def test_a_run_on_synthetic_data_is_told(copied: Bundled, synthetic: bool) -> None:
    record = read_json(copied.run / "run.json")
    write_json(copied.run / "run.json", record | {"synthetic": synthetic})
    notes: list[str] = []
    made = make_bundle(
        copied.run_id, copied.workspace, BundleOptions(out=copied.folder), notes.append
    )
    assert any("is on synthetic data" in line for line in made.notes) == synthetic
    assert any("is on synthetic data" in line for line in notes) == synthetic
    assert read_json(copied.folder / "bundle.json")["run"]["synthetic"] is synthetic


def test_a_refused_run_leaves_nothing(copied: Bundled) -> None:
    record = read_json(copied.run / "run.json")
    record["config"]["predict"]["adapt"] = "batchnorm"
    write_json(copied.run / "run.json", record)
    with pytest.raises(RunError, match="--wheels"):
        make_bundle(copied.run_id, copied.workspace, BundleOptions(out=copied.folder), silent)
    assert list(copied.folder.parent.iterdir()) == [copied.folder.parent / "runs"]


def test_the_same_run_gives_the_same_bundle(copied: Bundled, bundled: Get) -> None:
    made = make_bundle(copied.run_id, copied.workspace, BundleOptions(out=copied.folder), silent)
    first = json.loads((bundled("photos").folder / "manifest.json").read_text())
    assert made.manifest == first["id"]
