"""A range test on a fold: what it trains, and that it leaves nothing behind."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from comp.config.nesting import merge
from comp.config.schema import RunConfig, resolve
from comp.data.location import DataSource
from comp.errors import ConfigError, FoldError
from comp.pipeline.lr_find import RangeTestResult, find_learning_rate
from comp.runs.progress import Silent, Step
from comp.training.range_test import HIGHEST_RATE, LOWEST_RATE
from comp.workspace import Workspace
from competitions.denoising import COMPETITION as DENOISING


class Listener(Silent):
    """Records the steps."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def step(self, step: Step) -> None:
        self.steps.append(step)


def changed(config: RunConfig, **values: object) -> RunConfig:
    return resolve("denoising", [merge(config.model_dump(), values)], DENOISING.options)


def found(
    config: RunConfig, pages: Path, here: Path, listener: Listener | None = None, **how: Any
) -> RangeTestResult:
    source, workspace = DataSource(pages, synthetic=False), Workspace.at(here)
    return find_learning_rate(
        config, source, workspace, listener or Listener(), **({"steps": 20} | how)
    )


@pytest.fixture(scope="module")
def once(
    tmp_path_factory: pytest.TempPathFactory, pages: Path, tiny: RunConfig
) -> tuple[RangeTestResult, Listener, Path]:
    here, listener = tmp_path_factory.mktemp("here"), Listener()
    return found(tiny, pages, here, listener), listener, here


def test_every_step_has_a_finite_loss(once: tuple[RangeTestResult, Listener, Path]) -> None:
    curve = once[0].curve
    assert 5 <= len(curve.rates) <= curve.planned == 20
    assert all(math.isfinite(loss) and loss > 0 for loss in curve.losses)
    assert len(set(curve.losses)) == len(curve.losses)
    assert curve.suggestion is None or LOWEST_RATE <= curve.suggestion <= HIGHEST_RATE
    assert (once[0].fold, once[0].synthetic, once[0].optimizer) == (0, False, "adamw")


def test_nothing_is_left_behind(once: tuple[RangeTestResult, Listener, Path]) -> None:
    assert list(once[2].rglob("*")) == []


def test_every_step_is_reported(once: tuple[RangeTestResult, Listener, Path]) -> None:
    finding, listener, _ = once
    assert [step.lr for step in listener.steps] == list(finding.curve.rates)
    assert [step.loss for step in listener.steps] == list(finding.curve.losses)
    last = listener.steps[-1]
    assert (last.step, last.steps, last.fold) == (len(finding.curve.rates), 20, 0)
    assert last.epoch <= last.epochs
    assert last.rate > 0


def test_the_same_test_again_gives_the_same_losses(
    once: tuple[RangeTestResult, Listener, Path], pages: Path, tiny: RunConfig, tmp_path: Path
) -> None:
    torch.manual_seed(99)
    np.random.seed(99)
    again = found(tiny, pages, tmp_path)
    assert list(again.curve.losses) == pytest.approx(list(once[0].curve.losses), rel=1e-4)
    other = found(tiny, pages, tmp_path, fold=1)
    assert abs(other.curve.losses[0] / again.curve.losses[0] - 1) > 1e-3


def test_the_rates_reach_the_weights(pages: Path, tiny: RunConfig, tmp_path: Path) -> None:
    """Plain gradient descent on one crop: still at first, then falling, or exploding."""
    config = changed(tiny, optim={"name": "sgd", "weight_decay": 0.0, "clip_norm": None})
    losses = found(config, pages, tmp_path, steps=30).curve.losses
    quiet, loud = losses[:5], losses[-5:]
    assert np.ptp(quiet) < max(abs(np.mean(quiet) - loss) for loss in loud)


def test_accumulated_batches_make_one_step_of_their_mean_loss(
    once: tuple[RangeTestResult, Listener, Path], pages: Path, tiny: RunConfig, tmp_path: Path
) -> None:
    """At the lowest rates the network hardly moves, so losses are those of the batches."""
    config = changed(tiny, optim={"accumulate": 2, "lr": 1e-3})
    twice = found(config, pages, tmp_path).curve.losses
    each = once[0].curve.losses
    assert twice[0] == pytest.approx((each[0] + each[1]) / 2, rel=1e-3)
    assert twice[1] == pytest.approx((each[2] + each[3]) / 2, rel=1e-3)


def test_the_l1_penalty_is_in_the_loss(
    once: tuple[RangeTestResult, Listener, Path], pages: Path, tiny: RunConfig, tmp_path: Path
) -> None:
    heavy = found(changed(tiny, optim={"l1": 10.0}), pages, tmp_path)
    assert heavy.curve.losses[0] > once[0].curve.losses[0] + 10


def test_a_fold_that_is_not_there_and_settings_that_do_not_fit_are_refused(
    pages: Path, tiny: RunConfig, tmp_path: Path
) -> None:
    with pytest.raises(FoldError, match="no fold 2"):
        found(tiny, pages, tmp_path, fold=2)
    with pytest.raises(ConfigError, match="mix targets, but those of denoising"):
        found(changed(tiny, loader={"mixup": 0.2}), pages, tmp_path)
