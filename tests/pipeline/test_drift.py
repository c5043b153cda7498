"""Train and test are compared before a run trains."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from whole_run import competition_of, tiny_config

from comp.contract.competition import Competition
from comp.data.drift import drift as limits
from comp.data.location import DataSource
from comp.errors import DataError
from comp.pipeline import drift as run_drift
from comp.pipeline.drift import find_drift
from comp.pipeline.run import run
from comp.pipeline.run_inputs import RunInputs, prepare_run
from comp.runs.progress import Silent
from comp.workspace import Workspace

PLUGIN = """
from comp.tasks.classification import image_classification

COMPETITION = image_classification(
    classes=("cat", "dog"), name="pets", title="Pets", kaggle="competitions/pets", metric="auc"
)
"""


class Notes(Silent):
    """A reporter that keeps the notes."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def note(self, text: str) -> None:
        """Keep it."""
        self.texts.append(text)


@pytest.fixture
def pets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Competition]:
    """A competition whose few test images are brighter, and count as enough."""
    competition = competition_of(PLUGIN, monkeypatch)
    data = tmp_path / "data" / "pets"
    data.mkdir(parents=True)
    competition.draw_synthetic(data, np.random.default_rng(0))
    for sample in competition.samples(data, "test"):
        image = cv2.imread(str(sample.image))
        cv2.imwrite(str(sample.image), cv2.add(image, (60, 60, 60, 0)))
    monkeypatch.setattr(limits, "LEAST", 8)
    monkeypatch.setattr(limits, "LEAST_GROUPS", 8)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield competition
    torch.set_num_threads(threads)


def inputs_of(competition: Competition, tmp_path: Path, **keys: Any) -> RunInputs:
    config = tiny_config(competition, keys)
    source = DataSource(tmp_path / "data" / "pets", False)
    return prepare_run(config, source, Workspace.at(tmp_path), (), Silent())


def test_a_run_says_it_and_trains_as_without_it(
    pets: Competition, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, source = tiny_config(pets), DataSource(tmp_path / "data" / "pets", False)
    notes = Notes()
    summary = run(config, source, Workspace.at(tmp_path), notes, only=[0])
    record = json.loads((summary.run_dir / "run.json").read_text())["drift"]
    (line,) = [text for text in notes.texts if text.startswith("train and test differ by image")]
    assert "'comp check pets' has more" in line
    assert record["found"]
    assert "brightness" in [feature["name"] for feature in record["features"]]
    assert record["halves"] < record["low"]
    monkeypatch.setattr(limits, "LEAST", 10**6)
    again = run(config, source, Workspace.at(tmp_path), notes, only=[0])
    plain = json.loads((again.run_dir / "run.json").read_text())["drift"]
    assert plain["found"] is None
    assert "are too few to compare train and test" in plain["reason"]
    for name in ("fold-0/model.safetensors", "oof.safetensors", "test.safetensors"):
        assert (summary.run_dir / name).read_bytes() == (again.run_dir / name).read_bytes()


def test_no_global_generator_is_used_and_the_next_run_reads_the_result(
    pets: Competition, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = inputs_of(pets, tmp_path)
    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # type: ignore[index]
    drift = find_drift(inputs)
    assert states == (
        random.getstate(),
        np.random.get_state()[1].tolist(),  # type: ignore[index]
        torch.get_rng_state().tolist(),
    )
    monkeypatch.setattr(run_drift, "image_drift", None)  # computing again would fail
    assert find_drift(inputs) == drift
    cache = inputs.images.cache
    assert cache
    (stored,) = cache.glob("drift-*.json")
    stored.write_text("{}")
    monkeypatch.undo()
    monkeypatch.setattr(limits, "LEAST", 8)
    monkeypatch.setattr(limits, "LEAST_GROUPS", 8)
    assert find_drift(inputs) == drift  # a damaged file is replaced
    assert json.loads(stored.read_text())["found"]


def test_without_a_cache_a_few_images_are_decoded(
    pets: Competition, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = inputs_of(pets, tmp_path, image={"cache": False})
    monkeypatch.setattr(run_drift, "LEAST", 8)
    assert inputs.images.cache is None
    assert find_drift(inputs).found
    monkeypatch.setattr(run_drift, "PIXELS", 10_000)
    with pytest.raises(DataError, match=r"too large to decode them .*: use 'comp check'"):
        find_drift(inputs)


def test_synthetic_data_is_not_compared(pets: Competition, tmp_path: Path) -> None:
    config = tiny_config(pets)
    source = DataSource(tmp_path / "data" / "pets", True)
    inputs = prepare_run(config, source, Workspace.at(tmp_path), (), Silent())
    with pytest.raises(DataError, match="synthetic data"):
        find_drift(inputs)
