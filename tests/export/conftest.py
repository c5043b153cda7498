"""A tiny run and its exports, made once for all tests of this folder. No test may change them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import planted
import pytest

from comp.export.call import write_to_folder
from comp.export.exported import Exported
from comp.pipeline.run_oof import RunOof
from comp.workspace import Workspace


@dataclass(frozen=True)
class Exports:
    """A run of two folds that averages mirrored copies, and its files."""

    run: RunOof
    workspace: Workspace
    onnx: Exported
    """With int8."""
    torchscript: Exported
    safetensors: Exported


@pytest.fixture(scope="session")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Exports:
    root = tmp_path_factory.mktemp("export")
    with pytest.MonkeyPatch.context() as patch:
        competition = planted.planted()
        run = planted.train_square(root, patch, competition, predict={"tta": "hflip"})
        workspace = Workspace.at(root)
        made = [
            write_to_folder(run.run_id, workspace, to=to, int8=to == "onnx")
            for to in ("onnx", "torchscript", "safetensors")
        ]
    return Exports(run, workspace, *made)


@pytest.fixture
def read_image(exports: Exports) -> Path:
    """An image of the test split of the run."""
    return exports.run.data.test[0].image_file
