"""Pipelines of plugins, whatever library they use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import albumentations as A
import numpy as np
import pytest
from toys import toy, toy_photos

from comp.config.schema import resolve
from comp.contract.pipeline import BatchPipeline, Change, Pipeline
from comp.contract.sample import Item
from comp.data import augment
from comp.data import steps as of
from comp.data.location import DataSource
from comp.data.pipelines import Unchanged, as_pipeline, pipeline_of
from comp.errors import CompetitionError
from comp.inference.tta import trained_symmetries
from comp.pipeline.run import run
from comp.runs.progress import Silent
from comp.workspace import Workspace


@dataclass(frozen=True)
class NumpyPipeline:
    """Another library: flips and brightness with numpy alone."""

    steps: tuple[of.Step, ...]
    on_batch: BatchPipeline | None = None
    moves_points: bool = False

    def __call__(self, item: Item, seed: int) -> Item:
        generator, image = np.random.default_rng(seed), np.asarray(item["image"])
        for step in self.steps:
            if generator.random() >= step.p:
                continue
            if isinstance(step, of.HorizontalFlip):
                image = image[:, ::-1]
            elif isinstance(step, of.RandomBrightnessContrast):
                light = 255 * generator.uniform(-step.brightness, step.brightness)
                image = np.clip(image + light, 0, 255).astype(np.uint8)
        return item | {"image": image}

    def describe(self) -> str:
        return repr(self.steps)

    @property
    def changes(self) -> list[Change]:
        return [step.change() for step in self.steps]


def compose(
    steps: Any, masks: bool = False, on_batch: BatchPipeline | None = None
) -> NumpyPipeline:
    return NumpyPipeline(tuple(steps), on_batch)


def test_another_library_takes_its_place_and_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole of comp uses the library through `compose`: no other name of it is needed."""
    monkeypatch.setattr(augment, "compose", compose)
    competition = toy_photos()
    monkeypatch.setattr("comp.contract.registry.get", lambda _name: competition)
    layers = [
        competition.defaults,
        competition.synthetic_defaults,
        {"folds": 2, "max_steps": 2, "validations": 1, "image": {"size": 32}},
        {"augment": {"rotate": 0, "shift": 0, "scale": 0}},
    ]
    config = resolve("toy", layers)
    pipeline = pipeline_of(competition, config, True)
    assert isinstance(pipeline, NumpyPipeline)
    assert trained_symmetries(pipeline) == "hflip"
    data = tmp_path / "data"
    competition.draw_synthetic(data, np.random.default_rng(0))
    summary = run(config, DataSource(data, synthetic=True), Workspace.at(tmp_path), Silent())
    assert summary.submission.is_file()


def test_a_plugin_returns_a_compose_or_a_pipeline() -> None:
    own = NumpyPipeline((of.HorizontalFlip(),))
    assert as_pipeline(own) is own
    adapted = pipeline_of(toy(pipeline=lambda *_: A.Compose([A.VerticalFlip()])), None, True)
    assert isinstance(adapted, Pipeline)
    assert adapted.changes == [Change("VerticalFlip", "vflip")]
    with pytest.raises(CompetitionError, match="is a list: return a Compose of albumentations"):
        as_pipeline([A.VerticalFlip()])


def test_a_table_is_not_changed() -> None:
    item = {"features": np.zeros(3)}
    assert isinstance(Unchanged(), Pipeline)
    assert Unchanged()(item, 1) is item
