"""A fold whose last weights are averaged, and its resume."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from comp.config.schema import RunConfig, resolve
from comp.data.folds import make_folds, write_folds
from comp.pipeline.fold import train
from comp.pipeline.fold_context import make_fold_context
from comp.pipeline.refit import describe_average, refit_images
from comp.runs.folder import RunFolder
from comp.runs.progress import Silent
from comp.training.checkpoint_writer import CheckpointWriter
from comp.training.spec import FitResult
from comp.training.state import TrainingState, read_checkpoint
from competitions.chest_xray import COMPETITION as CHEST

STEPS = 4
TINY = {
    "folds": 2,
    "device": "cpu",
    "image": {"size": 32, "channels": 1, "equalize": "clahe"},
    "augment": {"preset": "trivial"},
    "loader": {"batch_size": 4, "augment": True},
    "dropout": 0.5,
    "average": {"how": "swa", "last": 0.75, "count": 3},
}


class Copies(CheckpointWriter):
    """Keeps the checkpoint of every step."""

    def save(self, state: TrainingState, step: int, validation_pending: bool = False) -> None:
        super().save(state, step, validation_pending)
        self.wait()
        assert self.path
        shutil.copy(self.path, self.path.with_name(f"{step}.pt"))


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunConfig, Path, RunFolder]:
    root = tmp_path_factory.mktemp("averages")
    data, folder = root / "data", RunFolder(root / "run")
    data.mkdir()
    folder.path.mkdir()
    CHEST.draw_synthetic(data, np.random.default_rng(0))
    config = resolve(CHEST.name, [CHEST.defaults, CHEST.synthetic_defaults, TINY], CHEST.options)
    samples = CHEST.samples(data, "train")
    write_folds(folder.folds_csv, samples, make_folds(samples, 2, config.scheme, 0))
    return config, data, folder


def trained(
    prepared: tuple[RunConfig, Path, RunFolder],
    place: Path,
    resume: Path | None = None,
    **over: Any,
) -> tuple[FitResult, Any]:
    config, data, folder = prepared
    context = make_fold_context(config.model_copy(update=over), 0, data, folder.path)
    writer = Copies(place / "resume.pt", STEPS, every_steps=1)
    checkpoint = read_checkpoint(resume) if resume else None
    args = (context, STEPS, place / "history.jsonl", Silent(), lambda _model: 1.0)
    return train(*args, writer, checkpoint)[1], context


@pytest.fixture(scope="module")
def whole(
    prepared: tuple[RunConfig, Path, RunFolder], tmp_path_factory: pytest.TempPathFactory
) -> tuple[FitResult, Any, Path]:
    place = tmp_path_factory.mktemp("whole")
    return *trained(prepared, place), place


@pytest.mark.parametrize("step", [1, 3, STEPS])
def test_a_resumed_fold_keeps_the_same_mean(
    whole: tuple[FitResult, Any, Path],
    prepared: tuple[RunConfig, Path, RunFolder],
    tmp_path: Path,
    step: int,
) -> None:
    result, _, place = whole
    resumed, _ = trained(prepared, tmp_path, place / f"{step}.pt")
    expected, found = result.best.weights, resumed.best.weights
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert (resumed.averaged, resumed.best.step) == (3, STEPS)


def test_weights_are_the_mean_and_statistics_are_refitted(
    whole: tuple[FitResult, Any, Path],
) -> None:
    result, context, place = whole
    states = [read_checkpoint(place / f"{step}.pt").state["model"] for step in (2, 3, 4)]
    weight = next(name for name in states[0] if name.endswith("conv1.weight"))
    mean = torch.stack([state[weight] for state in states]).mean(dim=0)
    assert torch.allclose(result.best.weights[weight], mean, atol=1e-7)
    counter = next(name for name in states[0] if name.endswith("bn1.num_batches_tracked"))
    assert int(states[-1][counter]) == STEPS
    assert int(result.best.weights[counter]) == -(-refit_images(context) // 4)
    words = describe_average(context, result)
    assert words.startswith("fold 0: average.how = swa keeps the mean of 3 weights: AUC 1.0")
