"""Layouts of tables of run lengths, as those of Severstal: Steel Defect Detection."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.data.images.decode import write_image
from comp.data.images.prepared import PreparedImages
from comp.errors import DataError
from comp.submission.blank import check_rows
from comp.submission.rle import RleFormat, decode, encode
from comp.submission.rows import submission_rows
from comp.submission.template import submission_spec
from comp.submission.write import make_submission
from comp.tasks.mask_rows import cells_of, split_id
from comp.tasks.segmenter import segmenter

CLASSES = ("1", "2", "3", "4")
SIZE = (16, 100)
TRAIN, TEST = (
    ("0002cc93b.jpg", "00031f466.jpg", "000418bfc.jpg"),
    ("004f40c73.jpg", "006f39c41.jpg"),
)
RUNS = {("0002cc93b.jpg", "1"): "17 3 40 2", ("000418bfc.jpg", "2"): "1 4"} | {
    ("000418bfc.jpg", "4"): "1599 2"
}
"""Image and class -> run lengths; other masks are empty."""

PLUGIN = """
from comp.tasks.segmenter import segmenter

COMPETITION = segmenter(
    name="severstal",
    title="Severstal: Steel Defect Detection",
    kaggle="competitions/severstal-steel-defect-detection",
    classes=("1", "2", "3", "4"),
    images="train_images",
    masks=None,
    test_images="test_images",
    COLUMNS
)
"""
JOINED = 'id_column="ImageId_ClassId", rle_column="EncodedPixels",'
LONG = 'id_column="ImageId", rle_column="EncodedPixels", class_column="ClassId",'
WIDE = 'id_column="ImageId", rle_column=None,'


def competition_of(columns: str) -> Competition:
    source = PLUGIN.replace("COLUMNS", columns)
    assert source.strip().count("\n") < 25
    space: dict[str, Any] = {}
    exec(source, space)
    return space["COMPETITION"]


def joined(images: tuple[str, ...], mark: str | None = None) -> pl.DataFrame:
    """A row for each image and class, with blank cells."""
    keys = [(i, c) for i in images for c in CLASSES]
    cells = [RUNS.get(key, "") if mark is None else mark for key in keys]
    return pl.DataFrame({"ImageId_ClassId": ["_".join(k) for k in keys], "EncodedPixels": cells})


def write_data(root: Path, columns: str) -> Path:
    """The data in the layout of `columns`."""
    for folder, names in (("train_images", TRAIN), ("test_images", TEST)):
        for name in names:
            write_image(root / folder / name, np.zeros((*SIZE, 3), np.uint8))
    train, sample = joined(TRAIN), joined(TEST, "1 1600")
    if columns == LONG:  # without rows of empty masks; the columns of the sample in another order
        rows = [(i, c, runs) for (i, c), runs in RUNS.items()]
        train = pl.DataFrame(rows, schema=["ImageId", "ClassId", "EncodedPixels"], orient="row")
        keys = [(i, "1 1600", c) for i in TEST for c in CLASSES]
        sample = pl.DataFrame(keys, schema=["ImageId", "EncodedPixels", "ClassId"], orient="row")
    if columns == WIDE:
        cells = {c: [RUNS.get((i, c), "") for i in TRAIN] for c in CLASSES}
        train = pl.DataFrame({"ImageId": TRAIN} | cells)
        sample = pl.DataFrame({"ImageId": TEST} | {c: ["1 1"] * len(TEST) for c in CLASSES[::-1]})
    train.write_csv(root / "train.csv", quote_style="never")
    sample.write_csv(root / "sample_submission.csv")
    return root


@pytest.mark.parametrize("columns", [JOINED, LONG, WIDE], ids=["joined", "long", "wide"])
def test_training_masks_are_those_of_the_table(tmp_path: Path, columns: str) -> None:
    competition, root = competition_of(columns), write_data(tmp_path, columns)
    samples = competition.samples(root, "train")
    assert {sample.id for sample in samples} <= set(TRAIN)
    PreparedImages().write_pointer(root)
    assert competition.reader
    reader = competition.reader(samples, RunConfig(competition="severstal"), root)
    for sample in samples:
        target = competition.task.encode(reader(sample)["target"])
        assert target.shape == (*SIZE, 4)
        for index, name in enumerate(CLASSES):
            assert encode(target[..., index], RleFormat()) == RUNS.get((sample.id, name), "")
    assert len(samples) == 3


@pytest.mark.parametrize("columns", [JOINED, LONG, WIDE], ids=["joined", "long", "wide"])
def test_the_submission_has_the_rows_and_columns_of_the_sample(
    tmp_path: Path, columns: str
) -> None:
    competition, root = competition_of(columns), write_data(tmp_path, columns)
    test = competition.samples(root, "test")
    check_rows(competition, root, test)
    chances = np.random.default_rng(0).random((2, *SIZE, 4)).astype(np.float32)
    sample = root / "sample_submission.csv"
    path = tmp_path / "out.csv"
    rows = submission_rows(competition, list(zip(test, chances, strict=True)))
    make_submission(path, rows, submission_spec(competition, sample, test))
    found, expected = (pl.read_csv(file, infer_schema=False) for file in (path, sample))
    assert found.columns == expected.columns
    keys = [name for name in expected.columns if name not in competition.rle_columns]
    assert found.select(keys).equals(expected.select(keys))
    cells: dict[tuple[str, str], str] = {}
    for row in found.iter_rows(named=True):
        if columns == WIDE:
            cells |= {(row["ImageId"], name): row[name] for name in CLASSES}
        else:
            joined_id = row.get("ImageId_ClassId") or f"{row['ImageId']}_{row['ClassId']}"
            image, name = joined_id.rsplit("_", 1)
            cells[image, name] = row["EncodedPixels"]
    for sample_of, image in zip(test, chances, strict=True):
        for index, name in enumerate(CLASSES):
            mask = decode(cells[sample_of.id, name], SIZE, RleFormat())
            assert np.array_equal(mask, image[..., index] >= 0.5)


def test_mask_images_may_have_another_suffix_than_the_ids(tmp_path: Path) -> None:
    """Ids with a suffix named no image, and a row for each class was an id too many."""
    competition = segmenter(
        name="steel",
        title="Steel",
        kaggle="competitions/steel",
        classes=CLASSES[:3],
        images="train_images",
        masks="masks",
        test_images="test_images",
        id_column="ImageId",
        rle_column="EncodedPixels",
        class_column="ClassId",
    )
    root = write_data(tmp_path, LONG)
    rows = [(i, c, RUNS.get((i, c), "")) for i in TRAIN for c in CLASSES[:3]]
    frame = pl.DataFrame(rows, schema=["ImageId", "ClassId", "EncodedPixels"], orient="row")
    for name in TRAIN:
        cells = [RUNS.get((name, c), "") for c in CLASSES[:3]]
        planes = [decode(cell, SIZE, RleFormat()) * np.uint8(255) for cell in cells]
        write_image(root / "masks" / f"{name[:-4]}.png", np.stack(planes, axis=2))
    frame.write_csv(root / "train.csv")
    samples = competition.samples(root, "train")
    assert [(s.id, s.target.name) for s in samples] == [(n, f"{n[:-4]}.png") for n in TRAIN]
    frame.with_columns(EncodedPixels=pl.lit("5 2")).write_csv(root / "train.csv")
    with pytest.raises(DataError, match="training masks are not those of the run lengths"):
        competition.samples(root, "train")


def test_a_class_of_another_competition_is_refused(tmp_path: Path) -> None:
    frame = {"id": ["a"], "runs": ["1 2"]}
    with pytest.raises(DataError, match="the class '5' for 'a', which is not one of 1, 2, 3, 4"):
        cells_of(tmp_path, frame, [("a", "5")], {"1": "runs"}, CLASSES)
    with pytest.raises(DataError, match=r"'a.jpg', which does not end with a class"):
        split_id("a.jpg", CLASSES, tmp_path, "id")


def test_a_column_for_each_class_needs_no_column_of_the_class() -> None:
    with pytest.raises(ValueError, match="rle_column = None has a column for each class"):
        segmenter(
            name="a", title="A", kaggle="competitions/a", rle_column=None, class_column="kind"
        )
