"""What stands in a folder of data."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from comp.contract.competition import Competition
from comp.data.audit.inventory import find_stray_files, take_inventory
from comp.tasks.classification import image_classification
from competitions.chest_xray import COMPETITION as CHEST
from competitions.denoising import COMPETITION as DENOISING


@pytest.fixture
def copy(pages: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pages, tmp_path / "pages"))


def test_samples_are_the_competitions_own_where_it_can_tell_them(pages: Path) -> None:
    stock = take_inventory(DENOISING, pages, "train")
    assert stock.labels_known
    assert stock.findings == ()
    assert [s.group for s in stock.samples] == [s.group for s in DENOISING.samples(pages, "train")]


def test_all_missing_twins_are_found_and_the_rest_is_kept(copy: Path) -> None:
    names = sorted(path.name for path in (copy / "train").iterdir())
    (copy / "train_cleaned" / names[0]).unlink()
    (copy / "train" / names[1]).unlink()
    stock = take_inventory(DENOISING, copy, "train")
    failure, lone = stock.findings
    assert not stock.labels_known
    assert failure.kind == "samples"
    assert "(2 without one in all)" in failure.names[0]
    assert lone.kind == "missing-twin"
    assert lone.names == (f"train/{names[0]}", f"train_cleaned/{names[1]}")
    whole = [s for s in stock.samples if s.target is not None]
    assert len(whole) == len(names) - 2
    assert len(stock.samples) == len(names) - 1


def test_images_of_test_stand_in_where_their_list_is_missing(copy: Path) -> None:
    (copy / "sampleSubmission.csv").unlink()
    stock = take_inventory(DENOISING, copy, "test")
    assert [s.image for s in stock.samples] == sorted((copy / "test").iterdir())
    assert [finding.kind for finding in stock.findings] == ["samples"]


def test_files_that_no_sample_names_are_noted(tmp_path: Path) -> None:
    leaves = image_classification(
        name="leaves", title="Leaves", kaggle="competitions/leaves", classes=("a", "b")
    )
    leaves.draw_synthetic(tmp_path, np.random.default_rng(0))
    samples = [*leaves.samples(tmp_path, "train"), *leaves.samples(tmp_path, "test")]
    assert find_stray_files(leaves, tmp_path, samples) == []
    for name in ("train/lost.png", "extra/model.bin", "train/.DS_Store", "__MACOSX/a.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    for name in ("more.csv", "data.zip", ".manifest.json", "Thumbs.db", "README.md"):
        (tmp_path / name).write_bytes(b"x")
    (note,) = find_stray_files(leaves, tmp_path, samples)
    assert (note.kind, note.severity) == ("stray-file", "note")
    assert note.names == ("extra/model.bin", "train/lost.png")


def test_what_a_run_leaves_out_in_silence_is_a_warning(
    drawn: Callable[[Competition], Path], tmp_path: Path
) -> None:
    root, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    shutil.copytree(drawn(CHEST), root)
    (root / "train/PNEUMONIA").rename(elsewhere)
    (root / "train/PNEUMONIA").symlink_to(elsewhere)
    (root / "train/NORMAL/more").symlink_to(elsewhere)
    (root / "train/NORMAL/lost.png").symlink_to(tmp_path / "nowhere.png")
    for name in ("a.pgm", "b.JP2"):
        (root / "train/NORMAL" / name).write_bytes(b"x")
    samples = [*CHEST.samples(root, "train"), *CHEST.samples(root, "test")]
    assert {s.stratum for s in samples} == {"NORMAL", "PNEUMONIA", None}
    assert [(f.kind, f.severity, f.names) for f in find_stray_files(CHEST, root, samples)] == [
        ("dangling-link", "warning", ("train/NORMAL/lost.png",)),
        ("linked-folder", "warning", ("train/NORMAL/more",)),
        ("unread-format", "warning", ("train/NORMAL/a.pgm", "train/NORMAL/b.JP2")),
        ("second-copy", "note", ("chest_xray",)),
    ]


def test_a_second_copy_of_the_data_is_named_once(drawn: Callable[[Competition], Path]) -> None:
    root = drawn(CHEST)
    samples = [*CHEST.samples(root, "train"), *CHEST.samples(root, "test")]
    (note,) = find_stray_files(CHEST, root, samples)
    assert (note.kind, note.severity, note.names) == ("second-copy", "note", ("chest_xray",))
