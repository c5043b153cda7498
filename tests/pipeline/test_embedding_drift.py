"""Train and test compared by embeddings."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from whole_run import competition_of, tiny_config

import comp.cli.check  # noqa: F401
from comp.cli import main
from comp.data.audit.audit import audit
from comp.data.drift import drift as limits
from comp.data.location import DataSource
from comp.errors import ConfigError
from comp.models import hub
from comp.pipeline.embedding_drift import check_at_hand, with_embedding_drift
from comp.runs.progress import Silent

PLUGIN = """
from comp.tasks.classification import image_classification

COMPETITION = image_classification(
    classes=("cat", "dog"), name="pets", title="Pets", kaggle="competitions/pets", metric="auc"
)
"""


def test_an_audit_gets_a_second_comparison_or_the_reason_why_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    competition = competition_of(PLUGIN, monkeypatch)
    competition.draw_synthetic(tmp_path, np.random.default_rng(0))
    torch.manual_seed(5)
    torch.save(timm.create_model("test_efficientnet").state_dict(), tmp_path / "weights.pth")
    keys = {"backbone": "test_efficientnet", "weights": tmp_path / "weights.pth"}
    config, source = tiny_config(competition, keys), DataSource(tmp_path, False)
    result = audit(config, source)
    assert result.drifts == []  # the drawn data is small
    refused = with_embedding_drift(result, config, source, Silent())
    (reason,) = [f.names[0] for f in refused.findings if f.kind == "embeddings"]
    assert "are too few to compare train and test" in reason
    monkeypatch.setattr(limits, "LEAST", 8)
    monkeypatch.setattr(limits, "LEAST_GROUPS", 8)
    compared = with_embedding_drift(result, config, source, Silent())
    (drift,) = compared.drifts
    assert drift.by == "embeddings"
    assert drift.features == []
    assert len(compared.findings) == len(result.findings) + 1
    assert compared.values()["drifts"][0]["auc"] == drift.auc


def test_weights_that_are_not_at_hand_are_not_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "try_to_load_from_cache", lambda *_: None)
    competition = competition_of(PLUGIN, monkeypatch)
    keys = {"backbone": "resnet18", "pretrained": True}
    with pytest.raises(ConfigError, match=r"resnet18 are not on this machine.*weights=FILE"):
        check_at_hand(tiny_config(competition, keys))
    with pytest.raises(ConfigError, match="the weights of resnet18 are random"):
        check_at_hand(tiny_config(competition, keys | {"pretrained": False}))


def test_quick_and_embeddings_exclude_each_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["comp", "check", "denoising", "--quick", "--embeddings"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    assert "leave out one of them" in capsys.readouterr().err
