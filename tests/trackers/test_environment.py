"""The variables of a tracker's process."""

from __future__ import annotations

from pathlib import Path

import pytest
from tracked_run import start_for, tracked_run

from comp.trackers.environment import environment


def test_trackers_have_no_gpu_and_no_telemetry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, folder = tracked_run(tmp_path)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "false")
    monkeypatch.setenv("WANDB_DATA_DIR", "/mine")
    monkeypatch.delenv("TRACKIO_SPACE_ID", raising=False)
    monkeypatch.delenv("TRACKIO_SERVER_URL", raising=False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    mlflow = environment(start_for(folder, "mlflow"))
    assert mlflow["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert mlflow["CUDA_VISIBLE_DEVICES"] == ""
    assert environment(start_for(folder, "wandb"))["WANDB_DATA_DIR"] == "/mine"
    assert environment(start_for(folder, "trackio"))["HF_HUB_OFFLINE"] == "1"
    monkeypatch.setenv("TRACKIO_SPACE_ID", "me/space")
    assert "HF_HUB_OFFLINE" not in environment(start_for(folder, "trackio"))
