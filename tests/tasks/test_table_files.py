"""The files of a competition, and what a run says of faults in them before it trains."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.location import find_root
from comp.errors import CompError
from comp.submission.blank import check_rows
from comp.tasks.classification import image_classification
from comp.tasks.image_table import image_table
from comp.tasks.regression import regression
from comp.tasks.table_files import noun_of

NAMED: dict[str, Any] = {"name": "leaves", "title": "Leaves", "kaggle": "competitions/leaves"}
IDS = ("a", "b", "c", "d")
MANY = tuple(f"class {i}" for i in range(20))


@pytest.mark.parametrize(
    ("column", "noun"),
    [
        ("patient_id", "patient"),
        ("Patient_ID", "Patient"),
        ("lesionId", "lesion"),
        ("clean page", "clean page"),
        ("burst_site_id", "burst site"),
        ("grid", "grid"),
        ("_id", "_id"),
        (None, None),
    ],
)
def test_a_group_is_called_as_its_column_without_id(column: str | None, noun: str | None) -> None:
    """It was "3 patient_ids have samples of more than one class"."""
    assert noun_of(column) == noun


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Four training images and two test images, which nothing opens, and their tables."""
    for name in (*(f"train/{i}.png" for i in IDS), "test/x.png", "test/y.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    write(tmp_path / "train.csv", "id,label", "a,rust", "b,healthy", "c,rust", "d,healthy")
    write(tmp_path / "sample_submission.csv", "id,label", "x,0.5", "y,0.5")
    return tmp_path


def write(path: Path, *lines: str) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def leaves(**fields: Any) -> Competition:
    return image_classification(**NAMED | {"classes": ("healthy", "rust")} | fields)


def read(competition: Competition, folder: Path) -> Sequence[Sample]:
    """The training samples, after the checks of a run before it trains."""
    root = find_root(competition, folder)
    train, test = competition.samples(root, "train"), competition.samples(root, "test")
    check_rows(competition, root, test)
    return train


def refusal(competition: Competition, root: Path) -> str:
    with pytest.raises(CompError) as caught:
        read(competition, root)
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(f"{root}/", "").replace(str(root), "ROOT")


@pytest.mark.parametrize(
    ("cells", "targets"),
    [
        (["0", "1", "1", "0"], [0, 1, 1, 0]),
        (["0.0", "1.0", "1", "0"], [0, 1, 1, 0]),
        (["False", "true", "TRUE", "false"], [0, 1, 1, 0]),
        (["no", "yes", "Yes", "no"], [0, 1, 1, 0]),
        ([" healthy", "rust ", "rust", "healthy"], [0, 1, 1, 0]),
        (['"healthy"', '"rust"', "rust", "healthy"], [0, 1, 1, 0]),
    ],
)
def test_labels_are_read_as_they_are_written(
    root: Path, cells: list[str], targets: list[float]
) -> None:
    write(root / "train.csv", "id,label", *map(",".join, zip(IDS, cells, strict=True)))
    assert [sample.target for sample in read(leaves(), root)] == targets


NOT_ONE = "which is not one of the 2 classes (healthy, rust"


@pytest.mark.parametrize(
    ("cells", "fields", "words"),
    [
        (["cow"], {}, f"train.csv: 'a' has the label 'cow', {NOT_ONE}): correct the file"),
        (["Rust"], {}, f"'Rust', {NOT_ONE}; did you mean 'rust'?)"),
        ([""], {}, f"'a' has the label '', {NOT_ONE}) (a missing value?)"),
        (["NaN"], {}, f"'a' has the label 'NaN', {NOT_ONE}) (a missing value?)"),
        (["2"], {}, f"{NOT_ONE}), whose numbers are 0 to 1"),
        (["rust", "1"], {}, "'a' has the label 'rust', and 'b' has '1': write names or numbers of"),
        (["0", "1"], {"classes": ("1", "2", "3")}, "'0', which is not one of the 3 classes (1, 2,"),
        (["1"], {"classes": ("yes", "no")}, "1 seems to mean 'yes', the first class: swap the"),
        (["x"], {"classes": MANY}, "class 10, class 11 and 8 more)"),
    ],
)
def test_a_label_that_is_no_class_names_the_classes(
    root: Path, cells: list[str], fields: dict[str, Any], words: str
) -> None:
    rows = map(",".join, zip(IDS, cells, strict=False))
    write(root / "train.csv", "id,label", *rows)
    assert words in refusal(leaves(**fields), root)


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ('"0,5"', "'a' has the label '0,5', which is not a number (a decimal comma?)"),
        ("nan", "which is not a number (a missing value?)"),
        ("1_0", "'1_0', which is not a number"),
    ],
)
def test_a_number_that_is_none_is_named(root: Path, cell: str, words: str) -> None:
    """1_0 was 10."""
    write(root / "train.csv", "id,label", f"a,{cell}", "b,2.5")
    assert words in refusal(image_table(**NAMED, task=regression(("label",))), root)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (
            ["Id,label", "a,rust"],
            "train.csv has no column 'id', only Id, label: did you mean 'Id'? correct id_column in "
            "the plugin",
        ),
        (["id,disease", "a,rust"], "no column 'label', only id, disease: correct label_column in"),
        (["a.png,rust", "b.png,rust"], "the first line looks like data: add a line of column name"),
        (
            ["id,label", "a,rust", "a,rust", "b,healthy"],
            "the id 'a' occurs more than once, in equal rows: remove the extra row",
        ),
        (
            ["id,label", "a,rust", "a,healthy", "b,rust", "b,rust"],
            "the id 'a' occurs more than once, with the label 'rust' and 'healthy', and 1 more "
            "like it: find out which row is right, and remove the others",
        ),
        (
            ["id,label", "a,rust", "a.png,rust"],
            "the ids 'a' and 'a.png' are the same image: remove",
        ),
    ],
)
def test_faults_of_columns_and_ids_are_named(root: Path, lines: list[str], words: str) -> None:
    write(root / "train.csv", *lines)
    assert words in refusal(leaves(), root)


@pytest.mark.parametrize(
    ("lines", "fields", "words"),
    [
        (
            ["id,target", "x,0", "y,0"],
            {},
            "the header is id,label, the sample has id,target; return",
        ),
        (
            ["id,healthy,rust", "x,0,0", "y,0,0"],
            {},
            "the sample has id,healthy,rust; return exactly",
        ),
        (
            ["id,label", "x,rust", "y,rust"],
            {},
            "(the sample has 'rust'); correct rows in the plugin",
        ),
        (
            ["id,label", "x,0", "y,0"],
            {"metric": "accuracy"},
            "(submit in the functions of comp.task",
        ),
        (
            ["id;label", "x;0", "y;0"],
            {},
            "sample_submission.csv has semicolons between its columns",
        ),
    ],
)
def test_a_sample_submission_that_does_not_fit_is_refused_before_training(
    root: Path, lines: list[str], fields: dict[str, Any], words: str
) -> None:
    write(root / "sample_submission.csv", *lines)
    assert words in refusal(leaves(**fields), root)


def test_the_ids_of_the_sample_submission_may_have_another_column(root: Path) -> None:
    write(root / "sample_submission.csv", "image_id,label", "x,0.5", "y,0.5")
    assert len(read(leaves(), root)) == 4


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"labels": "trian.csv"},
            "the plugin of leaves says labels = 'trian.csv', but ROOT contains train.csv: correct",
        ),
        ({"images": "trian"}, "says images = 'trian', but ROOT contains train: correct the plugin"),
        ({"test_images": "tset"}, "says test_images = 'tset', but ROOT contains test: correct the"),
        ({"images": "photos"}, "ROOT is not the data of leaves: photos (images in the plugin) not"),
        ({"images": "part_*"}, "part_* (images in the plugin) not found, only sample_submission"),
        (
            {"sample_submission": "sampleSubmission.csv"},
            "no sampleSubmission.csv in ROOT, but sample_submission.csv: correct the name in the",
        ),
    ],
)
def test_a_wrong_name_of_a_file_blames_the_plugin(
    root: Path, fields: dict[str, Any], words: str
) -> None:
    assert words in refusal(leaves(**fields), root)


@pytest.mark.parametrize("images", [("part_1", "part_2"), ["part_2", "part_1"], "part_*"])
def test_images_may_be_in_several_folders(root: Path, images: Any) -> None:
    """As those of HAM10000, which are in two."""
    (root / "train").rename(root / "part_1")
    (root / "part_2").mkdir()
    (root / "part_1/b.png").rename(root / "part_2/b.png")
    samples = read(leaves(images=images), root)
    paths = [sample.image_file.relative_to(root).as_posix() for sample in samples]
    assert paths == ["part_1/a.png", "part_2/b.png", "part_1/c.png", "part_1/d.png"]
    (root / "part_2/a.jpg").touch()
    message = refusal(leaves(images=images), root)
    assert "have 2 images for 'a', part_" in message
    assert re.search(r"part_./a\.\w+ and part_./a\.\w+: remove one", message)


def test_test_images_may_be_in_several_folders(
    tmp_path: Path,
) -> None:
    competition = leaves(test_images="test_*", images=("train", "more"))
    competition.draw_synthetic(tmp_path, np.random.default_rng(0))
    assert competition.layout == ("train.csv", "train", "more", "test_*")
    assert len(read(competition, tmp_path)) == 60
    sample = competition.samples(tmp_path, "test")[-1]
    assert sample.image_file.parent.name in ("test_1", "test_2")
