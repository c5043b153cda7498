"""Single images are predicted as `comp predict` predicts them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from comp.contract import registry
from comp.contract.sample import Sample
from comp.demo import predictor as module
from comp.demo.predictor import open_predictor
from comp.demo.session import Session
from comp.errors import DataError, RunError
from comp.inference.predictions import Predictions
from comp.pipeline.predict import predict
from comp.runs.folder import RunFolder
from comp.workspace import Workspace


def test_predictions_are_those_of_comp_predict(
    demo_run: tuple[str, Workspace], session: Session, tmp_path: Path
) -> None:
    run_id, workspace = demo_run
    predict(run_id, workspace, out=tmp_path / "out", settings={"device": "cpu"})
    of_all = Predictions(tmp_path / "out" / "test.safetensors")
    for sample, _ in session.examples:
        shown = session.predictor.predict(sample)
        np.testing.assert_allclose(shown, of_all[sample.id], atol=1e-6)
    assert session.predictor.count == 4  # two folds of two seeds
    assert len({float(of_all[sample.id][0]) for sample, _ in session.examples}) > 1


def test_nothing_is_left_of_a_predicted_image(
    demo_run: tuple[str, Workspace], photo: Path, tmp_path: Path
) -> None:
    run_id, workspace = demo_run
    before = sorted(workspace.root.rglob("*"))
    opened = open_predictor(run_id, workspace, tmp_path / "scratch", "cpu")
    opened.predict(Sample(id="mine", image=photo))
    assert not list((tmp_path / "scratch").rglob("*"))
    assert sorted(workspace.root.rglob("*")) == before


def test_an_image_that_cannot_be_read_is_refused(session: Session, tmp_path: Path) -> None:
    (tmp_path / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n123")
    with pytest.raises(DataError, match=r"cut\.png"):
        session.predictor.predict(Sample(id="cut", image=tmp_path / "cut.png"))


def test_a_run_of_a_table_is_refused_with_the_command(
    demo_run: tuple[str, Workspace], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, workspace = demo_run
    housing = registry.get("housing")
    monkeypatch.setattr(module.registry, "get", lambda _name: housing)
    with pytest.raises(RunError, match=rf"predicts .*: use 'comp predict {run_id} --data FILE'"):
        open_predictor(run_id, workspace, tmp_path)


def test_what_needs_many_images_is_left_out_and_told(
    demo_run: tuple[str, Workspace], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, workspace = demo_run
    read = RunFolder.record

    def with_adaptation(self: RunFolder, *keys: str) -> dict:  # type: ignore[type-arg]
        record = dict(read(self, *keys))
        config = dict(record["config"])
        return record | {"config": config | {"predict": config["predict"] | {"adapt": "batchnorm"}}}

    monkeypatch.setattr(RunFolder, "record", with_adaptation)
    opened = open_predictor(run_id, workspace, tmp_path, "cpu")
    assert "predict.adapt = batchnorm is left out: it needs many images" in opened.notes
