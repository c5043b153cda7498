"""How often a fold reads its images and its targets."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from comp.config.schema import resolve
from comp.contract import registry
from comp.contract.competition import Competition
from comp.contract.sample import Item, Reader, Sample, read_target_alone
from comp.data.folds import make_folds, write_folds
from comp.pipeline import fold
from comp.pipeline.fold_context import FoldContext, make_fold_context
from comp.runs.folder import RunFolder
from comp.runs.progress import Silent
from comp.tasks.segmenter import segmenter


@dataclass(frozen=True)
class Counting:
    """Counts the images and the target images that a reader decodes, by sample."""

    reader: Reader
    images: Counter[str] = field(default_factory=Counter)
    targets: Counter[str] = field(default_factory=Counter)

    def __call__(self, sample: Sample) -> Item:
        item = self.reader(sample)
        self.images[sample.id] += 1
        self.targets[sample.id] += "target" in item
        return item

    def target_alone(self, sample: Sample) -> Item:
        item = read_target_alone(self.reader, sample)
        self.images[sample.id] += "image" in item
        self.targets[sample.id] += 1
        return item


def masks(monkeypatch: pytest.MonkeyPatch) -> Competition:
    made = segmenter(
        name="cells",
        title="Cells",
        kaggle="competitions/cells",
        classes=("nucleus",),
        images="pictures",
        masks="masks",
        test_images="test",
    )
    monkeypatch.setattr(registry, "competitions", lambda: {made.name: made})
    return made


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FoldContext:
    import numpy as np

    competition = masks(monkeypatch)
    data, run = tmp_path / "data", RunFolder(tmp_path / "run")
    run.path.mkdir()
    competition.draw_synthetic(data, np.random.default_rng(0))
    tiny: dict[str, Any] = {"folds": 2, "device": "cpu", "predict": {"tta": "hflip"}}
    layers = [competition.defaults, competition.synthetic_defaults, tiny]
    config = resolve(competition.name, layers)
    train = competition.samples(data, "train")
    write_folds(run.folds_csv, train, make_folds(train, 2, "auto", 0))
    made = make_fold_context(config, 0, data, run.path)
    return replace(made, held_out=made.held_out[:3], test=made.test[:3])


class Half(torch.nn.Module):
    """Predicts the same for all pixels."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.mean(dim=1, keepdim=True)


def reads(context: FoldContext, reader: Any, folder: Path) -> tuple[set[int], set[int], set[int]]:
    """How often a validation and the prediction of a fold read the held-out images, their targets,
    and the test images."""
    folder.mkdir()
    counted = Counting(context.reader)
    context = replace(context, reader=reader(counted))
    context.validate(Half())
    fold._predict(context, Half(), folder, Silent())
    held_out = [sample.id for sample in context.held_out]
    test = [sample.id for sample in context.test]
    assert not set(held_out) & set(test)
    return (
        {counted.images[name] for name in held_out},
        {counted.targets[name] for name in held_out},
        {counted.images[name] for name in test},
    )


def test_images_are_read_once_a_prediction_and_never_for_their_targets(
    context: FoldContext, tmp_path: Path
) -> None:
    images, targets, test = reads(context, lambda counted: counted, tmp_path / "fold")
    assert images == {2}  # one validation, one prediction
    assert targets == {2}
    assert test == {1}


def test_an_own_reader_is_called_for_images_and_for_targets(
    context: FoldContext, tmp_path: Path
) -> None:
    images, targets, test = reads(
        context, lambda counted: lambda sample: counted(sample), tmp_path / "fold"
    )
    assert images == targets == {4}
    assert test == {1}
