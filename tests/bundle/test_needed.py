"""The program of a bundle has what bundle.json names, and nothing else."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from comp.bundle.assemble import assemble
from comp.bundle.needed import needed_kinds

RESIZED = {"kind": "resized", "policy": "squash", "formats": ["PNG"], "value_range": None}
WHOLE = {"kind": "whole", "formats": ["NPY", "TIFF"], "value_range": {"bounds": {}}}
CLASSIFIER = {"kind": "classifier", "backbone": "x", "pool": "own", "cosine": None}
CLASSES: dict[str, Any] = {
    "data": {"alike": False},
    "networks": [{"network": CLASSIFIER}],
    "read": RESIZED,
    "predict": {"tta": "none", "output": "numbers"},
    "activation": {"kind": "two classes"},
    "decision": {"kind": "two classes"},
    "rows": {"kind": "table"},
}
MASKS = CLASSES | {
    "data": {"alike": True},
    "networks": [{"network": {"kind": "segmenter", "backbone": "x"}}],
    "read": WHOLE,
    "predict": {"tta": "dihedral", "output": "image"},
    "activation": {"kind": "masks"},
    "decision": {"kind": "masks"},
    "rows": {"kind": "masks"},
}
PAGES = MASKS | {
    "networks": [{"network": {"kind": "corrector", "network": {"kind": "encoder_decoder"}}}],
    "activation": {"kind": "image"},
    "decision": {"kind": "none"},
    "rows": {"kind": "pixels"},
}
BLEND = CLASSES | {
    "networks": [
        {"network": CLASSIFIER | {"pool": "gem"}, "member": 0},
        {"network": CLASSIFIER | {"cosine": 20.0}, "member": 1},
    ],
    "members": [
        {"read": RESIZED, "predict": CLASSES["predict"], "activation": {"kind": "classes"}},
        {"read": RESIZED | {"policy": "crop"}, "predict": {"tta": "hflip", "output": "numbers"}}
        | {"activation": {"kind": "none"}},
    ],
    "decision": {"kind": "classes"},
}
BUNDLES = {"classes": CLASSES, "masks": MASKS, "pages": PAGES, "blend": BLEND}
RULES = "E4,E7,E9,F"
"""The rules that ruff checks by default, and nothing that is a matter of style."""


@cache
def program(name: str) -> str:
    """The program of one of `BUNDLES`, which has no functions of a plugin."""
    return assemble(kinds=needed_kinds(BUNDLES[name]))


def defined(source: str) -> set[str]:
    """The functions and classes of a program."""
    tree = ast.parse(source)
    return {n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)}


def test_every_registry_exists_with_the_kinds_that_are_named() -> None:
    for bundle in BUNDLES.values():
        for name, kinds in needed_kinds(bundle).items():
            module, _, constant = name.rpartition(".")
            assert kinds <= set(getattr(import_module(module), constant)), name


def test_a_program_has_no_other_kinds() -> None:
    found = {name: defined(program(name)) for name in BUNDLES}
    whole = assemble()
    assert {"Classifier", "number_parts", "Predictor", "decide_two"} <= found["classes"]
    others = {"Segmenter", "ImageCorrector", "Blended", "image_parts", "read_npy", "TiffLayout"}
    others |= {"ValueRange", "CosineLinear", "GeneralizedMean", "decide_masks", "pixel_rows_of"}
    others |= {"AlikeNames", "predict_in_tiles", "activate_grades", "_covering"}
    assert others <= defined(whole)
    assert not others & found["classes"]
    masks = {"AlikeNames", "Segmenter", "read_npy", "TiffLayout", "ValueRange", "decide_masks"}
    assert masks <= found["masks"]
    assert not {"ImageCorrector", "pixel_rows_of", "number_parts"} & found["masks"]
    assert {"ImageCorrector", "EncoderDecoder", "pixel_rows_of"} <= found["pages"]
    assert not {"Segmenter", "mask_rows", "decide_masks"} & found["pages"]
    assert {"Blended", "CosineLinear", "GeneralizedMean", "_covering"} <= found["blend"]
    assert program("classes").count("\n") < 0.7 * whole.count("\n")


@pytest.mark.parametrize("name", BUNDLES)
def test_nothing_is_unused_or_undefined(name: str, tmp_path: Path) -> None:
    path = tmp_path / "predict.py"
    path.write_text(program(name), encoding="utf-8")
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--output-format", "json"]
    command += ["--select", RULES, "--target-version", "py311", str(path)]
    found = json.loads(subprocess.run(command, capture_output=True, check=False).stdout)
    types = set(_annotation_lines(path.read_text(encoding="utf-8")))
    wrong = [f for f in found if f["code"] != "F821" or f["location"]["row"] not in types]
    assert wrong == []


def _annotation_lines(source: str) -> Iterator[int]:
    """The lines with annotations, whose names a program does not evaluate."""
    for node in ast.walk(ast.parse(source)):
        for name in ("annotation", "returns"):
            part = getattr(node, name, None)
            if part is not None:
                yield from range(part.lineno, part.end_lineno + 1)


def test_a_kind_that_was_left_out_is_one_clear_line() -> None:
    module = ModuleType("a_predict")
    sys.modules["a_predict"] = module  # dataclasses look for it
    try:
        exec(compile(program("classes"), "predict.py", "exec"), module.__dict__)
    finally:
        del sys.modules["a_predict"]
    error = module.__dict__["DataError"]
    calls = {
        "network 'segmenter'": lambda: module.build_network({"kind": "segmenter"}),
        "activation 'labels'": lambda: module.make_activation({"kind": "labels"}),
        "reader 'whole'": lambda: module.make_reader([], Path(), RESIZED | {"kind": "whole"}),
        "depth of images 'more bits'": lambda: module.make_reader([], Path(), WHOLE),
        "image.resize 'crop'": lambda: module.make_reader([], Path(), RESIZED | {"policy": "crop"}),
        "rows 'pixels'": lambda: module.make_rows({"kind": "pixels"}),
    }
    for words, call in calls.items():
        with pytest.raises(error, match=f"names the {words}, which this predict.py does not have"):
            call()


def test_a_file_of_a_format_that_the_public_test_does_not_have_is_broken(tmp_path: Path) -> None:
    module = ModuleType("another_predict")
    sys.modules["another_predict"] = module
    try:
        exec(compile(program("classes"), "predict.py", "exec"), module.__dict__)
    finally:
        del sys.modules["another_predict"]
    (tmp_path / "x.png").write_bytes(b"II*\0" + bytes(200))
    with pytest.raises(module.__dict__["DataError"], match="is a TIFF file, unlike the test"):
        module.read_pixels(tmp_path / "x.png", 3, None, None)


def test_a_reader_of_compressed_images_needs_its_resize() -> None:
    found = needed_kinds(CLASSES | {"read": RESIZED | {"kind": "compressed"}})
    assert found["comp.bundle.parts.read.READERS"] == {"compressed"}
    assert found["comp.data.images.resize.RESIZES"] == {"squash"}
