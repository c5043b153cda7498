"""Samples and rows of a segmentation, on small data drawn in its layout."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from comp.config.schema import RunConfig
from comp.contract.sample import Sample
from comp.data.images.decode import write_image
from comp.data.images.masks import read_mask
from comp.data.images.prepared import PreparedImages
from comp.errors import DataError
from comp.submission.rle import RleFormat, decode
from comp.tasks.mask_table import MaskTable, without_rare
from comp.tasks.segmentation import segmentation

SALT = MaskTable(
    task=segmentation(("salt",)),
    labels=("salt",),
    images="train/images",
    masks="train/masks",
    test_images="test",
    table="train.csv",
    id_column="id",
    rle_column="rle_mask",
    group_column=None,
    class_column=None,
    sample_submission="sample.csv",
    rle=RleFormat(),
)
CITY = replace(SALT, task=segmentation(("car", "road", "tree")), labels=("car", "road"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    SALT.draw(tmp_path, np.random.default_rng(0))
    return tmp_path


def test_training_images_have_their_mask_and_coverage(root: Path) -> None:
    samples = SALT.samples(root, "train")
    assert len(samples) == 60
    for sample in samples:
        assert sample.target.stem == sample.image.stem == sample.id
        empty = not read_mask(sample.target).any()
        assert (sample.stratum == "empty") <= empty


def test_small_strata_are_joined_so_that_every_fold_has_each(root: Path) -> None:
    strata = [sample.stratum for sample in SALT.samples(root, "train")]
    assert len(set(strata)) > 1
    assert min(map(strata.count, set(strata))) >= 10


def test_one_stratum_is_none() -> None:
    assert without_rare(["a"] * 30 + ["b"] * 3) == [None] * 33
    assert without_rare(["a"] * 30 + ["b"] * 10 + ["c"]) == ["a"] * 30 + ["b"] * 10 + ["a"]
    assert without_rare([]) == []


def test_test_images_have_the_order_of_the_sample_submission(root: Path) -> None:
    ids = pl.read_csv(root / "sample.csv")["id"].to_list()
    pl.read_csv(root / "sample.csv").reverse().write_csv(root / "sample.csv")
    assert [sample.id for sample in SALT.samples(root, "test")] == ids[::-1]
    everything = replace(SALT, sample_submission=None).samples(root, "test")
    assert [sample.id for sample in everything] == sorted(ids)


def test_without_a_table_all_images_are_samples(root: Path) -> None:
    (root / "train.csv").unlink()
    assert len(replace(SALT, table=None).samples(root, "train")) == 60


def test_groups_come_from_a_column(tmp_path: Path) -> None:
    table = replace(SALT, group_column="place")
    table.draw(tmp_path, np.random.default_rng(0))
    groups = [sample.group for sample in table.samples(tmp_path, "train")]
    assert groups[:4] == ["group0", "group0", "group0", "group1"]


@pytest.mark.parametrize(
    "form", [RleFormat(), RleFormat(order="row"), RleFormat(base=0), RleFormat(order="row", base=0)]
)
def test_rows_have_the_run_lengths_of_the_mask(form: RleFormat) -> None:
    mask = np.zeros((5, 7, 1), np.float32)
    mask[1:3, 2:6] = 1
    sample = Sample(id="a", image=Path("a.png"))
    rows = replace(SALT, rle=form).rows(sample, mask, mask)
    assert rows["id"] == ["a"]
    assert np.array_equal(decode(rows["rle_mask"][0], (5, 7), form), mask[..., 0])


def test_several_classes_have_a_row_each() -> None:
    mask = np.zeros((2, 2, 3), np.float32)
    mask[0, 0, 1] = 1
    sample = Sample(id="a", image=Path("a.png"))
    assert CITY.rows(sample, mask, mask) == {"id": ["a_car", "a_road"], "rle_mask": ["", "1 1"]}
    with_column = replace(CITY, class_column="class").rows(sample, mask, mask)
    assert with_column["id"] == ["a", "a"]
    assert with_column["class"] == ["car", "road"]


@pytest.mark.parametrize("class_column", [None, "class"])
def test_the_test_images_of_several_classes_are_listed_once(
    tmp_path: Path, class_column: str | None
) -> None:
    table = replace(CITY, class_column=class_column)
    table.draw(tmp_path, np.random.default_rng(0))
    assert len(table.samples(tmp_path, "test")) == 12
    assert len(pl.read_csv(tmp_path / "sample.csv")) == 24


def test_a_row_without_a_class_is_refused(tmp_path: Path) -> None:
    CITY.draw(tmp_path, np.random.default_rng(0))
    with pytest.raises(DataError, match="'test000_road', which does not end with a class"):
        replace(CITY, labels=("car", "tree")).samples(tmp_path, "test")


def test_masks_whose_values_fit_no_class_are_refused_with_their_name(root: Path) -> None:
    write_image(root / "train/masks/train007.png", np.array([[0, 1], [255, 1]], np.uint8))
    with pytest.raises(DataError, match=r"train007.png has the values 0, 1, 255, but a mask"):
        SALT.samples(root, "train")


def test_masks_of_0_and_1_have_the_same_coverage(root: Path) -> None:
    before = [sample.stratum for sample in SALT.samples(root, "train")]
    for path in (root / "train/masks").iterdir():
        write_image(path, read_mask(path)[..., 0] // 255)
    assert [sample.stratum for sample in SALT.samples(root, "train")] == before


def test_run_lengths_in_another_order_are_refused(root: Path) -> None:
    """The submission would be wrong in every row, without a word."""
    with pytest.raises(DataError, match=r"has run lengths in column order, first pixel 1.*row"):
        replace(SALT, rle=RleFormat(order="row")).samples(root, "train")
    with pytest.raises(DataError, match="but the plugin writes column order, first pixel 0"):
        replace(SALT, rle=RleFormat(base=0)).samples(root, "train")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda root: (root / "train/masks/train003.png").unlink(),
            "no image for 'train003' of images .1 of 60 are missing",
        ),
        (lambda root: (root / "train.csv").unlink(), "no train.csv in"),
        (lambda root: (root / "train.csv").write_text("name\n1\n"), "no column 'id', only name"),
        (lambda root: (root / "train.csv").write_text("id,b\n,1\n"), "has a row without id"),
        (
            lambda root: (root / "train.csv").write_text("id\ntrain000\ntrain000\n"),
            "has an id more than once",
        ),
    ],
)
def test_data_that_does_not_fit_is_refused_in_one_line(root: Path, change, words: str) -> None:
    change(root)
    with pytest.raises(DataError, match=words):
        SALT.samples(root, "train")


@pytest.mark.parametrize("labels", [("bowel", "large_bowel"), ("large_bowel", "bowel")])
def test_the_longest_label_of_an_id_counts(labels: tuple[str, ...], tmp_path: Path) -> None:
    """The images of large_bowel were searched as 'test000_large'."""
    table = replace(SALT, task=segmentation(labels), labels=labels)
    keys = table.keys(tmp_path, {"id": ["a_large_bowel", "a_b_bowel"]})
    assert keys == [("a", "large_bowel"), ("a_b", "bowel")]


def test_rows_of_other_classes_are_refused(tmp_path: Path) -> None:
    table = replace(CITY, class_column="class")
    table.draw(tmp_path, np.random.default_rng(0))
    other = replace(table, labels=("road", "tree"))
    with pytest.raises(DataError, match=r"classes car, road for 'test000', .* writes road, tree"):
        other.samples(tmp_path, "test")


def test_training_masks_that_are_all_empty_are_refused(root: Path) -> None:
    """Dice was 1 for a network that had learned nothing."""
    for path in (root / "train/masks").iterdir():
        write_image(path, np.zeros((101, 101), np.uint8))
    with pytest.raises(DataError, match="train/masks has 60 training masks, and all are empty"):
        SALT.samples(root, "train")


def test_a_mark_of_empty_masks_in_the_training_table_is_that_of_the_plugin(root: Path) -> None:
    text = (root / "train.csv").read_text()
    marked = "".join(
        f"{line}-1\n" if line.endswith(",") else f"{line}\n" for line in text.splitlines()
    )
    (root / "train.csv").write_text(marked)
    assert SALT.samples(root, "train")  # the sample has blank cells, which count first
    (root / "sample.csv").write_text("id,rle_mask\ntest000,1 1\n")
    with pytest.raises(DataError, match=r"has '-1' for an empty mask, but the plugin writes ''"):
        SALT.samples(root, "train")
    assert replace(SALT, rle=RleFormat(empty="-1")).samples(root, "train")


def test_three_equal_channels_are_three_masks(tmp_path: Path) -> None:
    """They were refused as '1 channels'."""
    CITY.draw(tmp_path, np.random.default_rng(0))
    full = np.full((101, 101, 3), 255, np.uint8)
    write_image(tmp_path / "train/masks/train001.png", full)
    PreparedImages().write_pointer(tmp_path)
    samples = CITY.samples(tmp_path, "train")
    reader = CITY.reader(samples, RunConfig(competition="x"), tmp_path)
    assert CITY.task.encode(reader(samples[1])["target"]).all()


def test_a_palette_with_white_first_is_not_inverted(root: Path) -> None:
    expected = read_mask(root / "train/masks/train001.png")
    image = Image.fromarray(255 - expected[..., 0])
    image.putpalette([255 - i for i in range(256) for _ in range(3)])
    image.save(root / "train/masks/train001.png")
    PreparedImages().write_pointer(root)
    samples = SALT.samples(root, "train")
    reader = SALT.reader(samples, RunConfig(competition="x"), root)
    assert np.array_equal(reader(samples[1])["target"], expected)


def write_city(root: Path, table: str) -> None:
    """Images a and b with masks of car, road and tree, and a training table."""
    for name in ("a", "b"):
        write_image(root / "train/images" / f"{name}.png", np.zeros((4, 6, 3), np.uint8))
        write_image(root / "train/masks" / f"{name}.png", np.full((4, 6, 3), 255, np.uint8))
    (root / "train.csv").write_text(table)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["P0", "", "P1"], r"the place of 'a' is blank \(1 such rows\): fill it in, with a value"),
        (["P0", "P1", "P1"], "the rows of 'a' have the places 'P0' and 'P1': give all rows"),
    ],
)
def test_the_rows_of_an_image_have_one_group(tmp_path: Path, cells: list[str], words: str) -> None:
    """The last row won, and no image had a group if it was blank."""
    names = ("a_car", "a_road", "b_car")
    rows = [f"{name},{cell}" for name, cell in zip(names, cells, strict=True)]
    write_city(tmp_path, "\n".join(["id,place", *rows]))
    with pytest.raises(DataError, match=words):
        replace(CITY, group_column="place").samples(tmp_path, "train")


@pytest.mark.parametrize("submitted", [("car", "road"), ("tree",)])
def test_the_training_table_may_have_classes_that_are_not_submitted(
    tmp_path: Path, submitted: tuple[str, ...]
) -> None:
    """It was refused: 'a_tree' does not end with a class (car, road)."""
    runs = "".join(f"{i}_{label},1 24\n" for i in "ab" for label in CITY.task.labels)
    write_city(tmp_path, f"id,rle_mask\n{runs}")
    table = replace(CITY, labels=submitted)
    assert [sample.id for sample in table.samples(tmp_path, "train")] == ["a", "b"]
    write_city(tmp_path, f"id,rle_mask\n{runs}a_tree,1 24\n")
    with pytest.raises(DataError, match=r"more than once|two rows for 'a' and tree"):
        table.samples(tmp_path, "train")


def test_a_training_table_without_the_column_of_classes_is_of_images(tmp_path: Path) -> None:
    """A KeyError stopped it if one class is submitted."""
    write_city(tmp_path, "id\na\nb\n")
    table = replace(CITY, labels=("car",), class_column="class")
    assert [sample.id for sample in table.samples(tmp_path, "train")] == ["a", "b"]


def test_masks_with_a_suffix_in_the_folder_of_the_images(tmp_path: Path) -> None:
    table = replace(SALT, masks="train/images", mask_suffix="_mask", table=None)
    table.draw(tmp_path, np.random.default_rng(0))
    samples = table.samples(tmp_path, "train")
    assert len(samples) == 60
    for sample in samples:
        assert sample.target.stem == f"{sample.image.stem}_mask"
        assert not sample.id.endswith("_mask")


def write_lesions(root: Path, masks: str, suffix: str = "_mask") -> MaskTable:
    """Images a, b and c with a mask each, and a table of a and b."""
    for number, name in enumerate("abc"):
        write_image(root / "train/images" / f"{name}.png", np.zeros((4, 6, 3), np.uint8))
        pixels = np.arange(24, dtype=np.uint8).reshape(4, 6) // 12 * 255
        write_image(root / masks / f"{name}{suffix}.png", np.roll(pixels, number, 0))
    (root / "train.csv").write_text("id\na\nb\n")
    return replace(SALT, masks=masks, mask_suffix=suffix)


@pytest.mark.parametrize("masks", ["train/masks", "train/images", "train"])
@pytest.mark.parametrize("table", ["train.csv", None])
def test_the_mask_of_a_second_object_is_refused(
    tmp_path: Path, masks: str, table: str | None
) -> None:
    """It was left out: the second object was background in training and in the scores."""
    found = replace(write_lesions(tmp_path, masks), table=table)
    assert [s.id for s in found.samples(tmp_path, "train")] == list("abc")[: 2 if table else 3]
    write_image(tmp_path / masks / "a_mask_1.png", np.full((4, 6), 255, np.uint8))
    words = r"1 of the masks in .* have no image in .*, the first is 'a_mask_1'"
    if masks == "train/images" and not table:
        words = "no image for 'a_mask_1'"
    with pytest.raises(DataError, match=words):
        found.samples(tmp_path, "train")


@pytest.mark.parametrize("suffix", ["_mask", ""])
def test_masks_of_images_that_do_not_train_are_left_out(tmp_path: Path, suffix: str) -> None:
    found = write_lesions(tmp_path, "train/masks", suffix)
    for folder in ("test", "validation/images"):
        name = f"{folder[0]}/1"
        write_image(tmp_path / folder / f"{name}.png", np.zeros((4, 6, 3), np.uint8))
        write_image(tmp_path / "train/masks" / f"{name}{suffix}.png", np.zeros((4, 6), np.uint8))
    assert [sample.id for sample in found.samples(tmp_path, "train")] == ["a", "b"]
    (tmp_path / "test/t/1.png").unlink()
    with pytest.raises(DataError, match=rf"1 of the masks in .*, the first is 't/1{suffix}'"):
        found.samples(tmp_path, "train")


@pytest.mark.parametrize(
    ("suffix", "other"),
    [("_mask", "a_lines"), ("_mask", "m1"), ("", "a_color"), ("", "b-overlay")],
)
def test_files_beside_the_masks_that_are_none_are_no_masks(
    tmp_path: Path, suffix: str, other: str
) -> None:
    """Masks of another kind, or overlays, stand in the folder of the masks."""
    found = write_lesions(tmp_path, "train/masks", suffix)
    write_image(tmp_path / "train/masks" / f"{other}.png", np.zeros((4, 6), np.uint8))
    assert [sample.id for sample in found.samples(tmp_path, "train")] == ["a", "b"]
    write_image(tmp_path / "train/masks" / f"b{suffix}_2.png", np.zeros((4, 6), np.uint8))
    with pytest.raises(DataError, match=rf"1 of the masks in .*, the first is 'b{suffix}_2'"):
        found.samples(tmp_path, "train")
