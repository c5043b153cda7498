from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from comp.bundle.parts.samples import image_ids, list_images, row_ids, row_keys
from comp.bundle.parts.write import BETWEEN
from comp.errors import DataError

DATA: dict[str, Any] = {
    "sample_submission": "sample.csv",
    "id_column": None,
    "ids": "(.*)",
    "folders": ["test"],
    "before": "",
    "after": "",
    "anywhere": False,
    "alike": True,
}


def make(root: Path, files: list[str], rows: list[str], header: str = "id,label") -> Path:
    """Empty image files, and a sample submission."""
    for name in files:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    lines = [header, *(f"{row},0" for row in rows)]
    (root / "sample.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


def listed(root: Path, **more: Any) -> list[tuple[str, str]]:
    """Ids and paths below the root."""
    images = list_images(root, DATA | more, log=lambda _line: None)
    return [(image.id, image.path.relative_to(root).as_posix()) for image in images]


def test_ids_are_texts_in_the_order_of_the_sample_submission(tmp_path: Path) -> None:
    rows = ["010", "10", "1e2", "NA", "null", "a/1", "b/1", "中文", '"x,y"']
    names = [row.strip('"') for row in rows]
    root = make(tmp_path, [f"test/{name}.png" for name in names], rows)
    assert listed(root) == [(name, f"test/{name}.png") for name in names]


def test_ids_with_suffixes_and_images_with_several(tmp_path: Path) -> None:
    root = make(tmp_path, ["test/a.jpg", "test/b.PNG", "test/c.jpeg"], ["c.jpeg", "a.jpg", "b.png"])
    assert listed(root) == [
        ("c.jpeg", "test/c.jpeg"),
        ("a.jpg", "test/a.jpg"),
        ("b.png", "test/b.PNG"),
    ]


def test_without_alike_names_an_image_has_the_name_of_its_id(tmp_path: Path) -> None:
    root = make(tmp_path, ["test/a.jpg", "test/b.PNG"], ["a.jpg", "b.png"])
    lines: list[str] = []
    images = list_images(root, DATA | {"alike": False}, log=lines.append)
    assert [image.path.exists() for image in images] == [True, False]
    assert lines == ["missing 1 ids without an image: they get the mean prediction ('b.png')"]


def test_several_folders_of_which_there_may_be_more_than_before(tmp_path: Path) -> None:
    files = ["part_1/a.png", "part_2/b.png", "part_3/c.png"]
    root = make(tmp_path, files, ["c", "a", "b"])
    assert [path for _, path in listed(root, folders=["part_*"])] == [files[2], *files[:2]]


def test_what_is_around_the_id_in_a_name(tmp_path: Path) -> None:
    root = make(tmp_path, ["test/img_7_big.png", "test/img_77_big.png"], ["7", "77"])
    found = listed(root, before="img_", after="_big")
    assert found == [("7", "test/img_7_big.png"), ("77", "test/img_77_big.png")]


def test_an_image_anywhere_below_the_folder(tmp_path: Path) -> None:
    root = make(tmp_path, ["test/0/a1.png", "test/f/b2.png"], ["b2", "a1"])
    assert listed(root, anywhere=True) == [("b2", "test/f/b2.png"), ("a1", "test/0/a1.png")]


def test_several_rows_of_an_image_are_one_image(tmp_path: Path) -> None:
    root = make(tmp_path, ["test/a.png", "test/b_1.png"], ["b_1_1_1", "b_1_1_2", "a_1_1", "a_2_1"])
    data = DATA | {"ids": r"(.*)_\d+_\d+"}
    assert list(image_ids(root, data)) == ["b_1", "a"]
    assert [name for name, _ in listed(root, ids=data["ids"])] == ["b_1", "a"]
    with pytest.raises(DataError, match="has the id 'b_1_1_1', which is not in the form"):
        listed(root, ids=r"(\d+)")


def test_the_column_of_the_ids(tmp_path: Path) -> None:
    root = make(tmp_path, ["test/a.png"], ["0,a"], header="x,image,label")
    assert listed(root, id_column="image") == [("a", "test/a.png")]
    with pytest.raises(DataError, match="has no column 'file', only x, image, label"):
        listed(root, id_column="file")


def test_rows_without_an_id_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "sample.csv"
    path.write_bytes(b"\xef\xbb\xbfid,label\r\na,0\r\n,0\r\n\r\nb,0\r\n")
    assert list(row_ids(path)) == ["a", "b"]


def test_missing_images_are_said(tmp_path: Path) -> None:
    root = make(tmp_path, ["test/a.png", "test/b.png"], ["a", "b", "c"])
    lines: list[str] = []
    images = list_images(root, DATA, lines.append)
    assert [image.path.exists() for image in images] == [True, True, False]
    assert lines == ["missing 1 ids without an image: they get the mean prediction ('c')"]


@pytest.mark.parametrize(
    ("files", "ids", "anywhere", "message"),
    [
        (["test/a.png", "test/a.jpg"], ["a"], False, "the id 'a' has 2 images"),
        (["test/x/a.png", "test/y/a.png"], ["a"], True, "the id 'a' has 2 images"),
        (["test/007.png", "test/8.png"], ["7", "007"], False, "the ids '7' and '007' are the same"),
        (["test/a.png"], ["a", "a.png"], True, "the ids 'a' and 'a.png' are the same"),
    ],
)
def test_an_id_has_one_image_of_its_own(
    tmp_path: Path, files: list[str], ids: list[str], anywhere: bool, message: str
) -> None:
    root = make(tmp_path, files, ids)
    with pytest.raises(DataError, match=message):
        listed(root, anywhere=anywhere)


def test_unclear_columns_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "sample.csv"
    path.write_text("id,id,label\na,1,0\n")
    with pytest.raises(DataError, match="has the column 'id' twice"):
        list(row_ids(path))
    path.write_text("\n")
    with pytest.raises(DataError, match="is empty"):
        list(row_ids(path))
    path.write_text("\n\nid,label\na,0\n")
    assert list(row_ids(path)) == ["a"]


def test_without_any_image_nothing_is_predicted(tmp_path: Path) -> None:
    root = make(tmp_path, ["test/x.png"], ["a", "b"])
    with pytest.raises(DataError, match=r"no image of . of 2 ids of the test, such as .a.:"):
        listed(root)
    (root / "test" / "x.png").unlink()
    with pytest.raises(DataError, match="no images in"):
        listed(root)


def test_without_a_sample_submission_all_images_are_listed(tmp_path: Path) -> None:
    files = ["test/b/1.png", "test/a/1.png", "test/a/2.jpg", "test/.hidden.png", "test/x.txt"]
    root = make(tmp_path, files, [])
    wanted = ["a/1.png", "a/2.jpg", "b/1.png"]
    found = listed(root, sample_submission=None, ids="path")
    assert found == [(name, f"test/{name}") for name in wanted]
    found = listed(root, sample_submission=None, ids="stem")
    assert [name for name, _ in found] == ["a/1", "a/2", "b/1"]
    (root / "test" / "a" / "1.jpg").touch()
    with pytest.raises(DataError, match="the same name"):
        listed(root, sample_submission=None, ids="stem")


def test_many_rows_take_little_time(tmp_path: Path) -> None:
    names = [f"{number:06}" for number in range(3000)]
    root = make(tmp_path, [f"test/{name}.png" for name in names], names[::-1])
    (root / "sample.csv").write_text("id\n" + "\n".join(names[::-1] * 20), encoding="utf-8")
    assert [name for name, _ in listed(root)] == names[::-1]


def test_rows_are_known_by_several_columns(tmp_path: Path) -> None:
    path = tmp_path / "sample.csv"
    path.write_text("rle,id,class\n,a,2\n,b,2\n,a,1\n")
    assert [key.split(BETWEEN) for key in row_keys(path, ["id", "class"])] == [
        ["a", "2"],
        ["b", "2"],
        ["a", "1"],
    ]
