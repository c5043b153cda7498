"""The folds of a run get the samples that the run has, and list none again."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import albumentations as A
import numpy as np
import pytest
from torch import nn
from toys import toy
from whole_run import competition_of, tiny_config

from comp.config.schema import RunConfig, resolve
from comp.contract import registry
from comp.contract.competition import Competition
from comp.contract.sample import Sample, Split
from comp.data.images import file_states
from comp.data.images.decode import write_image
from comp.data.images.file_states import file_state
from comp.data.location import DataSource
from comp.pipeline.kept_samples import samples_of_run
from comp.pipeline.run import create_run_folder, run
from comp.pipeline.run_inputs import RunInputs, prepare_run, scratch_run
from comp.runs.folder import RunFolder
from comp.runs.progress import Silent
from comp.tasks.binary import binary
from comp.workspace import Workspace

SPLITS: tuple[Split, ...] = ("train", "test")
PETS = """
from comp.tasks.classification import image_classification

COMPETITION = image_classification(
    classes=("cat", "dog"), name="pets", title="Pets", kaggle="competitions/pets", metric="auc"
)
"""


@dataclass(frozen=True, kw_only=True)
class _Mine(Sample):
    """A sample of a plugin's own class."""


class _Listing:
    """Samples of a folder; counts how often they are listed."""

    def __init__(self, kind: type[Sample] = Sample) -> None:
        self.kind, self.count = kind, 0

    def __call__(self, root: Path, split: Split) -> Sequence[Sample]:
        self.count += 1
        paths = sorted((root / split).iterdir())
        return [self.kind(id=p.stem, image=p, target=i % 2) for i, p in enumerate(paths)]


@pytest.fixture
def listing(monkeypatch: pytest.MonkeyPatch) -> _Listing:
    return register(monkeypatch, _Listing())


def register(monkeypatch: pytest.MonkeyPatch, listing: _Listing) -> _Listing:
    made = replace(
        toy(task=binary(("no", "yes"))),
        samples=listing,
        sample_submission=None,
        pipeline=lambda _config, _train: A.Compose([]),
        model=lambda _config: nn.Sequential(nn.Flatten(), nn.LazyLinear(1)),
    )
    monkeypatch.setattr(registry, "competitions", lambda: {"toy": made})
    return listing


@pytest.fixture
def config() -> RunConfig:
    return resolve("toy", [{"folds": 2, "max_steps": 1, "device": "cpu"}])


@pytest.fixture
def source(tmp_path: Path) -> DataSource:
    for split, count in (("train", 4), ("test", 2)):
        for i in range(count):
            image = np.full((8, 8, 3), i, np.uint8)
            write_image(tmp_path / "data" / split / f"{i}.png", image)
    return DataSource(tmp_path / "data", False)


def started(config: RunConfig, source: DataSource) -> tuple[RunInputs, RunFolder]:
    workspace = Workspace.at(source.root.parent)
    inputs = prepare_run(config, source, workspace, [], Silent())
    return inputs, create_run_folder(inputs, workspace, {})


def competition() -> Competition:
    return registry.get("toy")


def test_a_fold_in_the_process_of_the_run_gets_its_samples(
    listing: _Listing, config: RunConfig, source: DataSource
) -> None:
    inputs, folder = started(config, source)
    assert listing.count == 2
    train, test = samples_of_run(competition(), folder, source.root)
    assert train is inputs.train
    assert test is inputs.test
    with scratch_run(inputs) as scratch:
        assert samples_of_run(competition(), scratch, source.root)[0] is inputs.train
    assert listing.count == 2


def test_a_fold_in_another_process_reads_them_from_the_run(
    listing: _Listing, config: RunConfig, source: DataSource, tmp_path: Path
) -> None:
    inputs, folder = started(config, source)
    expected = inputs.train, inputs.test
    del inputs
    gc.collect()
    assert samples_of_run(competition(), folder, source.root) == expected
    moved = source.root.rename(tmp_path / "elsewhere")
    train, _ = samples_of_run(competition(), folder, moved)
    assert train[1].image == moved / "train" / "1.png"
    assert listing.count == 2


def test_a_run_without_a_table_lists_them_again(
    listing: _Listing, config: RunConfig, source: DataSource
) -> None:
    inputs, folder = started(config, source)
    folder.samples.unlink()
    expected = [*inputs.train], [*inputs.test]
    del inputs
    gc.collect()
    assert samples_of_run(competition(), folder, source.root) == expected
    assert listing.count == 4


def test_samples_of_another_class_are_listed_again(
    monkeypatch: pytest.MonkeyPatch, config: RunConfig, source: DataSource
) -> None:
    listing = register(monkeypatch, _Listing(_Mine))
    inputs, folder = started(config, source)
    del inputs
    gc.collect()
    train, _ = samples_of_run(competition(), folder, source.root)
    assert {type(sample) for sample in train} == {_Mine}
    assert not folder.samples.exists()
    assert listing.count == 4


def test_a_run_asks_the_disk_about_each_image_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pets = competition_of(PETS, monkeypatch)
    data = tmp_path / "data" / "pets"
    data.mkdir(parents=True)
    pets.draw_synthetic(data, np.random.default_rng(0))
    asked: list[str] = []

    def ask(path: str) -> file_states.State:
        asked.append(path)
        return file_state(path)

    monkeypatch.setattr(file_states, "file_state", ask)
    config, source = tiny_config(pets, {"max_steps": 1}), DataSource(data, False)
    run(config, source, Workspace.at(tmp_path), Silent(), only=[0])  # checks, cache, hash, fold
    images = [str(sample.image) for split in SPLITS for sample in pets.samples(data, split)]
    assert sorted(asked) == sorted(images)
