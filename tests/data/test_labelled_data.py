"""Labelled samples in a folder that has the layout of a competition, or a part of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from comp.contract.competition import Competition
from comp.data.labelled_data import open_labelled
from comp.data.location import SeveralRootsError
from comp.errors import DataError
from comp.workspace import Workspace
from competitions.chest_xray import COMPETITION as CHEST


@pytest.fixture(scope="module")
def root(drawn: Callable[[Competition], Path]) -> Path:
    return drawn(CHEST)


def test_labelled_test_samples_count_before_training_samples(root: Path, tmp_path: Path) -> None:
    found = open_labelled(CHEST, root, Workspace.at(tmp_path))
    assert (found.split, len(found.samples), len(found.known)) == ("test", 40, 128)
    assert {s.target for s in found.samples} == {0.0, 1.0}

    plain = Path(shutil.copytree(root, tmp_path / "plain"))
    for path in (plain / "test").glob("*/*"):
        path.rename(plain / "test" / path.name)
    found = open_labelled(CHEST, plain, Workspace.at(tmp_path))
    assert (found.split, len(found.samples), len(found.known)) == ("train", 128, 40)


def test_a_part_of_the_layout_is_enough(root: Path, tmp_path: Path) -> None:
    part = tmp_path / "outer" / "inner"
    shutil.copytree(root / "test", part / "test")
    found = open_labelled(CHEST, tmp_path / "outer", Workspace.at(tmp_path))
    assert (found.split, len(found.samples), list(found.known)) == ("test", 40, [])


def test_folders_of_classes_are_enough_in_a_zip_too(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root / "test", tmp_path / "zipped" / "shifted")
    archive = Path(shutil.make_archive(str(tmp_path / "more"), "zip", tmp_path / "zipped"))
    for _ in range(2):  # the second call finds the link of the first
        found = open_labelled(CHEST, archive, Workspace.at(tmp_path))
        assert (found.split, len(found.samples)) == ("test", 40)
    assert {s.id for s in found.samples} == {
        s.id for s in CHEST.samples(root, "test") if s.id.split("/")[0] in ("NORMAL", "PNEUMONIA")
    }


@pytest.mark.parametrize("name", [".", "test"])
def test_two_sources_in_one_folder_are_refused(root: Path, tmp_path: Path, name: str) -> None:
    for hospital in ("east", "west"):
        shutil.copytree(root / "test" / "NORMAL", tmp_path / "all" / hospital / name / "NORMAL")
    with pytest.raises(DataError, match=r"2 folders in .* \(east, west\), and one is scored"):
        open_labelled(CHEST, tmp_path / "all", Workspace.at(tmp_path))


def test_two_whole_data_sets_are_refused_although_a_part_lies_above_them(
    root: Path, tmp_path: Path
) -> None:
    for hospital in ("east", "west"):
        shutil.copytree(root, tmp_path / "all" / hospital)
    shutil.rmtree(tmp_path / "all" / "west" / "val")
    shutil.copytree(root / "test", tmp_path / "all" / "test")
    with pytest.raises(SeveralRootsError, match=r"2 folders in .*all have the layout"):
        open_labelled(CHEST, tmp_path / "all", Workspace.at(tmp_path))


def test_what_has_no_labels_is_named(root: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no data at .*nothing"):
        open_labelled(CHEST, tmp_path / "nothing", Workspace.at(tmp_path))
    folder = tmp_path / "images" / "test"
    folder.mkdir(parents=True)
    shutil.copy(next((root / "test" / "NORMAL").glob("*.jpeg")), folder)
    with pytest.raises(DataError, match="is not the data of chest-xray: train not found"):
        open_labelled(CHEST, tmp_path / "images", Workspace.at(tmp_path))
