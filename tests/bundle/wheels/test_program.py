"""predict.py of a bundle with wheels, in this process, where comp is there already."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from bundled import Bundled, bundled

from comp.bundle.build import BundleOptions, make_bundle
from comp.bundle.manifest import check_manifest
from comp.bundle.wheels import program
from comp.inference.predictions import Predictions

__all__ = ["bundled"]


@pytest.fixture(scope="session")
def packed(
    bundled: Callable[[str], Bundled], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Bundled, Path]:
    """A run, and its bundle with wheels, but without libraries."""
    known, folder = bundled("photos"), tmp_path_factory.mktemp("packed") / "bundle"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("comp.bundle.wheels.build.needed_libraries", lambda *_: [])
        options = BundleOptions(out=folder, wheels=True, python="3.11")
        make_bundle(known.run_id, known.workspace, options, lambda _line: None)
    return known, folder


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """comp is installed already."""
    monkeypatch.setattr(program, "install", lambda *_: "")


def call(folder: Path, mount: Path, output: Path, *words: str) -> int:
    """The exit code of predict.py."""
    places = ["--bundle", str(folder), "--input", str(mount), "--output", str(output)]
    return program.main([*places, *words])


def test_the_bundle_holds_comp_and_the_run(packed: tuple[Bundled, Path]) -> None:
    known, folder = packed
    files = set(check_manifest(folder)["files"])
    run = f"run/runs/cats-dogs/{known.run_id}"
    assert {"predict.py", f"{run}/run.json", f"{run}/fold-0/model.safetensors"} <= files
    assert [name for name in files if name.startswith("wheels/comp-")]
    assert (folder / "predict.py").read_text() == Path(program.__file__).read_text()
    for name in files:
        data = (folder / name).read_bytes() if not name.endswith(".whl") else b""
        assert str(known.workspace.out).encode() not in data, name
        assert str(known.data).encode() not in data, name


def test_the_submission_of_the_run(
    packed: tuple[Bundled, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known, folder = packed
    words = ["--predictions", str(tmp_path / "p.npz"), "--batch-size", "3"]
    mount = tmp_path / "input"
    mount.mkdir()
    (mount / "dogs-vs-cats").symlink_to(known.data)
    assert call(folder, mount, tmp_path, *words) == 0
    (expected,) = known.workspace.out.glob("submissions/*/*.csv")
    assert (tmp_path / "submission.csv").read_text() == expected.read_text()
    lines = capsys.readouterr().out
    for word in ("bundle of run", "found the data", "device cpu", "wrote"):
        assert word in lines
    stored = Predictions(known.run / "test.safetensors")
    with np.load(tmp_path / "p.npz") as saved:
        rows = dict(zip(saved["ids"].tolist(), saved["values"], strict=True))
    assert set(rows) == set(stored)
    assert max(float(np.abs(rows[name] - stored[name]).max()) for name in rows) < 1e-4


def test_faults_are_one_line(
    packed: tuple[Bundled, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, folder = packed
    (tmp_path / "empty").mkdir()
    assert call(folder, tmp_path / "empty", tmp_path / "out") == 2
    assert capsys.readouterr().err.startswith("error: no sampleSubmission.csv below")
    shutil.copytree(folder, tmp_path / "other")
    path = tmp_path / "other" / "bundle.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"python": "3.99", "packages": [1]}))
    assert call(tmp_path / "other", tmp_path / "empty", tmp_path / "out") == 2
    assert "--python 3." in capsys.readouterr().err


def test_a_library_that_is_not_there(
    packed: tuple[Bundled, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def predict(*_: object) -> None:
        raise ModuleNotFoundError("No module named 'pydantic'", name="pydantic")

    monkeypatch.setattr(program, "predict", predict)
    assert call(packed[1], tmp_path, tmp_path) == 2
    assert "error: the library pydantic is not here, and not in" in capsys.readouterr().err


def test_wheels_that_cannot_be_installed(
    packed: tuple[Bundled, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(program, "install", lambda *_: "no room")
    assert call(packed[1], tmp_path, tmp_path / "out") == 2
    assert "cannot be installed: no room" in capsys.readouterr().err
