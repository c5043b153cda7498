"""A tiny run of two classes for the page of `comp demo`, on drawn photographs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from comp.config.schema import resolve
from comp.contract import registry
from comp.data.location import DataSource, cached_synthetic_data
from comp.pipeline.run import run
from comp.runs.progress import Silent
from comp.workspace import Workspace

SETTINGS: dict[str, Any] = {
    "folds": 2,
    "seeds": 2,
    "max_steps": 2,
    "validations": 1,
    "device": "cpu",
    "image": {"size": 32},
    "loader": {"batch_size": 8},
    "predict": {"tta": "hflip"},
    "report": {"write": False, "notes": False},
}


def cats_and_dogs(folder: Path) -> tuple[str, Workspace]:
    """The id of a run with two seeds and flips, and its workspace."""
    workspace = Workspace.at(folder)
    competition = registry.get("cats-dogs")
    data = cached_synthetic_data(competition, workspace)
    layers = [competition.defaults, competition.synthetic_defaults, SETTINGS]
    config = resolve("cats-dogs", layers, competition.options)
    return run(config, DataSource(data, True), workspace, Silent()).run_id, workspace
