"""Plans of classifiers: a few images stand in for all, and other settings are measured."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from whole_run import tiny_config

from comp.config.schema import RunConfig
from comp.contract import registry
from comp.data.images.prepare import prepare_images
from comp.data.location import DataSource
from comp.pipeline import alternatives, pace, plan_images
from comp.pipeline.fold_context import FoldContext
from comp.pipeline.plan import plan
from comp.pipeline.plan_images import PlanImages, StandInReader, evenly
from comp.runs.plan import RunPlan
from comp.runs.progress import Silent
from comp.workspace import Workspace

CATS = registry.get("cats-dogs")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    CATS.draw_synthetic(root, np.random.default_rng(0))
    return root


def config_of(**values: Any) -> RunConfig:
    return tiny_config(CATS, values)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measurements of a few steps, on few images."""
    monkeypatch.setattr(pace, "TRIAL_S", 0.01)
    monkeypatch.setattr(pace, "CALLS_S", 0.0)
    monkeypatch.setattr(alternatives, "TRIAL_S", 0.01)
    monkeypatch.setattr(alternatives, "BACKBONES", ("test_efficientnet",))
    monkeypatch.setattr(alternatives, "SIDES", (0.5,))
    monkeypatch.setattr(plan_images, "FEW", 16)


def planned(config: RunConfig, data: Path, here: Path) -> tuple[RunPlan, list[str]]:
    settings: list[str] = []
    found = plan(
        config,
        DataSource(data, synthetic=False),
        Workspace.at(here),
        Silent(),
        began=time.perf_counter(),
        on_measure=lambda _done, _total, setting: settings.append(setting),
    )
    return found, settings


def by_pixels(context: FoldContext, trial_s: float) -> pace.Pace:
    """The real measurement, but a step takes a second for a million pixels of an image."""
    height, width = context.reader(context.train[0])["image"].shape[:2]
    return replace(pace.quick_pace(context, trial_s), step_s=1e-6 * height * width)


def test_other_sizes_and_backbones_are_measured(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alternatives, "quick_pace", by_pixels)
    monkeypatch.setattr("comp.pipeline.plan.LIMIT_S", 1e6)
    config = config_of(max_steps=None, epochs=2, image={"size": 48})
    found, settings = planned(config, data, tmp_path)
    assert [other.setting for other in found.alternatives] == settings[:-1]
    assert settings == ["image.size=24", "image.size=160", "backbone=test_efficientnet", ""]
    assert [other.problem for other in found.alternatives] == ["", "", ""]
    speeds = {other.setting: other.images_per_second for other in found.alternatives}
    small, large = speeds["image.size=24"], speeds["image.size=160"]
    assert small
    assert large
    assert small / large == pytest.approx((160 / 24) ** 2)
    assert [fold.epochs for fold in found.folds] == [2.0, 2.0]
    assert found.cache_bytes > 0
    assert list(tmp_path.iterdir()) == []


def test_a_budget_has_a_plan_for_each_fold(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("comp.pipeline.plan.LIMIT_S", 0.0)
    found, _ = planned(config_of(max_steps=None, budget=900.0), data, tmp_path)
    assert [fold.fold for fold in found.folds] == [0, 1]
    assert 800 < found.seconds <= 900.0
    assert found.parts["training"] > 100
    assert {other.problem for other in found.alternatives} == {"not measured: no time left"}


def test_a_cache_that_exists_is_used(data: Path, tmp_path: Path) -> None:
    config, caches = config_of(max_steps=1), Workspace.at(tmp_path).images
    samples = [sample for split in ("train", "test") for sample in CATS.samples(data, split)]
    cache = prepare_images(CATS, config, samples, caches, None).cache
    images = PlanImages(tmp_path / "few")
    assert images(CATS, config, samples, caches, None).cache == cache
    assert (images.new_bytes, images.decode_s > 0) == (0, True)
    other = config_of(max_steps=1, image={"size": 40})
    assert images(CATS, other, samples, caches, None).cache != cache
    assert images.new_bytes == 40 * 40 * 3 * len(samples)


def test_a_stand_in_is_always_the_same_and_has_the_target(data: Path) -> None:
    samples = CATS.samples(data, "train")
    few = evenly(samples, 5)
    assert len(few) == len({sample.id for sample in few}) == 5
    reader = StandInReader(lambda sample: {"id": np.array(sample.id)}, few)
    read = [str(reader(sample)["id"]) for sample in samples]
    assert read == [str(reader(sample)["id"]) for sample in samples]
    assert set(read) == {sample.id for sample in few}
