from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from comp.bundle.parts.locate import find_data, folders_below, header_of_sample
from comp.errors import DataError

BIRDS: dict[str, Any] = {
    "sample_submission": "sample_submission.csv",
    "layout": ["train.csv", "test"],
    "header": ["id", "label"],
    "slug": "rare-birds",
    "folders": ["test"],
    "inside": ["test"],
}
PAGES = BIRDS | {"sample_submission": None, "layout": ["train", "test"], "header": []}


def data_in(
    folder: Path, header: str = "id,label", layout: Sequence[str] = BIRDS["layout"]
) -> Path:
    """A folder with a sample submission, and some names of the layout."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sample_submission.csv").write_text(f"{header}\n1,0\n")
    for name in layout:
        (folder / name).mkdir(exist_ok=True)
    return folder


@pytest.mark.parametrize("place", [".", "rare-birds", "competitions/rare-birds", "a/b/c/d/e"])
def test_it_is_found_wherever_it_is(tmp_path: Path, place: str) -> None:
    root = data_in(tmp_path / place)
    assert find_data(tmp_path, BIRDS) == root


def test_a_hidden_test_may_lack_the_rest_of_the_layout(tmp_path: Path) -> None:
    root = data_in(tmp_path / "somewhere", layout=["test"])
    assert find_data(tmp_path, BIRDS) == root


def test_of_several_the_layout_decides_then_the_columns_then_the_name(tmp_path: Path) -> None:
    data_in(tmp_path / "no-layout", layout=[])
    data_in(tmp_path / "other-columns", "id,mass")
    (data_in(tmp_path / "other-encoding") / "sample_submission.csv").write_bytes(b"\xff\xfe\x00")
    root = data_in(tmp_path / "z" / "right")
    assert find_data(tmp_path, BIRDS) == root
    named = data_in(tmp_path / "rare-birds")
    assert find_data(tmp_path, BIRDS) == named
    with pytest.raises(DataError, match=r"2 folders below .* may be the data of else"):
        find_data(tmp_path, BIRDS | {"slug": "else"})


def test_a_copy_inside_the_data_does_not_count(tmp_path: Path) -> None:
    root = data_in(tmp_path / "rare-birds")
    data_in(root / "copy")
    assert find_data(tmp_path, BIRDS) == root


@pytest.mark.parametrize("folders", [["."], ["x/y"]])
def test_without_a_sample_submission_the_layout_is_found(
    tmp_path: Path, folders: Sequence[str]
) -> None:
    for folder in folders:
        for name in ("train", "test", "again/train", "again/test"):
            (tmp_path / folder / name).mkdir(parents=True)
    assert find_data(tmp_path, PAGES) == tmp_path / folders[0]


def test_patterns_of_the_layout(tmp_path: Path) -> None:
    (tmp_path / "a" / "part_1").mkdir(parents=True)
    assert find_data(tmp_path, PAGES | {"layout": ["part_*"]}) == tmp_path / "a"


def test_two_data_sets_with_the_same_layout_are_ambiguous(tmp_path: Path) -> None:
    for name in ("a/train", "a/test", "b/train", "b/test"):
        (tmp_path / name).mkdir(parents=True)
    with pytest.raises(DataError, match="2 folders below"):
        find_data(tmp_path, PAGES)
    (tmp_path / "a").rename(tmp_path / "rare-birds")
    assert find_data(tmp_path, PAGES) == tmp_path / "rare-birds"


def test_the_folders_inside_tell_data_of_one_layout_apart(tmp_path: Path) -> None:
    for name in ("a/train", "a/test", "b/train/ILL", "b/test/ILL"):
        (tmp_path / name).mkdir(parents=True)
    data = PAGES | {"inside": ["train", "test", "train/ILL", "train/WELL"]}
    assert find_data(tmp_path, data) == tmp_path / "b"


def test_the_test_images_alone_are_enough(tmp_path: Path) -> None:
    root = tmp_path / "rare-birds"
    (root / "test").mkdir(parents=True)
    assert find_data(tmp_path, PAGES) == root
    assert find_data(root, PAGES | {"slug": "else"}) == root


def test_a_test_folder_of_other_data_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "other" / "test").mkdir(parents=True)
    with pytest.raises(DataError, match="no train and test below"):
        find_data(tmp_path, PAGES)
    (tmp_path / "other" / "test" / "ILL").mkdir()
    assert find_data(tmp_path, PAGES | {"inside": ["test/ILL"]}) == tmp_path / "other"


def test_what_is_there_instead_is_said(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    with pytest.raises(DataError, match=r"no sample_submission.csv below .*, which has weights:"):
        find_data(tmp_path, BIRDS)
    with pytest.raises(DataError, match=r"no train and test below"):
        find_data(tmp_path, PAGES)
    with pytest.raises(DataError, match="no folder"):
        find_data(tmp_path / "nowhere", BIRDS)


def test_links_are_followed_and_circles_end(tmp_path: Path) -> None:
    root = data_in(tmp_path / "real" / "birds")
    mount = tmp_path / "mount"
    mount.mkdir()
    (mount / "link").symlink_to(tmp_path / "real")
    (root / "circle").symlink_to(tmp_path)
    (mount / "self").symlink_to(mount)
    assert find_data(mount, BIRDS).resolve() == root.resolve()
    seen = [folder for folder, _ in folders_below(mount)]
    assert len(seen) == len({folder.resolve() for folder in seen})


def test_the_header_of_a_sample_submission(tmp_path: Path) -> None:
    path = tmp_path / "sample.csv"
    path.write_bytes(b'\xef\xbb\xbf"id", label\r\n1,0\r\n')
    assert header_of_sample(path) == ["id", "label"]
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="cannot read"):
        header_of_sample(path)
