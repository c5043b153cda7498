"""Columns beside images: their cells, and what they add to the score."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from comp.config.schema import resolve
from comp.contract import registry
from comp.contract.competition import Competition
from comp.data.images.decode import write_image
from comp.data.location import DataSource
from comp.errors import DataError
from comp.pipeline.predict import predict
from comp.pipeline.run import run
from comp.runs.progress import Silent
from comp.tasks.binary import binary
from comp.tasks.image_table import image_table
from comp.workspace import Workspace

IMAGES = 160


def competition_of(**fields: Any) -> Competition:
    return image_table(
        name="toy",
        title="Toy",
        kaggle="competitions/toy",
        task=binary(("no", "yes")),
        **{"feature_columns": ("age", "site")} | fields,
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images of some brightness and a column; the label is whether both together are high, so that
    each alone says only a part of it."""
    root, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    for split, count in (("train", IMAGES), ("test", 12)):
        light, age = rng.random(count), rng.random(count)
        names = [f"{split}{i:03}" for i in range(count)]
        for name, level in zip(names, light, strict=True):
            pixels = rng.integers(0, 50, (32, 32, 3)) + 200 * level
            write_image(root / split / f"{name}.png", pixels.astype(np.uint8))
        columns: dict[str, Any] = {
            "id": names,
            "age": age.round(4).tolist(),
            "site": rng.choice(["a", "b", ""], count).tolist(),
        }
        if split == "train":
            columns["label"] = np.where(light + age > 1, "yes", "no").tolist()
        pl.DataFrame(columns).write_csv(root / f"{split}.csv")
    ids = [f"test{i:03}" for i in range(12)]
    pl.DataFrame({"id": ids, "label": [0.0] * 12}).write_csv(root / "sample_submission.csv")
    return root


def test_cells_come_from_the_tables(data: Path) -> None:
    competition = competition_of()
    assert competition.columns
    assert "test.csv" in competition.layout
    train, test = (competition.samples(data, split) for split in ("train", "test"))
    frame = pl.read_csv(data / "test.csv", infer_schema=False)
    assert [sample.features["age"] for sample in test] == frame["age"].to_list()
    assert train[0].image == data / "train" / "train000.png"
    assert list(train[0].features) == ["age", "site"]
    assert not competition_of(feature_columns=()).columns


def test_images_without_a_row_are_refused(data: Path, tmp_path: Path) -> None:
    pl.read_csv(data / "test.csv").head(3).write_csv(tmp_path / "few.csv")
    competition = competition_of(test_table=str(tmp_path / "few.csv"))
    with pytest.raises(DataError, match=r"few\.csv has no row for the image 'test003', and 8 more"):
        competition.samples(data, "test")
    with pytest.raises(ValueError, match="feature_columns needs sample_submission"):
        competition_of(sample_submission=None)
    missing = competition_of(feature_columns=("height",))
    with pytest.raises(DataError, match=r"no column 'height'.*correct feature_columns"):
        missing.samples(data, "train")


def test_images_and_columns_together_beat_each_alone(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def score(model: str, steps: int, **fields: Any) -> float:
        competition = competition_of(**fields)
        monkeypatch.setattr(registry, "competitions", lambda: {"toy": competition})
        settings: dict[str, Any] = {
            "folds": 2,
            "max_steps": steps,
            "validations": 2,
            "device": "cpu",
            "model": model,
            "image": {"size": 32},
            "loader": {"batch_size": 16, "augment": False},
            "optim": {"lr": 3e-3},
        }
        layers = [competition.defaults, competition.synthetic_defaults, settings]
        source, workspace = DataSource(data, False), Workspace.at(tmp_path)
        summary = run(resolve("toy", layers), source, workspace, Silent(), only=(0,))
        if fields == {} and model == "network":
            again = predict(summary.run_id, workspace, out=tmp_path / "again")
            assert again.submission
            assert again.submission.read_bytes() == summary.submission.read_bytes()
        return summary.cv_score

    both = score("network", 40)
    images = score("network", 40, feature_columns=())
    columns = score("mlp", 40)
    assert both > max(images, columns) + 0.05
