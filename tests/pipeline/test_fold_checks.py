"""Whole trainings with weights, times and draws of the competition, and what stops them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import albumentations as A
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from toys import toy

from comp.config.schema import RunConfig, resolve
from comp.contract import registry
from comp.contract.competition import Competition
from comp.contract.metric import array_metric
from comp.contract.sample import Sample, Split
from comp.data.folds import read_folds
from comp.data.images.decode import write_image
from comp.data.location import DataSource
from comp.errors import ConfigError, DataError, FoldError
from comp.inference.predictions import Predictions
from comp.pipeline.fold import train
from comp.pipeline.fold_context import make_fold_context
from comp.pipeline.lr_find import find_learning_rate
from comp.pipeline.resume_checks import check_data
from comp.pipeline.run import run
from comp.pipeline.run_inputs import prepare_run, scratch_run
from comp.pipeline.run_view import Run
from comp.pipeline.verify_resume import verify
from comp.runs.folder import RunFolder
from comp.runs.progress import Silent
from comp.tasks.binary import binary
from comp.workspace import Workspace

COUNT = 32
SETTINGS = {
    "folds": 2,
    "max_steps": 4,
    "validations": 1,
    "device": "cpu",
    "checkpoint_every": None,
    "optim": {"name": "sgd", "lr": 2.0, "momentum": 0.0, "weight_decay": 0.0},
    "loader": {"batch_size": 4},
}


class Constant(nn.Module):
    """The same two numbers for every image."""

    def __init__(self) -> None:
        super().__init__()
        self.raw = nn.Parameter(torch.zeros(1))

    def forward(self, image: Tensor) -> Tensor:
        return self.raw.expand(len(image), 1)


def samples(root: Path, split: Split) -> list[Sample]:
    """Equal images; every other one says 1."""
    paths = sorted((root / split).iterdir())
    labels = [{"target": float(i % 2)} if split == "train" else {} for i in range(len(paths))]
    return [Sample(id=p.stem, image=p, **more) for p, more in zip(paths, labels, strict=True)]


def with_fields(**fields: Any) -> Any:
    """The samples, with fields that are functions of their number."""

    def changed(root: Path, split: Split) -> Sequence[Sample]:
        found = samples(root, split)
        if split == "test":
            return found
        return [
            replace(s, **{name: of(i) for name, of in fields.items()}) for i, s in enumerate(found)
        ]

    return changed


TOY: Competition = toy(
    task=binary(("no", "yes")),
    metric=array_metric("mean", lambda _truth, guess: float(guess.mean()), "max"),
    samples=samples,
    pipeline=lambda _config, _train: A.Compose([]),
    model=lambda _config: Constant(),
    rows=lambda sample, prediction, _decision: {"id": [sample.id], "yes": [float(prediction[0])]},
    sample_submission=None,
    limits=(0.0, 1.0),
)


class Notes(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for split, count in (("train", COUNT), ("test", 2)):
        for i in range(count):
            write_image(tmp_path / "data" / split / f"{i:02d}.png", np.zeros((4, 4, 3), np.uint8))
    return tmp_path / "data"


def settings(*layers: dict[str, Any]) -> RunConfig:
    return resolve("toy", [SETTINGS, *layers])


def register(monkeypatch: pytest.MonkeyPatch, **fields: Any) -> None:
    monkeypatch.setattr(registry, "competitions", lambda: {"toy": replace(TOY, **fields)})


def chance(data: Path, config: RunConfig) -> float:
    """The chance of "yes" that a training of one fold ends with."""
    inputs = prepare_run(config, DataSource(data, False), Workspace.at(data.parent), [0], Silent())
    with scratch_run(inputs) as folder:
        context = make_fold_context(config, 0, data, folder.path)
        history = folder.path / "history.jsonl"
        model, _ = train(context, 24, history, Silent(), lambda _model: 0.0)
    return float(model.raw.detach().sigmoid())  # type: ignore[operator, union-attr]


def test_weights_move_the_solution_and_equal_weights_do_not(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of targets that contradict each other, the solution is the weighted mean."""
    config = settings()
    plain = chance(data, config)
    register(monkeypatch, samples=with_fields(weight=lambda _i: 3.0))
    assert chance(data, config) == plain == pytest.approx(0.5, abs=0.05)
    register(monkeypatch, samples=with_fields(weight=lambda i: 9.0 if i % 2 else 1.0))
    assert chance(data, config) == pytest.approx(0.9, abs=0.03)
    register(monkeypatch, samples=with_fields(weight=lambda i: 1e-6 if i % 2 else 1.0))
    assert chance(data, config) < 0.1


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch)


def test_draws_of_the_competition_move_the_solution(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def often_yes(train: Sequence[Sample], _config: RunConfig) -> list[float]:
        return [9.0 * float(s.target or 0) + 1 for s in train]  # type: ignore[arg-type]

    register(monkeypatch, sampling_weights=often_yes)
    own: dict[str, Any] = {"loader": {"sampler": "own"}}
    assert chance(data, settings(own)) > 0.8
    assert chance(data, settings()) == pytest.approx(0.5, abs=0.05)


def test_a_run_in_the_order_of_time_never_sees_the_future(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(
        monkeypatch,
        samples=with_fields(
            time=lambda i: f"2024-01-{1 + 7 * i % COUNT // 2:02d}", weight=lambda i: 1.0 + i % 3
        ),
    )
    config = settings({"scheme": "time", "folds": 3})
    source, workspace, reporter = DataSource(data, False), Workspace.at(data.parent), Notes()
    summary = run(config, source, workspace, reporter)
    folder = RunFolder(summary.run_dir)
    folds = read_folds(folder.folds_csv)
    never = {name for name, fold in folds.items() if fold == -1}
    assert len(never) >= COUNT // 4 - 1
    assert set(Predictions(folder.oof)) == set(folds) - never
    assert set(Run(summary.run_dir).oof()["id"]) == set(folds) - never
    assert list(summary.fold_scores) == [0, 1, 2]
    assert sum(f"the {len(never)} earliest samples only train" in n for n in reporter.notes) == 1
    sizes = []
    for fold in range(3):
        context = make_fold_context(config, fold, data, folder.path)
        held_out = min(s.time for s in context.held_out)  # type: ignore[type-var]
        assert all(s.time < held_out for s in context.train)  # type: ignore[operator]
        assert {folds[s.id] for s in context.train} == set(range(-1, fold))
        sizes.append(len(context.train))
    inputs = prepare_run(config, source, workspace, [], Silent())
    assert [len(inputs.training_part(fold)) for fold in range(3)] == sizes == sorted(set(sizes))
    record = json.loads((folder.path / "run.json").read_text())
    check_data(inputs, folder, record, workspace.cache)
    later = replace(inputs, train=[replace(s, time=f"{s.time}T10:00") for s in inputs.train])
    with pytest.raises(DataError, match="changed since run"):
        check_data(later, folder, record, workspace.cache)
    assert verify(config, source, workspace, Silent(), fold=1).exact


def refused(data: Path, *layers: dict[str, Any]) -> str:
    """The message that stops a run, and a range test, before anything is written."""
    config, source, workspace = settings(*layers), DataSource(data, False), data.parent
    messages = []
    for start in (run, find_learning_rate):
        with pytest.raises((ConfigError, DataError, FoldError)) as caught:
            start(config, source, Workspace.at(workspace), Silent())  # type: ignore[operator]
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
    assert "\n" not in messages[0]
    assert [path.name for path in workspace.iterdir()] == ["data"]
    return messages[0]


def test_a_weight_that_is_not_positive_stops_a_run(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, samples=with_fields(weight=lambda i: i - 1))
    message = "weight that is not a finite number above 0: 2, the first is 00 (-1)"
    assert message in refused(data)


def test_a_sampler_that_does_not_fit_stops_a_run(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "toy has no sampling_weights" in refused(data, {"loader": {"sampler": "own"}})
    only_first = lambda train, _config: [float(s.id == "00") for s in train]  # noqa: E731
    register(monkeypatch, sampling_weights=only_first, samples=with_fields(fold=lambda i: i % 2))
    assert "weights of sum 0 for 16" in refused(data, {"loader": {"sampler": "own"}})


def test_a_loss_that_cannot_be_weighted_stops_a_run(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loss(raw: Tensor, target: Tensor) -> Tensor:
        factors = 1 + 4 * target
        values = F.binary_cross_entropy_with_logits(raw, target, weight=factors, reduction="sum")
        return values / factors.sum()

    register(monkeypatch, loss=loss, samples=with_fields(weight=lambda i: 1.0 + i % 3))
    assert "the loss is not the mean of the losses of its samples" in refused(data)


def test_a_fold_whose_earlier_samples_are_all_of_its_groups_stops_a_run(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = with_fields(time=lambda i: i, group=lambda i: f"g{i % 4}")
    register(monkeypatch, samples=fields, group="shop")
    message = refused(data, {"scheme": "time"})
    assert message.startswith("fold 0 has no training samples: all earlier samples are of a shop")
    register(monkeypatch, samples=samples)
    assert "have no time" in refused(data, {"scheme": "time"})


def test_class_weights_of_each_fold_are_checked_before_training(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = with_fields(time=lambda i: i, target=lambda i: float(i > COUNT // 2))
    register(monkeypatch, samples=late)
    message = refused(data, {"scheme": "time", "loss": {"weights": "balanced"}})
    assert "this fold has no training sample of class 'yes'" in message


def test_random_folds_of_samples_with_times_are_told(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, samples=with_fields(time=lambda i: i))
    reporter = Notes()
    config = settings({"max_steps": 1})
    run(config, DataSource(data, False), Workspace.at(data.parent), reporter, only=[0])
    assert sum("random folds, which may look into the future" in n for n in reporter.notes) == 1
