"""Segmentations whose training masks are run lengths in a table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from comp.config.schema import RunConfig
from comp.contract.sample import Sample
from comp.data.images.decode import write_image
from comp.data.images.prepared import PreparedImages
from comp.errors import DataError
from comp.submission.rle import RleFormat, encode
from comp.tasks.mask_table import MaskTable
from comp.tasks.rle_table import RleTable
from comp.tasks.sample_columns import SampleColumns
from comp.tasks.segmentation import segmentation

STEEL = RleTable(
    task=segmentation(("crack", "scratch")),
    labels=("crack", "scratch"),
    images="train",
    masks="",
    test_images="test",
    table="train.csv",
    id_column="id",
    rle_column="runs",
    group_column=None,
    class_column="kind",
    sample_submission="sample.csv",
)
ONE = replace(STEEL, task=segmentation(("crack",)), labels=("crack",), class_column=None)


def read(table: MaskTable, root: Path) -> dict[str, np.ndarray]:
    """The encoded masks of the training images."""
    PreparedImages().write_pointer(root)
    samples = table.samples(root, "train")
    reader = table.reader(samples, RunConfig(competition="x"), root)
    return {sample.id: table.task.encode(reader(sample)["target"]) for sample in samples}


@pytest.mark.parametrize("form", [RleFormat(), RleFormat(order="row", base=0, empty="-1")])
@pytest.mark.parametrize("table", [ONE, STEEL, replace(STEEL, class_column=None)])
def test_the_run_lengths_become_the_masks_of_their_classes(
    tmp_path: Path, table: RleTable, form: RleFormat
) -> None:
    """They are those of mask images drawn with the same random numbers."""
    table = replace(table, rle=form)
    table.draw(tmp_path / "runs", np.random.default_rng(1))
    pictures = MaskTable(**{**vars(table), "masks": "masks", "class_column": None})
    if len(table.labels) == 1:
        pictures.draw(tmp_path / "images", np.random.default_rng(1))
        from comp.data.images.masks import read_mask

        expected = {
            sample.id: table.task.encode(read_mask(sample.target))
            for sample in pictures.samples(tmp_path / "images", "train")
        }
    else:
        frame = pl.read_csv(tmp_path / "runs" / "train.csv", infer_schema=False)
        assert len(frame) == 120
        expected = None
    found = read(table, tmp_path / "runs")
    assert len(found) == 60
    assert {mask.shape for mask in found.values()} == {(101, 101, len(table.labels))}
    assert not found["train000"].any()
    assert found["train001"].any(axis=(0, 1)).all()
    if expected:
        assert all(np.array_equal(found[name], mask) for name, mask in expected.items())


def test_an_image_without_a_row_has_empty_masks(tmp_path: Path) -> None:
    STEEL.draw(tmp_path, np.random.default_rng(1))
    frame = pl.read_csv(tmp_path / "train.csv", infer_schema=False)
    kept = frame.filter((pl.col("kind") == "crack") & (pl.col("id") != "train001"))
    kept.write_csv(tmp_path / "train.csv")
    masks = read(STEEL, tmp_path)
    assert len(masks) == 60
    assert not masks["train001"].any()
    assert masks["train002"].any(axis=(0, 1)).tolist() == [True, False]


def test_ids_may_have_the_suffix_of_their_image(tmp_path: Path) -> None:
    ONE.draw(tmp_path, np.random.default_rng(1))
    frame = pl.read_csv(tmp_path / "train.csv", infer_schema=False)
    frame.with_columns(pl.col("id") + ".png").write_csv(tmp_path / "train.csv")
    masks = read(ONE, tmp_path)
    assert masks["train001.png"].any()


def test_strata_are_the_classes_of_an_image(tmp_path: Path) -> None:
    STEEL.draw(tmp_path, np.random.default_rng(1))
    assert {s.stratum for s in STEEL.samples(tmp_path, "train")} == {"crack and scratch", "empty"}


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (
            [("train001", "crack", "1 2"), ("train001", "crack", "5 2")],
            "has two rows for 'train001'",
        ),
        ([("train001", "dent", "1 2")], "the class 'dent' for 'train001', which is not one of"),
        ([("photo", "crack", "1 2")], "has no image for 'photo' of train.csv .1 of 1"),
        ([("train001", "crack", "10200 9")], "the mask of train001: .* end at pixel 10208"),
        ([("train001", "crack", "1 2 3")], "3 numbers, which are not pairs"),
    ],
)
def test_tables_that_do_not_fit_are_refused_before_training(
    tmp_path: Path, rows: list, words: str
) -> None:
    STEEL.draw(tmp_path, np.random.default_rng(1))
    pl.DataFrame(rows, schema=["id", "kind", "runs"], orient="row").write_csv(
        tmp_path / "train.csv"
    )
    with pytest.raises(DataError, match=words):
        STEEL.samples(tmp_path, "train")


def test_run_lengths_from_zero_are_refused_if_the_first_pixel_is_one(tmp_path: Path) -> None:
    STEEL.draw(tmp_path, np.random.default_rng(1))
    mask = np.ones((101, 101), np.uint8)
    runs = encode(mask, RleFormat(base=0))
    frame = pl.DataFrame({"id": ["train001"], "kind": ["crack"], "runs": [runs]})
    frame.write_csv(tmp_path / "train.csv")
    with pytest.raises(DataError, match="a run from pixel 0, and the first is 1"):
        STEEL.samples(tmp_path, "train")


def external_of(table: RleTable, root: Path, folder: Path) -> list[Sample]:
    """The samples of two folders, as a run with `external` reads them."""
    samples = list(table.samples(root, "train"))
    added = table.samples(folder, "train")
    return samples + [replace(s, id=f"external-1/{s.id}", train_only=True) for s in added]


def test_external_samples_have_the_masks_of_their_own_table(tmp_path: Path) -> None:
    """All their masks were empty."""
    roots = tmp_path / "data", tmp_path / "other"
    for seed, root in enumerate(roots):
        STEEL.draw(root, np.random.default_rng(seed))
        PreparedImages().write_pointer(root)
    samples = external_of(STEEL, *roots)
    reader = STEEL.reader(samples, RunConfig(competition="x"), tmp_path / "data")
    expected = [mask for root in roots for mask in read(STEEL, root).values()]
    found = [STEEL.task.encode(reader(sample)["target"]) for sample in samples]
    assert all(np.array_equal(*pair) for pair in zip(found, expected, strict=True))
    assert not np.array_equal(found[1], found[61])


def test_an_id_that_is_not_that_of_the_image_is_refused(tmp_path: Path) -> None:
    ONE.draw(tmp_path, np.random.default_rng(1))
    PreparedImages().write_pointer(tmp_path)
    sample = replace(ONE.samples(tmp_path, "train")[0], id="other/train000")
    with pytest.raises(DataError, match=r"has no row 'other/train000' for train000.png"):
        ONE.reader([sample], RunConfig(competition="x"), tmp_path)


def test_run_lengths_of_the_other_order_are_refused(tmp_path: Path) -> None:
    """6 of 6 masks were wrong, without a word."""
    mask = np.zeros((20, 30), np.uint8)
    mask[3:8, 4:25] = 1
    for folder in ("train", "test"):
        write_image(tmp_path / folder / "a.png", np.zeros((20, 30, 3), np.uint8))
    row = RleFormat(order="row", base=0)
    (tmp_path / "train.csv").write_text(f"id,runs\na,{encode(mask, row)}\n")
    with pytest.raises(DataError, match=r"train.csv has run lengths that look like row order"):
        ONE.samples(tmp_path, "train")
    assert replace(ONE, rle=row).samples(tmp_path, "train")


def test_a_table_without_runs_is_refused(tmp_path: Path) -> None:
    ONE.draw(tmp_path, np.random.default_rng(1))
    (tmp_path / "train.csv").write_text("id,runs\ntrain001,\n")
    with pytest.raises(DataError, match=r"train.csv has 60 training masks, and all are empty"):
        ONE.samples(tmp_path, "train")


def test_the_mark_of_an_empty_mask_is_that_of_the_training_table(tmp_path: Path) -> None:
    ONE.draw(tmp_path, np.random.default_rng(1))
    (tmp_path / "train.csv").write_text("id,runs\ntrain001,5 3\ntrain002,-1\n")
    (tmp_path / "sample.csv").write_text("id,runs\ntest000,1 1\n")
    with pytest.raises(DataError, match=r"has '-1' for an empty mask, but the plugin writes ''"):
        ONE.samples(tmp_path, "train")
    assert replace(ONE, rle=RleFormat(empty="-1")).samples(tmp_path, "train")


@pytest.mark.parametrize("labels", [("bowel", "large_bowel"), ("large_bowel", "bowel")])
def test_labels_may_have_an_underscore(tmp_path: Path, labels: tuple[str, ...]) -> None:
    """large_bowel was read as bowel, or refused."""
    table = replace(STEEL, task=segmentation(labels), labels=labels, class_column=None)
    table.draw(tmp_path, np.random.default_rng(1))
    runs = "id,runs\ntrain001_large_bowel,1 5\ntrain001_bowel,9 2\n"
    (tmp_path / "train.csv").write_text(runs)
    sums = read(table, tmp_path)["train001"].sum((0, 1))
    assert dict(zip(labels, sums, strict=True)) == {"large_bowel": 5, "bowel": 2}


def write_grouped(root: Path, rows: list[str]) -> None:
    """Images a, b and c, and a table with a column of patients."""
    for name in ("a", "b", "c"):
        write_image(root / "train" / f"{name}.png", np.zeros((4, 6, 3), np.uint8))
    (root / "train.csv").write_text("\n".join(["id,kind,runs,patient", *rows]) + "\n")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (
            ["a,crack,2 3,P0", "b,crack,,P0"],
            r"no row for the image 'c' \(1 such images\), and so no patient: add the rows",
        ),
        (
            ["a,crack,2 3,P0", "a,scratch,,P1", "b,crack,,P0", "c,crack,,P0"],
            "the rows of 'a' have the patients 'P0' and 'P1': give all rows of an image the same",
        ),
        (
            ["a,crack,2 3,P0", "a,scratch,, ", "b,crack,,P0", "c,crack,,"],
            r"the patient of 'a' is blank \(2 such rows\): fill it in",
        ),
    ],
)
def test_each_image_needs_one_group(tmp_path: Path, rows: list[str], words: str) -> None:
    """Images without a row had no group, and of two groups the last won."""
    write_grouped(tmp_path, rows)
    with pytest.raises(DataError, match=words):
        replace(STEEL, group_column="patient").samples(tmp_path, "train")


def test_all_rows_of_an_image_have_its_group(tmp_path: Path) -> None:
    """Spaces around a group do not count: "P0" and "P0 " were refused, or two groups."""
    rows = ["a,crack,2 3,P0", "a,scratch,,P0 ", "b,crack,, P0", "c,crack,,P1"]
    write_grouped(tmp_path, rows)
    samples = replace(STEEL, group_column="patient").samples(tmp_path, "train")
    assert [sample.group for sample in samples] == ["P0", "P0", "P1"]


@pytest.mark.parametrize("submitted", [("scratch",), ("dent", "crack")])
def test_joined_ids_have_the_classes_that_are_not_submitted(
    tmp_path: Path, submitted: tuple[str, ...]
) -> None:
    """They were refused, because the training table was split by the submitted classes."""
    task = segmentation(("crack", "scratch", "dent"))
    table = replace(STEEL, task=task, labels=submitted, class_column=None)
    write_grouped(tmp_path, [])
    text = "id,runs,time\na_crack,2 3,5\na_scratch,9 2,5\nb_dent,1 1,6\nc_dent,,7\n"
    (tmp_path / "train.csv").write_text(text)
    table = replace(table, more=SampleColumns(time="time"))
    sums = {name: mask.sum((0, 1)).tolist() for name, mask in read(table, tmp_path).items()}
    assert sums == {"a": [3, 2, 0], "b": [0, 0, 1], "c": [0, 0, 0]}
    assert [sample.time for sample in table.samples(tmp_path, "train")] == [5, 6, 7]


def test_ids_without_a_class_are_of_the_only_class_that_is_submitted(tmp_path: Path) -> None:
    table = replace(STEEL, labels=("scratch",), class_column=None)
    write_grouped(tmp_path, [])
    (tmp_path / "train.csv").write_text("id,runs\na,2 3\n")
    assert read(table, tmp_path)["a"].sum((0, 1)).tolist() == [0, 3]


def test_rows_of_objects_become_one_mask(tmp_path: Path) -> None:
    """Their runs are merged, whatever their order."""
    write_image(tmp_path / "train" / "a.png", np.zeros((4, 4, 3), np.uint8))
    rows = ["id,runs", "a,9 2 14 1", "a,1 3", "a,3 2 10 2"]
    (tmp_path / "train.csv").write_text("\n".join(rows))
    with pytest.raises(DataError, match="join_rows=True"):
        ONE.samples(tmp_path, "train")
    found = read(replace(ONE, join_rows=True), tmp_path)["a"][..., 0]
    inside = found.T.reshape(-1).nonzero()[0] + 1
    assert inside.tolist() == [1, 2, 3, 4, 9, 10, 11, 14]


@pytest.mark.parametrize(
    ("images", "test"), [(".", "test"), ("train", "train/new"), ("all", "all")]
)
def test_test_images_do_not_train_with_empty_masks(tmp_path: Path, images: str, test: str) -> None:
    table = replace(ONE, images=images, test_images=test)
    table.draw(tmp_path, np.random.default_rng(1))
    assert len(table.samples(tmp_path, "test")) > 0
    with pytest.raises(DataError, match=r"has \d+ test images, such as '.*test000', and an image"):
        table.samples(tmp_path, "train")
