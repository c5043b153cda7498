"""Which files are chosen by names and patterns, and which a plugin needs first."""

from __future__ import annotations

import pytest
from toys import toy

from comp.errors import DataError
from comp.kaggle.choose_files import chosen_files, in_lines, needed_files, options_for, total
from comp.kaggle.client.file_list import FileEntry


def entries(*names: str) -> list[FileEntry]:
    return [FileEntry(name=name, bytes=1_000_000 * (n + 1)) for n, name in enumerate(names)]


ALL = entries("train.csv", "train/1.png", "train/2.png", "test.zip", "more/train/x.csv", "notes.md")


def names(chosen: list[FileEntry]) -> list[str]:
    return [entry.name for entry in chosen]


@pytest.mark.parametrize(
    ("files", "only", "found"),
    [
        (["test.zip", "train.csv"], [], ["train.csv", "test.zip"]),
        ([], ["train/*"], ["train/1.png", "train/2.png"]),
        ([], ["train"], ["train/1.png", "train/2.png"]),
        ([], ["train/"], ["train/1.png", "train/2.png"]),
        ([], ["*.csv"], ["train.csv", "more/train/x.csv"]),
        ([], ["train.*", "more/*"], ["train.csv", "more/train/x.csv"]),
        (["notes.md"], ["*.zip"], ["test.zip", "notes.md"]),
        ([], ["*/[12].png"], ["train/1.png", "train/2.png"]),
    ],
)
def test_names_and_patterns_choose(files: list[str], only: list[str], found: list[str]) -> None:
    assert names(chosen_files(ALL, files, only, "competitions/x")) == found


def test_a_whole_name_is_a_pattern_too() -> None:
    assert names(chosen_files(entries("x[1].txt", "x1.txt"), [], ["x[1].txt"], "x")) == [
        "x[1].txt",
        "x1.txt",
    ]


def test_what_fits_no_file_is_refused() -> None:
    with pytest.raises(DataError, match=r"competitions/x has no file 'trian.csv': did you mean"):
        chosen_files(ALL, ["trian.csv"], [], "competitions/x")
    with pytest.raises(DataError, match=r"no file of competitions/x matches --only '\*.jpg'"):
        chosen_files(ALL, ["train.csv"], ["*.jpg"], "competitions/x")


def test_a_run_needs_the_layout_and_the_sample_submission() -> None:
    listed = entries(
        "train_images/1.png",
        "test_images.zip",
        "labels.csv.zip",
        "deep/sample_submission.csv",
        "extra_images.zip",
        "train_images_old/1.png",
        "labels.csv.txt",
    )
    plugin = toy(
        layout=("train_images", "test_images", "labels.csv"),
        sample_submission="sample_submission.csv",
    )
    assert names(needed_files(plugin, listed)) == names(listed)[:4]


def test_lines_mark_what_is_needed_and_many_files_become_folders() -> None:
    assert in_lines(ALL[:2], ALL[:1]) == ["    1.0 MB  * train.csv", "    2.0 MB    train/1.png"]
    many = [FileEntry(name=f"train/{n}.png", bytes=10) for n in range(100)]
    assert in_lines([*ALL[3:4], *many], many[:1]) == [
        "    4.0 MB    test.zip",
        "    1.0 kB  * train/ (100 files)",
    ]
    assert in_lines([FileEntry(name=f"{n}.csv", bytes=1) for n in range(50)])[-1].endswith(
        "and 10 more"
    )
    assert total(many[:1]) == "1 file, 10 B"
    assert total(many) == "100 files, 1.0 kB"


def test_options_name_a_whole_folder_once() -> None:
    assert options_for(ALL[:3], ALL) == "--only train/ --file train.csv"
    assert options_for(ALL[1:2], ALL) == "--file train/1.png"
    odd = entries("a b.csv", "c.csv")
    assert options_for(odd[:1], odd) == "--file 'a b.csv'"
