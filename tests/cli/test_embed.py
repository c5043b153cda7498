"""`comp embed`: numbers of images, neighbours, duplicates and a file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from typer.testing import CliRunner
from whole_run import competition_of

from comp.cli.app import build_app
from comp.errors import ConfigError

PLUGIN = """
from comp.tasks.classification import image_classification

COMPETITION = image_classification(
    classes=("cat", "dog"), name="pets", title="Pets", kaggle="competitions/pets", metric="auc"
)
"""
SET = ["--set", "backbone=test_efficientnet", "--set", "image.size=32", "--device", "cpu"]


@pytest.fixture
def ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """The ids of a training image and of its copy in the test data, in the working folder."""
    competition = competition_of(PLUGIN, monkeypatch)
    data = tmp_path / "data" / "pets"
    data.mkdir(parents=True)
    competition.draw_synthetic(data, np.random.default_rng(0))
    train, test = (competition.samples(data, split)[3] for split in ("train", "test"))
    test.image_file.write_bytes(train.image_file.read_bytes())
    torch.manual_seed(5)
    torch.save(timm.create_model("test_efficientnet").state_dict(), tmp_path / "w.pth")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    return train.id, test.id


def test_embed_shows_neighbours_and_leaks_and_writes_a_file(ids: tuple[str, str]) -> None:
    words = ["--weights", "w.pth", "--neighbours", ids[0], "-k", "2", "--duplicates", "0.9999"]
    done = CliRunner().invoke(build_app(), ["embed", "pets", *SET, *words, "--out", "x.npz"])
    assert done.exit_code == 0, done.output
    assert "embeddings of 256 numbers" in done.stdout
    assert "1 of a training and a test image: a leak" in done.stdout
    assert f"most like {ids[0]} (train)" in done.stdout
    with np.load("x.npz") as saved:
        assert set(saved["splits"]) == {"train"}
    done = CliRunner().invoke(build_app(), ["embed", "pets", *SET, *words, "--json"])
    found = json.loads(done.stdout.splitlines()[-1])
    (pair,) = found["duplicates"]
    assert (pair["first"], pair["second"], pair["leak"]) == (*ids, True)
    assert (pair["first_split"], pair["second_split"]) == ("train", "test")
    assert found["neighbours_of"] == {"id": ids[0], "split": "train"}
    assert [near["split"] for near in found["neighbours"]] == ["train", "train"]
    listed = CliRunner().invoke(build_app(), ["cache"]).stdout
    assert "256 features of test_efficientnet, 1 view  " in listed
    assert "x 3, squash" in listed


def test_a_file_that_cannot_be_written_is_refused_before(ids: tuple[str, str]) -> None:
    done = CliRunner().invoke(build_app(), ["embed", "pets", *SET, "--out", "x.csv"])
    assert isinstance(done.exception, ConfigError)
    assert not Path("data/.cache").exists()
