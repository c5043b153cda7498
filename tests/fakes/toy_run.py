"""The run of the bundle in `rehearsed`: its record alone, and a `comp predict` that copies."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rehearsed import TOY, toy_scene

from comp.bundle import scene
from comp.bundle.manifest import write_manifest
from comp.contract import registry
from comp.workspace import Workspace


@dataclass(frozen=True)
class ToyRun:
    """A workspace with a run, and its bundle."""

    workspace: Workspace
    bundle: Path


def toy_run(folder: Path, patch: pytest.MonkeyPatch, fault: str = "", **config: Any) -> ToyRun:
    """A run of the toy competition whose test predictions are known."""
    known = toy_scene(folder, fault)
    place = folder / "runs" / "toy" / "20260101-000000-toytoy"
    place.mkdir(parents=True)
    record = {"competition": "toy", "config": {"competition": "toy", **config}}
    (place / "run.json").write_text(json.dumps(record | {"data": str(known.root)}))
    write_manifest(known.bundle, place.name)

    def predict_any(run_id: str, workspace: Workspace, *, out: Path, **_: Any) -> None:
        shutil.copytree(known.reference, out)

    patch.setattr(registry, "competitions", lambda: {"toy": TOY})
    patch.setattr(scene, "predict_any", predict_any)
    return ToyRun(Workspace.at(folder), known.bundle)
