"""Synthetic segmentations in the layout of a plugin."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from comp.contract.task import Task
from comp.data.images.masks import read_mask
from comp.submission.rle import RleFormat, decode
from comp.tasks.mask_table import MaskTable
from comp.tasks.segmentation import segmentation


def drawn(root: Path, task: Task, rle: RleFormat | None = None) -> MaskTable:
    table = MaskTable(
        task=task,
        labels=task.labels,
        images="images",
        masks="masks",
        test_images="test",
        table="train.csv",
        id_column="id",
        rle_column="rle",
        group_column=None,
        class_column=None,
        sample_submission="sample.csv",
        rle=rle or RleFormat(),
    )
    table.draw(root, np.random.default_rng(3))
    return table


@pytest.mark.parametrize(
    "task",
    [
        segmentation(("a",)),
        segmentation(("a", "b", "c")),
        segmentation(("a", "b", "c", "d")),
        segmentation(("a", "b"), exclusive=True),
    ],
)
def test_the_masks_fit_the_task_and_some_are_empty(tmp_path: Path, task: Task) -> None:
    samples = drawn(tmp_path, task).samples(tmp_path, "train")
    masks = [task.encode(read_mask(sample.target)) for sample in samples]
    assert {mask.shape for mask in masks} == {(101, 101, len(task.labels))}
    assert any(mask[..., -1].any() for mask in masks)
    assert not masks[0][..., -1].any()


@pytest.mark.parametrize("form", [RleFormat(), RleFormat(order="row", base=0, empty="-1")])
def test_the_table_has_the_run_lengths_of_the_masks(tmp_path: Path, form: RleFormat) -> None:
    drawn(tmp_path, segmentation(("a",)), form)
    frame = pl.read_csv(tmp_path / "train.csv", infer_schema=False)
    for name, cell in frame.iter_rows():
        mask = read_mask(tmp_path / "masks" / f"{name}.png")[..., 0] > 0
        assert np.array_equal(decode(cell, mask.shape, form), mask)


def test_the_same_seed_draws_the_same(tmp_path: Path) -> None:
    for name in "ab":
        drawn(tmp_path / name, segmentation(("a",)))
    files = [sorted(p for p in (tmp_path / name).rglob("*") if p.is_file()) for name in "ab"]
    for first, second in zip(*files, strict=True):
        assert first.read_bytes() == second.read_bytes()
