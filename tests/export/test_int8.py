"""int8: smaller, measured out of fold with the samples that each network held out, and said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from comp.export.card import int8_lines, loss_sentence
from comp.export.int8 import matrix_share
from comp.export.networks import RunReader, parts_of
from comp.export.out_of_fold import calibration, chosen_ids, measure_loss
from comp.export.session import open_session


def test_what_was_measured_is_in_the_description(exports: Any) -> None:
    int8 = exports.onnx.described["int8"]
    measured = int8["out_of_fold"]
    assert measured["samples"] == measured["of"] == 48
    assert int8["method"] == "static"
    assert int8["calibrated_on"] == 24
    assert int8["largest_difference"] < 0.2
    assert measured["float_score"] == pytest.approx(exports.run.score, abs=0.1)
    (line, *_) = int8_lines(int8)
    assert f"{measured['metric']} of int8 is {measured['int8_score']:.5f}" in line
    assert "on 48 held-out samples" in line


def test_the_int8_file_takes_other_batches(exports: Any) -> None:
    predict = open_session(exports.onnx.files[-1])
    image = np.zeros((3, 64, 64, 3), np.uint8)
    assert exports.onnx.files[-1].name == "model-int8.onnx"
    assert predict({"image": image}).shape == (3, 1)


def test_ranges_come_from_samples_of_other_folds(exports: Any) -> None:
    run, part = exports.run, parts_of(exports.run)[0]
    loaded = RunReader(run).load(part)
    read: list[str] = []
    seen = replace(loaded, reader=lambda s: read.append(s.id) or loaded.reader(s))
    assert len(list(calibration(run, seen, part, 100))) == 24
    assert {run.data.folds[name] for name in read} == {1}


def test_each_network_predicts_the_samples_that_it_held_out(exports: Any, tmp_path: Path) -> None:
    """With the float file of the other fold as int8, the loss is that of the exchanged folds."""
    run, parts = exports.run, parts_of(exports.run)
    assert chosen_ids(run, parts[:1]) == [name for name in run.ids if run.fold_of[name] == 0]
    same = {part.name: exports.onnx.files[0] for part in parts}
    loss = measure_loss(RunReader(run), parts, [same, same], tmp_path)
    assert loss.lost == 0
    assert not loss.is_worse
    assert loss.samples == loss.of == 48


def test_a_loss_that_is_no_chance_is_said_first() -> None:
    difference = {"value": -0.2, "low": -0.3, "high": -0.1}
    measured = {
        "metric": "AUC",
        "samples": 2000,
        "of": 5000,
        "int8_score": 0.7,
        "float_score": 0.9,
        "worse": True,
        "difference": difference,
    }
    words = loss_sentence(measured)
    assert words.startswith("**int8 is worse by more than chance.**")
    assert "2,000 of 5,000 held-out samples" in words
    assert "-0.30000 to -0.10000" in words


def test_a_loss_that_is_not_known_is_said() -> None:
    record = {
        "out_of_fold": None,
        "not_measured": "AUC is not defined",
        "bytes": 1,
        "float_bytes": 2,
        "method": "dynamic",
        "calibrated_on": 0,
        "largest_difference": 0.1,
        "notes": ["int8 static was tried too"],
    }
    lines = int8_lines(record)
    assert lines[0] == "**The loss of score is not known**: AUC is not defined"
    assert lines[-1] == "int8 static was tried too"


def test_a_network_of_convolutions_has_few_weights_in_matrices(exports: Any) -> None:
    assert matrix_share(exports.onnx.files[0]) < 0.1
