from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from comp.contract.sample import Sample
from comp.data.audit.sample_checks import UnfitSamplesError
from comp.data.images.decode import write_image
from comp.errors import DataError
from comp.tasks.classification import task_of
from comp.tasks.label_cells import LabelCells
from comp.tasks.multilabel import multilabel
from comp.tasks.ordinal import ordinal
from comp.tasks.regression import regression
from comp.tasks.table import Table

GREY = np.full((4, 5), 128, dtype=np.uint8)
CLASSES = ("cat", "dog", "owl")
USUAL: dict[str, Any] = {
    "labels": "train.csv",
    "id_column": "id",
    "group_column": None,
    "images": "train",
    "test_images": "test",
    "sample_submission": "sample_submission.csv",
    "submission_id": None,
    "submit": "label",
    "columns": ("label",),
}


def table(
    classes: tuple[str, ...] = CLASSES,
    label_column: str = "label",
    cells: LabelCells | None = None,
    **fields: Any,
) -> Table:
    cells = cells or LabelCells(task=task_of(classes), columns=(label_column,))
    return Table(**USUAL | {"cells": cells} | fields)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three training images, of which one stands a folder deeper, and two test images."""
    for place in ("train/b.png", "train/a.jpg", "train/more/c.png", "test/y.png", "test/x.png"):
        write_image(tmp_path / place, GREY)
    write(tmp_path / "train.csv", "id,label,owner", "b,dog,1", "a,cat,2", "more/c,dog,1")
    write(tmp_path / "sample_submission.csv", "id,label", "y,cat", "x,cat")
    return tmp_path


def write(path: Path, *lines: str) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def refusal(root: Path, split: Any = "train", **fields: Any) -> str:
    with pytest.raises(DataError) as caught:
        table(**fields).samples(root, split)
    message = str(caught.value)
    assert str(root) in message
    assert "\n" not in message
    return message.replace(f"{root}/", "").replace(str(root), "ROOT")


def test_training_samples_are_the_rows_of_the_table(root: Path) -> None:
    samples = table(group_column="owner").samples(root, "train")
    assert [(s.id, s.target, s.stratum, s.group) for s in samples] == [
        ("b", 1.0, "dog", "1"),
        ("a", 0.0, "cat", "2"),
        ("more/c", 1.0, "dog", "1"),
    ]
    assert [s.image.relative_to(root).as_posix() for s in samples] == [
        "train/b.png",
        "train/a.jpg",
        "train/more/c.png",
    ]


def test_a_blank_cell_is_no_group(root: Path) -> None:
    """Blank cells in quotes, or of spaces, were one group."""
    write(root / "train.csv", "id,label,owner", "b,dog,", 'a,cat,""', "more/c,dog, ")
    samples = table(group_column="owner").samples(root, "train")
    assert [sample.group for sample in samples] == [None] * 3


def test_spaces_around_a_group_do_not_count(root: Path) -> None:
    """The cells "p1" and "p1 " were two groups, so one owner was in training and in validation."""
    write(root / "train.csv", "id,label,owner", "b,dog,p1", "a,cat,p1 ", "more/c,dog, p1")
    samples = table(group_column="owner").samples(root, "train")
    assert [sample.group for sample in samples] == ["p1"] * 3


def test_test_samples_stand_in_the_order_of_the_sample_submission(root: Path) -> None:
    samples = table().samples(root, "test")
    assert [(s.id, s.image.name, s.target, s.stratum) for s in samples] == [
        ("y", "y.png", None, None),
        ("x", "x.png", None, None),
    ]


def test_without_a_sample_submission_test_samples_are_the_images(root: Path) -> None:
    samples = table(sample_submission=None).samples(root, "test")
    assert [s.id for s in samples] == ["x.png", "y.png"]
    for path in (root / "test").iterdir():
        path.unlink()
    assert refusal(root, "test", sample_submission=None).startswith("no images in test")


def test_ids_may_carry_their_suffix_and_labels_be_indices(root: Path) -> None:
    write(root / "train.csv", "\ufefffile,class", "b.png,2", "a.jpg,0")
    samples = table(id_column="file", label_column="class").samples(root, "train")
    assert [(s.id, s.target, s.stratum) for s in samples] == [
        ("b.png", 2.0, "owl"),
        ("a.jpg", 0.0, "cat"),
    ]


def test_a_name_of_a_class_that_is_a_number_is_a_name(root: Path) -> None:
    write(root / "train.csv", "id,label", "b,0", "a,1")
    samples = table(classes=("1", "0")).samples(root, "train")
    assert [(s.target, s.stratum) for s in samples] == [(1.0, "0"), (0.0, "1")]


def test_an_unknown_label_is_named(root: Path) -> None:
    write(root / "train.csv", "id,label", "b,dog", "a,cow")
    message = refusal(root)
    assert message.startswith("train.csv: 'a' has the label 'cow'")
    assert "3 classes (cat, dog, owl)" in message
    write(root / "train.csv", "id,label", "b,dog", "a,")
    assert "'a' has the label ''" in refusal(root)
    write(root / "train.csv", "id,label", "b,3")
    assert "'b' has the label '3'" in refusal(root)


def test_a_missing_image_is_named(root: Path) -> None:
    (root / "train" / "a.jpg").unlink()
    assert refusal(root).startswith("train has no image for 'a' of train.csv (1 of 3")
    (root / "test" / "x.png").unlink()
    message = refusal(root, "test")
    assert message.startswith("test has no image for 'x' of sample_submission.csv (1 of 2")


def test_two_images_of_one_id_are_named(root: Path) -> None:
    write_image(root / "train" / "a.png", GREY)
    assert refusal(root).startswith("train has 2 images for 'a', a.jpg and a.png")


def test_every_fault_is_in_one_error_with_the_samples_as_they_are_listed(root: Path) -> None:
    write(root / "train.csv", "id,label", "a,cow", ",dog", "b,", "gone,cat", "b,owl", "more/c,ox")
    write_image(root / "train" / "a.png", GREY)
    with pytest.raises(UnfitSamplesError) as caught:
        table().samples(root, "train")
    unfit = caught.value
    assert str(unfit) == (
        f"{root}/train.csv: row 2 has no id: fetch the data again "
        "(4 more kinds of problem: 'comp check' shows all)"
    )
    assert [(s.id, s.target, s.stratum) for s in unfit.samples] == [
        ("a", "cow", None),
        ("b", None, None),
        ("gone", 0.0, "cat"),
        ("b", 2.0, "owl"),
        ("more/c", "ox", None),
    ]
    assert [s.image.exists() for s in unfit.samples] == [True, True, False, True, True]
    assert [(f.kind, f.names) for f in unfit.findings] == [
        ("no-id", ("row 2",)),
        ("several-images", ("a: a.jpg and a.png",)),
    ]


def test_many_faults_of_a_kind_are_one_readable_line(root: Path) -> None:
    write(root / "train.csv", "id,label", *(f"{i},cow" for i in range(60)))
    assert refusal(root) == (
        "train.csv: '0' has the label 'cow', which is not one of the 3 classes (cat, dog, owl), "
        "and 59 more like it: correct the file or the classes (1 more kind of problem: 'comp "
        "check' shows all)"
    )


def test_a_file_of_an_id_that_is_no_image_is_a_finding(root: Path) -> None:
    (root / "test" / "z.jp2").write_bytes(b"\0\0\0\x0cjP")
    write(root / "sample_submission.csv", "id,label", "y,cat", "z.jp2,cat")
    with pytest.raises(UnfitSamplesError, match=r"no image for 'z.jp2'") as caught:
        table().samples(root, "test")
    assert [(f.kind, f.names) for f in caught.value.findings] == [("no-image", ("z.jp2",))]


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "a/" * 3000], ids=["long", "odd", "deep"])
def test_an_id_that_can_be_the_name_of_no_file_is_an_image_that_is_missing(
    root: Path, name: str
) -> None:
    write(root / "train.csv", "id,label", "a,cat", f"{name},dog")
    with pytest.raises(UnfitSamplesError, match="train has no image for") as caught:
        table().samples(root, "train")
    assert [s.id for s in caught.value.samples] == ["a", name]
    assert caught.value.findings == []


def test_the_litter_of_an_archive_is_no_image(root: Path) -> None:
    (root / "train" / "._a.jpg").write_bytes(b"fork")
    (root / "train" / "__MACOSX").mkdir()
    write_image(root / "train" / "__MACOSX" / "a.jpg", GREY)
    assert len(table().samples(root, "train")) == 3


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_doubled_id_is_named(root: Path, split: str) -> None:
    name = "train.csv" if split == "train" else "sample_submission.csv"
    write(root / name, "id,label", "a,cat", "b,cat", "a,dog")
    assert refusal(root, split).startswith(f"{name}: the id 'a' occurs more than once")


def test_a_missing_id_or_an_empty_table_is_named(root: Path) -> None:
    write(root / "train.csv", "id,label", "a,cat", ",dog")
    assert refusal(root).startswith("train.csv: row 2 has no id")
    write(root / "train.csv", "id,label")
    assert refusal(root).startswith("train.csv: the column 'id' is empty")


def test_a_missing_column_is_named_with_those_that_there_are(root: Path) -> None:
    message = refusal(root, label_column="breed")
    assert message.startswith("train.csv has no column 'breed', only id, label, owner")
    assert "no column 'patient'" in refusal(root, group_column="patient")
    assert "no column 'image'" in refusal(root, "test", submission_id="image")


def test_a_missing_or_unreadable_table_is_named(root: Path) -> None:
    (root / "sample_submission.csv").write_bytes(b"")
    assert refusal(root, "test").startswith("sample_submission.csv is empty (0 bytes)")
    (root / "train.csv").unlink()
    assert refusal(root).startswith("no train.csv in ROOT")


TWO = np.array([0.7], dtype=np.float32)
THREE = np.array([0.2, 0.5, 0.3], dtype=np.float32)
A = Sample(id="a", image=Path("a"))


@pytest.mark.parametrize(
    ("submit", "columns", "prediction", "expected"),
    [
        ("probability", ["p"], TWO, {"p": 0.7}),
        ("probabilities", ["cat", "dog"], TWO, {"cat": 0.3, "dog": 0.7}),
        ("probabilities", ["c", "d", "o"], THREE, {"c": 0.2, "d": 0.5, "o": 0.3}),
        ("label", ["label"], THREE, {"label": "dog"}),
        ("index", ["label"], THREE, {"label": 1}),
        ("label", ["label"], TWO, {"label": "dog"}),
        ("index", ["label"], TWO, {"label": 1}),
        ("top", ["label"], THREE, {"label": "dog owl"}),
        ("top", ["label"], TWO, {"label": "dog cat"}),
    ],
)
def test_a_row_holds_what_is_to_be_submitted(
    submit: Any, columns: list[str], prediction: np.ndarray, expected: dict[str, Any]
) -> None:
    classes = CLASSES[: max(2, len(prediction))]
    form = table(submit=submit, columns=tuple(columns), classes=classes, top=2)
    rows = form.rows(A, prediction, np.float32([1]))
    assert list(rows) == ["id", *columns]
    assert rows["id"] == ["a"]
    for name, value in expected.items():
        (found,) = rows[name]
        assert found == (pytest.approx(value) if isinstance(value, float) else value)


def test_the_decision_is_submitted_and_not_the_most_probable_class() -> None:
    two = table(classes=("cat", "dog"))
    assert two.rows(A, TWO, np.float32([0]))["label"] == ["cat"]
    assert table().rows(A, THREE, np.float32([2]))["label"] == ["owl"]


LABELS = LabelCells(task=multilabel(CLASSES), columns=("label",), separator="|")


@pytest.mark.parametrize(
    ("cells", "fields", "prediction", "decision", "expected"),
    [
        (LABELS, {"submit": "labels"}, THREE, [1, 0, 1], ["cat owl"]),
        (LABELS, {"submit": "labels"}, THREE, [0, 0, 0], [""]),
        (LABELS, {"submit": "labels", "separator": "|"}, THREE, [1, 1, 0], ["cat|dog"]),
        (LABELS, {"submit": "numbers", "columns": CLASSES}, THREE, [1, 0, 1], [1, 0, 1]),
        (LABELS, {"submit": "top", "top": 2}, THREE, [0, 0, 0], ["dog owl"]),
        (
            LabelCells(task=ordinal(3), columns=("label",)),
            {"submit": "numbers"},
            np.float32([1.25]),
            [2],
            [2],
        ),
        (
            LabelCells(task=ordinal(3), columns=("label",)),
            {"submit": "numbers", "decided": False},
            np.float32([1.25]),
            [2],
            [1.25],
        ),
        (
            LabelCells(task=regression(("x", "y")), columns=("x", "y")),
            {"submit": "numbers", "columns": ("x", "y"), "decided": False},
            np.float32([1.25, -3]),
            [1.25, -3],
            [1.25, -3],
        ),
    ],
)
def test_labels_and_numbers_are_submitted(
    cells: LabelCells, fields: Any, prediction: np.ndarray, decision: Any, expected: list[Any]
) -> None:
    rows = table(cells=cells, **fields).rows(A, prediction, np.float32(decision))
    assert [values for name, values in rows.items() if name != "id"] == [[v] for v in expected]


def test_equal_probabilities_are_ranked_by_the_order_of_the_classes() -> None:
    rows = table(submit="top", top=3).rows(A, np.float32([0.25, 0.5, 0.25]), np.float32([1]))
    assert rows["label"] == ["dog cat owl"]


def test_the_id_column_of_a_submission_is_the_first_of_the_sample_submission(root: Path) -> None:
    write(root / "sample_submission.csv", "Image_ID,label", "y,cat", "x,cat")
    form = table()
    samples = form.samples(root, "test")
    assert [sample.id for sample in samples] == ["y", "x"]
    assert list(form.rows(samples[0], THREE, np.float32([1]))) == ["Image_ID", "label"]
    write(root / "sample_submission.csv", "label,Image_ID", "cat,y", "cat,x")
    named = table(submission_id="Image_ID")
    assert [sample.id for sample in named.samples(root, "test")] == ["y", "x"]
    assert list(named.rows(samples[0], THREE, np.float32([1]))) == ["Image_ID", "label"]


def test_an_image_from_elsewhere_has_the_id_column_of_the_labels(tmp_path: Path) -> None:
    image = Sample(id="a", image=tmp_path / "photos" / "a.png")
    assert list(table().rows(image, THREE, np.float32([1]))) == ["id", "label"]


@pytest.mark.parametrize(
    ("classes", "labels", "wrong"),
    [
        (("1", "2", "3"), ["1", "2", "0"], "0"),
        (("1", "2", "3", "4", "5"), ["0", "1", "4"], "0"),
        (("0.5", "1.0", "other"), ["other", "2"], "2"),
    ],
)
def test_a_number_is_no_index_among_classes_that_look_like_numbers(
    root: Path, classes: tuple[str, ...], labels: list[str], wrong: str
) -> None:
    rows = zip(("a", "b", "more/c"), labels, strict=False)
    write(root / "train.csv", "id,label", *(f"{name},{label}" for name, label in rows))
    assert f"has the label '{wrong}', which is not one of" in refusal(root, classes=classes)


def test_a_number_is_no_index_in_a_column_that_is_named_as_a_class(root: Path) -> None:
    """1 in the column "cat" was read as the second class, a dog."""
    write(root / "train.csv", "id,cat", "a,1", "b,0", "more/c,1")
    two = ("cat", "dog")
    assert "'a' has the cat '1', which is not one of" in refusal(
        root, classes=two, label_column="cat"
    )
    write(root / "train.csv", "id,dog", "a,1", "b,0", "more/c,1")
    samples = table(classes=two, label_column="dog").samples(root, "train")
    assert [sample.target for sample in samples] == [1.0, 0.0, 1.0]
    assert "'a' has the dog '1'" in refusal(root, label_column="dog")


@pytest.mark.parametrize(
    ("cells", "lines", "targets"),
    [
        (
            LabelCells(task=multilabel(CLASSES), columns=("label",), separator=" "),
            ["id,label", "a,cat owl", "b,dog"],
            [(1.0, 0.0, 1.0), (0.0, 1.0, 0.0)],
        ),
        (
            LabelCells(task=multilabel(CLASSES), columns=CLASSES),
            ["id,owl,cat,dog", "a,1,1,0", "b,0,0.0,1"],
            [(1.0, 0.0, 1.0), (0.0, 1.0, 0.0)],
        ),
        (
            LabelCells(task=task_of(CLASSES), columns=CLASSES),
            ["id,cat,dog,owl", "a,0,0,1", "b,1,0,0"],
            [2.0, 0.0],
        ),
        (
            LabelCells(task=regression(), columns=("age",)),
            ["id,age", "a,1.5", "b,-2e3"],
            [1.5, -2000.0],
        ),
        (
            LabelCells(task=regression(("x", "y")), columns=("x", "y")),
            ["id,x,y", "a,1,2", "b,3,4"],
            [(1.0, 2.0), (3.0, 4.0)],
        ),
    ],
)
def test_targets_follow_from_the_columns(
    root: Path, cells: LabelCells, lines: list[str], targets: list[Any]
) -> None:
    write(root / "train.csv", *lines)
    samples = table(cells=cells).samples(root, "train")
    assert [sample.target for sample in samples] == targets
    assert [cells.task.check(sample.target) for sample in samples] == ["", ""]


def test_cells_that_are_not_valid_are_text_for_the_audit(root: Path) -> None:
    cells = LabelCells(task=regression(("x", "y"), log=True), columns=("x", "y"))
    write(root / "train.csv", "id,x,y", "a,1,-2", "b,,", "more/c,3,4")
    with pytest.raises(UnfitSamplesError) as caught:
        table(cells=cells).samples(root, "train")
    assert "train.csv: 'a' has the x, y 1, -2, which is negative" in str(caught.value)
    assert ", and 1 more like it: correct the file or the plugin" in str(caught.value)
    assert [s.target for s in caught.value.samples] == ["1, -2", None, (3.0, 4.0)]


@pytest.mark.parametrize("submit", ["label", "probabilities"])
def test_what_is_drawn_is_what_is_read(tmp_path: Path, submit: Any) -> None:
    columns = CLASSES if submit == "probabilities" else ("label",)
    form = table(group_column="owner", submit=submit, columns=columns)
    form.draw(tmp_path, np.random.default_rng(0))
    train, test = form.samples(tmp_path, "train"), form.samples(tmp_path, "test")
    assert (len(train), len(test)) == (60, 20)
    counts = [sum(sample.target == label for sample in train) for label in range(3)]
    assert counts == [20, 20, 20]
    assert len({sample.group for sample in train}) == 20
    header = pl.read_csv(tmp_path / "sample_submission.csv").columns
    assert header == list(form.rows(test[0], THREE, np.float32([1])))


def test_many_classes_are_drawn_often_enough_for_five_folds(tmp_path: Path) -> None:
    form = table(classes=tuple(f"class{i}" for i in range(14)))
    form.draw(tmp_path, np.random.default_rng(0))
    strata = [sample.stratum for sample in form.samples(tmp_path, "train")]
    assert min(strata.count(name) for name in form.task.labels) == 6


def test_a_table_can_be_sent_to_another_process() -> None:
    form = table()
    again = pickle.loads(pickle.dumps(form.rows))  # noqa: S301
    assert again(A, THREE, np.float32([1])) == form.rows(A, THREE, np.float32([1]))
