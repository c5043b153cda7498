from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from rehearsed import COUNT, toy_scene
from safetensors.numpy import save_file
from toy_run import toy_run

from comp.bundle.manifest import write_manifest
from comp.bundle.same import EXACT, LOOSE
from comp.bundle.scene import (
    RehearsalSettings,
    is_half,
    open_scene,
    spec_of,
    write_hidden_submissions,
)
from comp.errors import ConfigError, DataError, RunError
from comp.submission.validate import validate_submission


def test_the_scene_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy = toy_run(tmp_path, monkeypatch)
    scene = open_scene(toy.bundle, toy.workspace, RehearsalSettings(), tmp_path / "scratch")
    assert len(scene.samples) == COUNT
    assert scene.slug == "toy-slug"
    assert scene.tolerance == EXACT
    assert not scene.whole_test
    assert set(scene.predictions) == {sample.id for sample in scene.samples}
    assert scene.submission.is_file()


def test_a_bundle_that_was_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy = toy_run(tmp_path, monkeypatch)
    (toy.bundle / "predict.py").write_text("pass")
    with pytest.raises(RunError, match="was changed"):
        open_scene(toy.bundle, toy.workspace, RehearsalSettings(), tmp_path / "scratch")


def test_data_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy = toy_run(tmp_path, monkeypatch)
    settings = RehearsalSettings(data=tmp_path / "nowhere")
    with pytest.raises(DataError, match="nowhere"):
        open_scene(toy.bundle, toy.workspace, settings, tmp_path / "scratch")


@pytest.mark.parametrize(
    ("config", "whole"), [({"precision": "fp16"}, False), ({"predict": {"shares": "em"}}, True)]
)
def test_what_the_configuration_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: dict[str, object], whole: bool
) -> None:
    toy = toy_run(tmp_path, monkeypatch, **config)
    scene = open_scene(toy.bundle, toy.workspace, RehearsalSettings(), tmp_path / "scratch")
    assert scene.whole_test is whole
    assert scene.tolerance == (EXACT if whole else LOOSE)


def test_weights_in_half_precision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy = toy_run(tmp_path, monkeypatch)
    (toy.bundle / "weights").mkdir()
    path = toy.bundle / "weights" / "fold-0.safetensors"
    save_file({"a": np.zeros(3, np.float32)}, path)
    assert not is_half(toy.bundle)
    save_file({"a": np.zeros(3, np.float16), "b": np.zeros(3, np.float32)}, path)
    assert is_half(toy.bundle)
    write_manifest(toy.bundle, "20260101-000000-toytoy")
    scene = open_scene(toy.bundle, toy.workspace, RehearsalSettings(), tmp_path / "scratch")
    assert scene.tolerance == LOOSE


def test_the_submissions_of_a_hidden_test(tmp_path: Path) -> None:
    scene = toy_scene(tmp_path)
    samples = [replace(sample, id=f"9{sample.id}") for sample in reversed(scene.samples)]
    names = {sample.id: sample.id[1:] for sample in samples}
    write_hidden_submissions(scene, tmp_path / "there", samples, names, tmp_path / "expected.csv")
    sample = pl.read_csv(tmp_path / "there" / "sample_submission.csv")
    expected = pl.read_csv(tmp_path / "expected.csv")
    assert sample["id"].to_list() == expected["id"].to_list() == [int(name) for name in names]
    assert set(sample["label"]) == {0.5}
    assert expected["label"].n_unique() > 1
    spec = spec_of(scene, tmp_path / "there", samples)
    assert validate_submission(tmp_path / "expected.csv", spec) == COUNT


def test_a_factor_that_is_none() -> None:
    with pytest.raises(ConfigError, match="--factor 0 is not above 0"):
        RehearsalSettings(factor=0)
