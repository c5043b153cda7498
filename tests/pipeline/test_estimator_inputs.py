"""Linear models and nearest neighbours on embeddings: a first look at images, and their resume."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from whole_run import WholeRun, competition_of, whole_run

from comp.errors import ConfigError, RunError
from comp.features import embeddings
from comp.inference.predictions import Predictions
from comp.pipeline.predict import predict
from comp.workspace import Workspace

PLUGIN = """
from comp.tasks.classification import image_classification

COMPETITION = image_classification(
    classes=("cat", "dog"), name="pets", title="Pets", kaggle="competitions/pets", metric="auc"
)
"""


@pytest.fixture(scope="module")
def looked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[WholeRun, Path]]:
    """A run of a linear model and nearest neighbours, and its file of weights."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("looked")
    weights = folder / "w.pth"
    torch.manual_seed(5)
    torch.save(timm.create_model("test_efficientnet").state_dict(), weights)
    layer: dict[str, Any] = {"model": ["linear", "knn"], "weights": str(weights)}
    with pytest.MonkeyPatch.context() as monkeypatch:
        competition = competition_of(PLUGIN, monkeypatch)
        backbone = {"backbone": "test_efficientnet", "pretrained": True}
        yield whole_run(competition, folder, layer, backbone), weights
    torch.set_num_threads(threads)


def test_simple_models_learn_from_embeddings(looked: tuple[WholeRun, Path]) -> None:
    done, _ = looked
    targets = np.array([label == "dog" for label in done.train["label"]])
    predictions, _ = done.stacked()
    assert predictions[targets].mean() > predictions[~targets].mean() + 0.1
    record = json.loads((done.summary.run_dir / "run.json").read_text())
    assert record["feature_cache"] is None
    assert record["embeddings"]["backbone"] == "test_efficientnet"
    caches = list(Workspace.at(done.summary.run_dir.parents[2]).features.iterdir())
    assert len(caches) == 1


def test_they_predict_images_again_with_the_same_weights(
    looked: tuple[WholeRun, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    done, weights = looked
    workspace = Workspace.at(done.summary.run_dir.parents[2])
    shutil.rmtree(workspace.features)
    result = predict(done.summary.run_id, workspace)
    again = Predictions(result.out / "test.safetensors")
    first = Predictions(done.summary.run_dir / "test.safetensors")
    np.testing.assert_allclose(
        [again[name] for name in first], [first[name] for name in first], rtol=1e-3, atol=1e-5
    )
    content = weights.read_bytes()
    state = torch.load(weights, weights_only=True)
    torch.save({name: values * 1.01 for name, values in state.items()}, weights)
    with pytest.raises(RunError, match="are not those of the embeddings"):
        predict(done.summary.run_id, workspace)
    weights.write_bytes(content)


def test_without_pretrained_weights_there_is_nothing_to_learn_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    competition = competition_of(PLUGIN, monkeypatch)
    monkeypatch.setattr(embeddings, "features_of", None)
    layer = {"model": ["knn"], "pretrained": False, "weights": None}
    with pytest.raises(ConfigError, match="are random, and so would be the embeddings"):
        whole_run(competition, tmp_path, layer)
    assert not (tmp_path / "runs").exists()
