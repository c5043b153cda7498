"""The further scores as JSON, and the tables of many classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from comp.inference.scores import Scores, multiclass_scores
from comp.pipeline.score_records import score_records, write_class_tables


def scores_of(classes: int) -> Scores:
    truth = np.repeat(np.arange(classes), 6)
    chances = np.eye(classes)[
        np.where(np.arange(len(truth)) % 6 == 0, (truth + 1) % classes, truth)
    ]
    names, groups = [f"c{k}" for k in range(classes)], [str(i) for i in range(len(truth))]
    return multiclass_scores(truth, chances, groups, names, draws=10)


def test_tables_of_many_classes_are_files(tmp_path: Path) -> None:
    scores = scores_of(25)
    write_class_tables(tmp_path, [scores])
    table = pl.read_csv(tmp_path / "classes.csv")
    assert table.columns == [
        "class", "samples", "decided", "correct", "sensitivity", "low", "high"
    ]  # fmt: skip
    assert table["class"].to_list() == [f"c{k}" for k in range(25)]
    assert table["samples"].to_list() == [6] * 25
    assert table["correct"].to_list() == [5] * 25
    assert table["sensitivity"].to_list() == [5 / 6] * 25
    cells = pl.read_csv(tmp_path / "confusion.csv")
    assert cells["samples"].sum() == 150
    assert cells.filter(pl.col("class") == "c24", pl.col("decided") == "c0")["samples"][0] == 1
    (record,) = score_records([scores])
    assert len(record["confusion"]) == 25
    assert record["confused"][0] == ("c0", "c1", 1, 1 / 6)


def test_few_classes_have_no_files(tmp_path: Path) -> None:
    write_class_tables(tmp_path, [scores_of(3)])
    write_class_tables(tmp_path, [])
    assert not list(tmp_path.iterdir())


def test_more_than_a_hundred_classes_have_no_matrix_in_json() -> None:
    (record,) = score_records([scores_of(101)])
    assert record["confusion"] == ()
    assert len(record["classes"]) == 101
