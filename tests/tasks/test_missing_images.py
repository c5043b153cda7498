"""Why ids have no image: the cause, and what exists instead."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from comp.tasks.image_ids import ImageIndex, ImageSearch
from comp.tasks.missing_images import missing_message

SUBFOLDER = "the image is x/a.png, in a subfolder; set images = 'train/*' in the plugin"
PATH = "the id is a path, and the image is a.png in the folder; write the ids as the paths below"


def message(root: Path, ids: list[str], files: list[str], columns: dict[str, list[str]]) -> str:
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    (root / "train").mkdir(parents=True, exist_ok=True)
    columns = {"id": ids} | columns
    rows = [",".join(columns), *(",".join(row) for row in zip(*columns.values(), strict=True))]
    (root / "train.csv").write_text("\n".join(rows), encoding="utf-8")
    search = ImageSearch(root, [root / "train"], root / "train.csv")
    index = ImageIndex(search.folders)
    missing = [name for name in ids if name not in index.exact]
    text = missing_message(search, index, missing, ids)
    assert "\n" not in text
    return text.replace(f"{root}{os.sep}", "").replace(str(root), "ROOT")


@pytest.mark.parametrize(
    ("ids", "files", "columns", "words"),
    [
        (
            ["a.jpg"],
            ["train/a.png"],
            {},
            "the id ends in .jpg, the image is a.png; correct the suff",
        ),
        (["a"], ["train/A.png"], {}, "the image is A.png, in other capitals; write the ids of"),
        (["a", "b"], ["train/x/a.png", "train/y/b.png"], {}, SUBFOLDER),
        (["p/a"], ["train/a.png"], {}, PATH),
        (["a"], ["photos/a.png"], {}, "it is photos/a.png in ROOT; set images = 'photos' in the"),
        (
            ["a", "b"],
            ["train/a.png", "p2/b.png"],
            {},
            "it is p2/b.png in ROOT; set images = ('train', 'p2') in the plugin",
        ),
        (
            ["1.0"],
            ["train/1.png"],
            {},
            "the image is 1.png; write the ids of train.csv as whole nu",
        ),
        (
            ["a"],
            ["train/a.heic"],
            {},
            "the file is a.heic, in a format that is not supported; conv",
        ),
        (
            ["7", "8"],
            ["train/a.png", "train/b.png"],
            {"file": ["a", "b.png"]},
            "the column 'file' has the names of the images, such as 'a'; set id_column = 'file' in",
        ),
        (
            ["a", "b"],
            ["train/a.png"],
            {},
            "the other 1 are there, such as a.png; fetch the data again, or remove the rows from",
        ),
        (
            ["a"],
            ["train/zz.png"],
            {},
            "the images have names such as zz.png; correct images or id_",
        ),
        (["a"], [], {}, "it is empty; correct images in the plugin, or fetch the data again"),
        (["a"], ["train/notes.txt"], {}, "it has no image, only files 1 with .txt; correct images"),
    ],
)
def test_the_cause_is_named(
    tmp_path: Path, ids: list[str], files: list[str], columns: dict[str, list[str]], words: str
) -> None:
    """All of them were "fetch the data again"."""
    text = message(tmp_path, ids, files, columns)
    assert text.startswith("train has no image for '")
    assert f" of {len(ids)} are missing): " in text
    assert words in text


def test_a_link_to_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    root = tmp_path / "data"
    (root / "train").mkdir(parents=True)
    (root / "train/more").symlink_to(tmp_path / "elsewhere")
    text = message(root, ["a"], [], {})
    assert "'more' in it is a link to a folder, which is not read" in text


def test_of_several_causes_that_of_most_ids_is_told(tmp_path: Path) -> None:
    files = ["train/A.png", "photos/b.png", "photos/c.png"]
    text = message(tmp_path, ["a", "b", "c"], files, {})
    assert text.startswith("train has no image for 'b' of train.csv (3 of 3 are missing): it is")
