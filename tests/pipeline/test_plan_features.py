"""A plan computes the features of a few images, and counts the time and the bytes of all."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from whole_run import competition_of, tiny_config

from comp.data.location import DataSource
from comp.pipeline import pace, plan_features
from comp.pipeline.plan import plan
from comp.runs.progress import Silent
from comp.workspace import Workspace

PLUGIN = """
from comp.tasks.classification import image_classification

COMPETITION = image_classification(
    classes=("cat", "dog"), name="pets", title="Pets", kaggle="competitions/pets", metric="auc"
)
"""


def test_a_plan_counts_features_and_keeps_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pets = competition_of(PLUGIN, monkeypatch)
    data, weights = tmp_path / "data", tmp_path / "w.pth"
    data.mkdir()
    pets.draw_synthetic(data, np.random.default_rng(0))
    torch.save(timm.create_model("test_efficientnet").state_dict(), weights)
    frozen = {"backbone": "test_efficientnet", "weights": str(weights), "freeze": "all"}
    config = tiny_config(pets, frozen, {"features": {"views": 2}})
    monkeypatch.setattr(plan_features, "FEW", 8)
    monkeypatch.setattr(pace, "TRIAL_S", 0.01)
    monkeypatch.setattr(pace, "CALLS_S", 0.0)
    source, workspace = DataSource(data, False), Workspace.at(tmp_path / "out")
    began = time.perf_counter()
    found = plan(config, source, workspace, Silent(), began=began, on_measure=lambda *_: None)
    train, test = (len(pets.samples(data, split)) for split in ("train", "test"))
    views = 2 * (train + test) + 2 * train
    assert found.cache_bytes >= views * 256 * 4
    assert found.parts["features"] > 0
    assert list(workspace.features.glob("*")) == []
