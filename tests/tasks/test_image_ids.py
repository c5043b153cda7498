"""The image of each id, however both are written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from comp.data.images.decode import write_image
from comp.data.text_table import TableError
from comp.errors import DataError
from comp.tasks.alike_names import AlikeNames
from comp.tasks.image_ids import ImageIndex, drawn_folders, folders_of, is_below, list_images


def made(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def found(folder: Path, *ids: str) -> list[str | None]:
    """The path of the image of each id, below the folder."""
    index = ImageIndex([folder])
    absent = [name for name in ids if name not in index.exact]
    alike = AlikeNames(index).find(absent, all(name.isdigit() for name in ids))
    paths = [(index.find(name) or [alike.get(name)])[0] for name in ids]
    return [path.relative_to(folder).as_posix() if path else None for path in paths]


@pytest.mark.parametrize(
    ("files", "ids", "images"),
    [
        (["1.png", "2.png"], ["1", "2"], ["1.png", "2.png"]),
        (["a.png", "b.JPG"], ["a.png", "b"], ["a.png", "b.JPG"]),
        (
            ["a.JPG", "b.jpeg", "c.jfif"],
            ["a.jpg", "b.jpg", "c.JPEG"],
            ["a.JPG", "b.jpeg", "c.jfif"],
        ),
        (["a.png"], ["a.jpg"], [None]),
        (["A.png"], ["a"], [None]),
        (["x/a.png"], ["x/a", "x\\a.png", "./x/a"], ["x/a.png"] * 3),
        (["a.png"], ["train/a", "data/train/a.png", "other/a"], ["a.png", "a.png", None]),
        (["train/a.png", "train/b.png"], ["a", "b.png"], ["train/a.png", "train/b.png"]),
        (["x/a.png", "y/b.png"], ["a"], [None]),
        (["0007.png", "0012.png"], ["7", "12"], ["0007.png", "0012.png"]),
        (["7.png", "12.png"], ["0007", "0012"], ["7.png", "12.png"]),
        (["07.png", "7.png"], ["007"], [None]),
        (["0007.png", "b.png"], ["7"], [None]),
        (["0007.png"], ["7", "x"], [None, None]),
        (["e\u0301.png"], ["\u00e9"], ["e\u0301.png"]),
        (["a.png"], [" a "], ["a.png"]),
        (["a.png", "a.jpg"], ["a "], [None]),
        (["v1.2.png"], ["v1.2", "v1"], ["v1.2.png", None]),
    ],
)
def test_an_image_is_taken_only_if_it_can_be_no_other(
    tmp_path: Path, files: list[str], ids: list[str], images: list[str | None]
) -> None:
    folder = tmp_path / "data" / "train"
    made(folder, *files)
    assert found(folder, *ids) == images


def test_a_file_without_a_suffix_is_an_image_by_its_content(tmp_path: Path) -> None:
    """It was to be converted to PNG, though it was one."""
    write_image(tmp_path / "a.png", np.zeros((4, 4), dtype=np.uint8))
    (tmp_path / "a.png").rename(tmp_path / "a")
    (tmp_path / "b").write_text("hello")
    assert found(tmp_path, "a", "b") == ["a", None]


def test_folders_are_named_or_fit_a_pattern(tmp_path: Path) -> None:
    made(tmp_path, "part_2/b.png", "part_1/a.png", "part_3.csv", ".part_4/c.png")
    assert folders_of(tmp_path, "part_*", "images") == [tmp_path / "part_1", tmp_path / "part_2"]
    assert folders_of(tmp_path, ("part_2", "part_?"), "images")[0] == tmp_path / "part_2"
    assert folders_of(tmp_path, "gone", "images") == [tmp_path / "gone"]
    with pytest.raises(
        TableError, match=r"no folder 'x\*', only part_1, part_2, part_3.csv: corre"
    ):
        folders_of(tmp_path, "x*", "test_images")


def test_the_images_of_several_folders_are_samples_unless_names_repeat(tmp_path: Path) -> None:
    made(tmp_path, "p1/a.png", "p2/b.png", "p3/a.jpg", "p4/a.png")
    folders = [tmp_path / f"p{i}" for i in (1, 2, 3, 4)]
    assert [s.id for s in list_images(folders[:3])] == ["a.png", "b.png", "a.jpg"]
    with pytest.raises(DataError, match=r"p1/a.png and .*p4/a.png have the same name: rename one"):
        list_images([folders[0], folders[3]])
    with pytest.raises(DataError, match="no images in"):
        list_images([tmp_path / "gone"])


def test_folders_of_synthetic_images(tmp_path: Path) -> None:
    names = drawn_folders(tmp_path, ("a", "part_*", "p[xy]_?"))
    drawn = ["a", "part_1", "part_2", "p1_1", "p2_2"]
    assert [path.name for path in names] == drawn
    assert is_below("part_1/x", "part_*")
    assert is_below("a", ".")
    assert not is_below("a", "a/b")
