"""The model card and model.json: facts of the run, and nothing of this machine."""

from __future__ import annotations

import json
from typing import Any

import yaml

from comp.files import sha256


def test_the_card_has_scores_with_intervals_and_says_what_the_file_leaves_out(exports: Any) -> None:
    text = (exports.onnx.folder / "README.md").read_text()
    run = exports.run
    assert f"{run.competition.metric.name} {run.score:.5f} (95 % interval " in text
    assert "48 training samples, 4 test samples" in text
    assert "plain 24, marked 24" in text
    assert "predict.tta = hflip" in text
    assert "## Licence\n\nNone is given" in text
    assert "onnxruntime.InferenceSession" in text


def test_the_front_matter_is_yaml_without_a_licence(exports: Any) -> None:
    text = (exports.onnx.folder / "README.md").read_text()
    front = yaml.safe_load(text.split("---")[1])
    assert front["library_name"] == "onnx"
    assert front["pipeline_tag"] == "image-classification"
    assert "license" not in front


def test_no_path_of_this_machine_in_any_text(exports: Any) -> None:
    for each in (exports.onnx, exports.torchscript, exports.safetensors):
        for name in ("README.md", "model.json", "manifest.json"):
            text = (each.folder / name).read_text()
            assert str(exports.workspace.root) not in text
            assert "/tmp" not in text


def test_the_manifest_fits_the_files(exports: Any) -> None:
    manifest = json.loads((exports.onnx.folder / "manifest.json").read_text())
    assert set(manifest["files"]) == {"README.md", "model.json", "model.onnx", "model-int8.onnx"}
    for name, entry in manifest["files"].items():
        assert entry["sha256"] == sha256(exports.onnx.folder / name)


def test_the_description_names_inputs_networks_and_the_check(exports: Any) -> None:
    found = json.loads((exports.onnx.folder / "model.json").read_text())
    assert found["inputs"] == {"image": {"type": "uint8", "shape": ["batch", 64, 64, 3]}}
    assert [n["name"] for n in found["files"][0]["networks"]] == ["fold-0", "fold-1"]
    assert found["check"]["largest_difference"] < 1e-4
    assert found["check"]["batches"] == [1, 3]
    assert found["decision"]["names"] == ["threshold"]
    assert found["tta"]["copies"][1] == {"transpose": False, "flip": [2]}
