"""`comp.write_export`: what it refuses before any work, and one fold alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import planted
import pytest

import comp
from comp.contract import registry
from comp.errors import CompError, ConfigError, RunError


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "competitions", lambda: {"toy": planted.planted()})


def test_one_fold_in_a_folder_of_its_own(exports: Any, tmp_path: Path) -> None:
    root = exports.workspace.out
    found = comp.write_export(
        exports.run.run_id, to="torchscript", fold=1, out=tmp_path / "one", runs=root
    )
    assert found.folder == tmp_path / "one"
    assert found.networks == 1
    assert [n["name"] for n in found.described["files"][0]["networks"]] == ["fold-1"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"to": "keras"}, "--to keras: use onnx, torchscript or safetensors"),
        ({"to": "torchscript", "int8": True}, "--int8 is for ONNX"),
        ({"to": "safetensors", "opset": 17}, "--opset is for ONNX"),
        ({"fold": 7}, "--fold 7"),
    ],
)
def test_options_that_contradict_each_other(
    exports: Any, tmp_path: Path, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        comp.write_export(
            exports.run.run_id, out=tmp_path / "new", runs=exports.workspace.out, **options
        )
    assert not (tmp_path / "new").exists()


def test_a_folder_that_is_there_is_refused_before_any_work(exports: Any) -> None:
    with pytest.raises(RunError, match="is an earlier export"):
        comp.write_export(exports.run.run_id, runs=exports.workspace.out)


def test_without_a_library_nothing_is_read(exports: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("comp.export.libraries.find_spec", lambda _name: None)
    with pytest.raises(CompError, match="pip install onnx onnxscript onnxruntime"):
        comp.write_export("no-such-run", runs=exports.workspace.out)
