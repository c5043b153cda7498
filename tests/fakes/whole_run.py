"""A plugin of few lines, run from its synthetic data to a submission."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from comp.config.placement import Placement
from comp.config.schema import RunConfig, resolve
from comp.contract import registry
from comp.contract.competition import Competition
from comp.data.location import DataSource
from comp.inference.predictions import Predictions
from comp.pipeline.run import run
from comp.runs.progress import Silent
from comp.runs.results import RunSummary
from comp.workspace import Workspace

TINY: Mapping[str, Any] = {
    "folds": 2,
    "max_steps": 6,
    "validations": 1,
    "device": "cpu",
    "image": {"size": 32},
    "loader": {"batch_size": 8},
}


def competition_of(plugin: str, monkeypatch: pytest.MonkeyPatch) -> Competition:
    """The competition of a plugin's source of at most 25 lines, registered."""
    assert plugin.strip().count("\n") < 25
    space: dict[str, Any] = {}
    exec(plugin, space)
    competition: Competition = space["COMPETITION"]
    monkeypatch.setattr(registry, "competitions", lambda: {competition.name: competition})
    return competition


def tiny_config(competition: Competition, *layers: Mapping[str, Any]) -> RunConfig:
    """Two folds of six steps on a tiny network."""
    own = [competition.defaults, competition.synthetic_defaults]
    return resolve(competition.name, [*own, TINY, *layers])


@dataclass(frozen=True)
class WholeRun:
    """A finished run, with what it read and wrote.

    `folds` maps ids of training samples to folds, `oof` to their predictions, `targets` to what the
    table says.
    """

    summary: RunSummary
    card: Mapping[str, Any]
    folds: Mapping[str, int]
    oof: Mapping[str, np.ndarray]
    train: pl.DataFrame
    submission: pl.DataFrame
    sample: pl.DataFrame

    def stacked(self) -> tuple[np.ndarray, np.ndarray]:
        """Predictions (N, K) float64 and folds (N,), in the order of the training table."""
        ids = self.train.to_series(0).to_list()
        predictions = np.array([self.oof[i] for i in ids], dtype=np.float64)
        return predictions, np.array([self.folds[i] for i in ids])

    def test_predictions(self) -> np.ndarray:
        """Predictions of the test samples (N, K), in the order of the submission."""
        predictions = Predictions(self.summary.run_dir / "test.safetensors")
        return np.array([predictions[name] for name in self.submission.to_series(0)])


def whole_run(
    competition: Competition, tmp_path: Path, *layers: Mapping[str, Any], labels: str = "train.csv"
) -> WholeRun:
    """Draw the synthetic data of a competition, and run it."""
    data = tmp_path / "data"
    data.mkdir()
    competition.draw_synthetic(data, np.random.default_rng(0))
    config = tiny_config(competition, *layers)
    summary = run(config, DataSource(data, False), Workspace.at(tmp_path), Silent())
    folds = pl.read_csv(summary.run_dir / "folds.csv", infer_schema=False)
    predictions = Predictions(summary.run_dir / "oof.safetensors")
    ids = folds["id"].to_list()
    return WholeRun(
        summary=summary,
        card=json.loads((summary.run_dir / "scores.json").read_text()),
        folds=dict(zip(ids, map(int, folds["fold"]), strict=True)),
        oof={name: predictions[name] for name in ids},
        train=pl.read_csv(data / labels, infer_schema=False),
        submission=pl.read_csv(summary.submission, infer_schema=False),
        sample=pl.read_csv(data / str(competition.sample_submission), infer_schema=False),
    )


def tiny_run(
    name: str, folder: Path, changes: Mapping[str, Any], placement: Placement | None = None
) -> RunSummary:
    """Draw the synthetic data of a competition of comp into a new folder, and run it there."""
    competition = registry.get(name)
    data = folder / "data"
    data.mkdir(parents=True)
    competition.draw_synthetic(data, np.random.default_rng(0))
    config, source = tiny_config(competition, changes), DataSource(data, False)
    return run(config, source, Workspace.at(folder), Silent(), placement=placement)
