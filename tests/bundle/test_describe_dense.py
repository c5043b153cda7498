"""Runs that predict masks and images: the parts of a bundle predict and submit what comp does."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plain_bundles import largest_difference, plain_bundle, predicted
from toys import toy
from whole_run import TINY

from comp.bundle.describe_dense import dense_rows, whole_channels
from comp.bundle.describe_read import describe_read
from comp.config.schema import resolve
from comp.contract import registry
from comp.contract.competition import Competition
from comp.data.images.decode import read_gray, read_rgb, write_image
from comp.data.images.items import read_item
from comp.data.location import DataSource
from comp.errors import RunError
from comp.inference.predictions import Predictions
from comp.pipeline.predict import predict
from comp.pipeline.run import run
from comp.runs.folder import RunFolder
from comp.runs.progress import Silent
from comp.submission.rle import RleFormat
from comp.tasks.image_pairs import image_pairs
from comp.tasks.segmenter import segmenter
from comp.workspace import Workspace

SMALL: Mapping[str, Any] = {"max_steps": 2, "loader": {"workers": 0}}
NAMES = {"name": "toy", "title": "Toy", "kaggle": "competitions/toy"}


def trained(
    competition: Competition, data: Path, folder: Path, patch: pytest.MonkeyPatch, **keys: Any
) -> tuple[str, Workspace]:
    patch.setattr(registry, "competitions", lambda: {competition.name: competition})
    layers = [competition.defaults, competition.synthetic_defaults, TINY, SMALL, keys]
    config = resolve(competition.name, layers, competition.options)
    workspace = Workspace.at(folder)
    return run(config, DataSource(data, False), workspace, Silent()).run_id, workspace


def drawn_data(competition: Competition, folder: Path) -> Path:
    data = folder / "data"
    data.mkdir()
    competition.draw_synthetic(data, np.random.default_rng(0))
    return data


def check_same(run_id: str, workspace: Workspace, bundle: Path, data: Path, folder: Path) -> None:
    """The bundle predicts and submits on the data what comp does."""
    found = predicted(bundle, data, folder / "out")
    known = predict(run_id, workspace, data=data, skip_bad=True)
    expected = Predictions(known.out / "test.safetensors")
    assert largest_difference(found, expected) <= 1e-6
    submission = (folder / "out" / "submission.csv").read_text()
    assert known.submission
    assert submission == known.submission.read_text()


def more_images(
    data: Path, images: str, rows: Callable[[str, tuple[int, int]], list[str]], broken: bool = True
) -> None:
    """Add a larger image and, if wanted, a broken one to the test, and their rows to the sample
    submission."""
    folder = data / images
    path = sorted(folder.iterdir())[0]
    pixels = read_rgb(path)
    new = np.concatenate([pixels, pixels[::-1, ::-1], pixels], axis=1)[:, 8:]
    write_image(folder / f"new{path.suffix}", new)
    if broken:
        (folder / f"broken{path.suffix}").write_bytes(path.read_bytes()[:200])
    (sample,) = (each for each in data.glob("*.csv") if each.stem.startswith("sample"))
    header, *lines = sample.read_text().splitlines()
    added = rows("broken", pixels.shape[:2]) if broken else []
    added += rows("new", new.shape[:2])
    sample.write_text("\n".join([header, *added, *lines]) + "\n")


def pixel_lines(name: str, size: tuple[int, int]) -> list[str]:
    return [f"{name}_{r + 1}_{c + 1},1" for r in range(size[0]) for c in range(size[1])]


def test_masks_on_a_hidden_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    form = RleFormat(order="row", base=0, empty="-1")
    competition = segmenter(**NAMES, classes=("a", "b", "x_b"), rle=form)
    data = drawn_data(competition, tmp_path)
    keys = {"predict": {"tta": "hflip", "tile": 96, "overlap": 32, "batch_size": 2}}
    run_id, workspace = trained(competition, data, tmp_path / "runs", monkeypatch, **keys)
    bundle = plain_bundle(run_id, workspace, tmp_path / "bundle")
    hidden = tmp_path / "hidden"
    shutil.copytree(data, hidden)
    labels = competition.task.labels
    more_images(hidden, "test/images", lambda name, _: [f"{name}_{each},-1" for each in labels])
    check_same(run_id, workspace, bundle, hidden, tmp_path)


def test_exclusive_classes_and_their_most_probable_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from comp.tasks.segmentation import segmentation

    task = segmentation(("ground", "a", "b"), exclusive=True)
    competition = segmenter(**NAMES, task=task, submit=("b", "a"), submit_size=(40, 157))
    data = drawn_data(competition, tmp_path)
    run_id, workspace = trained(competition, data, tmp_path / "runs", monkeypatch)
    bundle = plain_bundle(run_id, workspace, tmp_path / "bundle")
    check_same(run_id, workspace, bundle, data, tmp_path)


def test_images_to_images_on_a_hidden_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    competition = image_pairs(**NAMES)
    data = drawn_data(competition, tmp_path)
    run_id, workspace = trained(competition, data, tmp_path / "runs", monkeypatch)
    bundle = plain_bundle(run_id, workspace, tmp_path / "bundle")
    more_images(data, "test", pixel_lines, broken=False)
    check_same(run_id, workspace, bundle, data, tmp_path)


@pytest.mark.parametrize("background", ["recovered", "single", "off"])
def test_pages_on_their_papers_with_more_pages(
    background: str, pages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    competition = registry.get("denoising")
    data = tmp_path / "data"
    shutil.copytree(pages, data)
    keys = {"options": {"background": background, "crop": 32}, "optim": {"name": "adamw"}}
    run_id, workspace = trained(competition, data, tmp_path / "runs", monkeypatch, **keys)
    bundle = plain_bundle(run_id, workspace, tmp_path / "bundle")
    sample = data / "sampleSubmission.csv"
    for number, path in enumerate(sorted((data / "train").iterdir())[:3], start=900):
        page = read_gray(path)[: 30 + number % 7]
        write_image(data / "test" / f"{number}.png", page)
        with sample.open("a") as stream:
            stream.write("\n".join(pixel_lines(str(number), page.shape)) + "\n")
    (data / "test" / "901.png").write_bytes(b"no page")
    check_same(run_id, workspace, bundle, data, tmp_path)


def test_what_is_described_of_other_competitions() -> None:
    other = toy()
    assert dense_rows(other) is None
    assert whole_channels(other) == 3
    assert whole_channels(replace(other, reader=own_reader)) is None
    assert whole_channels(image_pairs(**NAMES)) == 1


def own_reader(*_: Any) -> Any:
    return read_item


def test_a_reader_of_the_plugin_needs_the_hook(tmp_path: Path) -> None:
    competition = replace(segmenter(**NAMES), reader=own_reader)
    config = resolve("toy", [competition.defaults])
    with pytest.raises(RunError, match=r"reader of its own.*Portable\(reader=.*--wheels"):
        describe_read(competition, config, RunFolder(tmp_path), [])
