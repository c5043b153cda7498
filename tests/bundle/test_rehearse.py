import json
from pathlib import Path

import pytest
from toy_run import toy_run

from comp.bundle.rehearsal import Step, why_not_rehearsed
from comp.bundle.rehearse import rehearse, run_rehearsal, without_paths
from comp.bundle.scene import RehearsalSettings
from comp.errors import RunError
from comp.files import read_json


def test_a_bundle_that_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy = toy_run(tmp_path, monkeypatch)
    lines: list[str] = []
    settings = RehearsalSettings(hidden_images=3600, factor=2)
    found = rehearse(toy.bundle, toy.workspace, lines.append, settings)
    assert found.passed
    assert [step.passed for step in found.steps] == [True] * 4
    assert found.time
    assert found.time.images == 3600
    assert any("rehearsal passed" in line for line in lines)
    assert any("3,600 hidden images, factor 2" in line for line in lines)
    text = (toy.bundle / "rehearsal.json").read_text()
    assert str(tmp_path) not in text
    assert "comp-rehearsal-" not in text
    manifest = read_json(toy.bundle / "manifest.json")["id"]
    assert why_not_rehearsed(toy.bundle, manifest) == ""


def test_a_bundle_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy = toy_run(tmp_path, monkeypatch, "different")
    lines: list[str] = []
    with pytest.raises(RunError, match=r"rehearsal failed.*public test: a prediction differs"):
        rehearse(toy.bundle, toy.workspace, lines.append)
    record = json.loads((toy.bundle / "rehearsal.json").read_text())
    assert record["passed"] is False
    assert [step["passed"] for step in record["steps"]] == [False, None, None, True]
    assert record["time"] is None
    assert "failed" in why_not_rehearsed(toy.bundle, record["manifest"])
    assert any("FAILED" in line for line in lines)


def test_more_memory_than_kaggle_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy = toy_run(tmp_path, monkeypatch)
    monkeypatch.setattr("comp.bundle.child._memory", lambda _: 31_000_000_000)
    found = run_rehearsal(toy.bundle, toy.workspace, lambda _: None)
    assert not found.passed
    assert found.problems[0] == "public test: it needs 31 GB of memory, two T4 has 29"


def test_words_without_folders_of_this_machine(tmp_path: Path) -> None:
    step = Step(name="x", passed=False, words=f"no {tmp_path}/a in {Path.home()}/b")
    assert without_paths(step, tmp_path).words == "no .../a in ~/b"
