"""Competitions of tables: their samples, their faults, and whole runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from whole_run import competition_of, whole_run

from comp.contract.competition import Competition
from comp.errors import CompetitionError, DataError
from comp.tasks.binary import binary
from comp.tasks.multiclass import multiclass
from comp.tasks.multilabel import multilabel
from comp.tasks.ordinal import ordinal
from comp.tasks.regression import regression
from comp.tasks.tabular import table

NAMES: dict[str, Any] = {"name": "toy", "title": "Toy", "kaggle": "competitions/toy"}
PLUGIN = """
from comp.tasks.binary import binary
from comp.tasks.tabular import table

COMPETITION = table(
    name="toy",
    title="Toy",
    kaggle="competitions/toy",
    task=binary(("no", "yes")),
    target="paid",
    id_column="Id",
    group_column="firm",
    weight_column="times",
    drop="name",
)
"""


def make(root: Path, **files: dict[str, list[Any]]) -> Path:
    """Write each table as a CSV."""
    for name, columns in files.items():
        pl.DataFrame(columns).write_csv(root / f"{name}.csv")
    return root


def tables() -> dict[str, dict[str, list[Any]]]:
    """A training table, a test table, and a sample submission."""
    return {
        "train": {
            "id": ["007", "008", "009"],
            "size": [1.5, None, 3.0],
            "kind": ["a", "b", None],
            "price": [10, 20, 30],
        },
        "test": {"id": ["011", "010"], "size": ["4", "5"], "kind": ["a", "c"]},
        "sample_submission": {"id": ["010", "011"], "price": [0, 0]},
    }


def prices(**fields: Any) -> Competition:
    """A competition of the tables of `tables`."""
    return table(**NAMES, task=regression(("price",)), **fields)


def test_rows_are_samples_without_images(tmp_path: Path) -> None:
    competition, root = prices(), make(tmp_path, **tables())
    train, test = (competition.samples(root, split) for split in ("train", "test"))
    assert [sample.id for sample in train] == ["007", "008", "009"]  # leading zeros stay
    assert [dict(sample.features) for sample in train] == [
        {"size": "1.5", "kind": "a"},
        {"size": None, "kind": "b"},
        {"size": "3.0", "kind": None},
    ]
    assert [sample.target for sample in train] == [10.0, 20.0, 30.0]
    assert all(sample.image is None for sample in train)
    # in the order of the sample submission, each with its own cells
    assert [(sample.id, sample.features["kind"]) for sample in test] == [("010", "c"), ("011", "a")]


def without(name: str, column: str) -> Callable[[Any], None]:
    return lambda files: files[name].pop(column)


def with_column(name: str, column: str, cells: list[Any]) -> Callable[[Any], None]:
    return lambda files: files[name].update({column: cells})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without("test", "size"), "test.csv has no column 'size', which train.csv has: .* drop"),
        (without("train", "kind"), "test.csv has the column 'kind', which train.csv does not have"),
        (with_column("test", "price", [1, 2]), "has the target 'price': a test table has no"),
        (with_column("test", "id", ["011", "012"]), "has the id '010', which test.csv does not"),
        (
            with_column("sample_submission", "id", ["010", "010"]),
            "test.csv has the id '011', which sample_submission.csv does not have",
        ),
        (with_column("train", "price", [1, None, 3]), "'008' has the price '', which is not a num"),
        (with_column("train", "id", ["1", "1", "2"]), "the id '1' occurs more than once"),
        (without("train", "price"), "train.csv has no column 'price'"),
    ],
)
def test_tables_that_do_not_fit_are_refused(
    change: Callable[[Any], None], words: str, tmp_path: Path
) -> None:
    files = tables()
    change(files)
    root = make(tmp_path, **files)
    with pytest.raises(DataError, match=words):
        [prices().samples(root, split) for split in ("train", "test")]


def test_columns_of_one_file_can_be_dropped(tmp_path: Path) -> None:
    files = tables()
    files["train"]["when"] = ["2024", "2025", "2026"]
    root = make(tmp_path, **files)
    assert list(prices(drop="when").samples(root, "train")[0].features) == ["size", "kind"]
    assert list(prices(time_column="when").samples(root, "train")[0].features) == ["size", "kind"]
    assert prices(time_column="when").samples(root, "train")[0].time == 2024.0


def test_rows_without_a_target_are_left_out_and_a_class_named_none_is_not(tmp_path: Path) -> None:
    """All rows of the class None vanished, and the others were the only class."""
    found = tables()
    found["train"] = {"id": ["1", "2", "3", "4"], "size": [1, 2, 3, 4]}
    found["train"]["sleep"] = ["None", "Apnea", None, " None"]
    found["test"] = {"id": ["011", "010"], "size": ["4", "5"]}
    found["sample_submission"] = {"id": ["010", "011"], "sleep": ["Apnea", "None"]}
    task = multiclass(("None", "Apnea", "Insomnia"))
    sleep = table(**NAMES, task=task, target="sleep", submit="label", skip_blank_targets=True)
    train = sleep.samples(make(tmp_path, **found), "train")
    assert [(sample.id, sample.target) for sample in train] == [("1", 0), ("2", 1), ("4", 0)]
    prices_root = tmp_path / "prices"
    prices_root.mkdir()
    found = tables()
    found["train"]["price"] = ["10", "None", "?"]
    train = prices(skip_blank_targets=True).samples(make(prices_root, **found), "train")
    assert [sample.id for sample in train] == ["007"]


def areas(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(area=pl.col("size") ** 2)


def ranks(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(rank=pl.col("size").rank(), area=pl.col("size") ** 2)


def test_own_features_are_made_of_numbers(tmp_path: Path) -> None:
    root = make(tmp_path, **tables())
    competition = prices(features=areas, draw_synthetic=lambda *_: None)
    train, test = (competition.samples(root, split) for split in ("train", "test"))
    assert [sample.features["area"] for sample in train] == [2.25, None, 9.0]
    assert [sample.features["area"] for sample in test] == [25.0, 16.0]
    assert train[0].features["kind"] == "a"


def test_rows_that_do_not_train_do_not_decide_which_columns_are_numbers(tmp_path: Path) -> None:
    """The test rows had texts where the training rows had numbers."""
    files = tables()
    files["train"] = {
        "id": ["1", "2", "3"],
        "size": ["1.5", "3", "broken"],
        "kind": ["1", "b", None],
        "price": [10, 20, None],
    }
    root = make(tmp_path, **files)
    fields: Any = {"features": areas, "draw_synthetic": lambda *_: None}
    competition = prices(skip_blank_targets=True, **fields)
    assert competition.table_columns
    assert competition.table_columns(root) == {"size": "number", "kind": "text"}
    assert [s.features["area"] for s in competition.samples(root, "train")] == [2.25, 9.0]
    assert [s.features["area"] for s in competition.samples(root, "test")] == [25.0, 16.0]
    assert prices(**fields).table_columns(root) == {"size": "text", "kind": "text"}
    assert prices().table_columns is None


def test_rows_of_another_table_have_the_columns_and_kinds_of_the_training_table(
    tmp_path: Path,
) -> None:
    """Whatever their cells look like, in whatever order, and beside others."""
    root = make(tmp_path, **tables())
    (root / "new.csv").write_text("extra,kind,size,id\n7,01,,n1\n7,02,,n2\n")
    competition = prices(features=areas, draw_synthetic=lambda *_: None)
    assert competition.read_table
    assert competition.table_columns
    rows = competition.read_table(root / "new.csv", competition.table_columns(root))
    assert [list(row.features.items()) for row in rows] == [
        [("size", None), ("kind", "01"), ("area", None)],
        [("size", None), ("kind", "02"), ("area", None)],
    ]


def test_own_features_of_other_rows_are_refused(tmp_path: Path) -> None:
    files = tables()
    files["train"] = {
        "id": list(range(100)),
        "size": [float(100 - i) for i in range(100)],
        "kind": ["a"] * 100,
        "price": list(range(100)),
    }
    root = make(tmp_path, **files)
    competition = prices(features=ranks, draw_synthetic=lambda *_: None)
    with pytest.raises(CompetitionError, match="makes the column 'rank' from other rows"):
        competition.samples(root, "train")
    failing = prices(features=lambda frame: frame["none"], draw_synthetic=lambda *_: None)
    with pytest.raises(CompetitionError, match=r"features of the plugin fails \(ColumnNotFound"):
        failing.samples(root, "train")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"features": areas}, "features needs draw_synthetic"),
        ({"target": ("a", "b")}, "needs 1 column"),
        ({"submit": "label"}, "submit = label does not fit"),
    ],
)
def test_values_that_contradict_each_other_are_refused(fields: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        prices(**fields)
    with pytest.raises(TypeError, match="has no argument 'targets'"):
        prices(targets="price")


@pytest.mark.parametrize(
    ("task", "target"),
    [
        (binary(("no", "yes")), "paid"),
        (multiclass(("a", "b", "c")), "kind"),
        (multilabel(("red", "big")), None),
        (ordinal(4), "grade"),
        (regression(("x", "y")), None),
    ],
)
def test_every_task_draws_a_table_that_it_reads(task: Any, target: Any, tmp_path: Path) -> None:
    settings = {"categories": ["code"], "dates": "day"}
    competition = table(**NAMES, task=task, target=target, defaults={"columns": settings})
    competition.draw_synthetic(tmp_path, np.random.default_rng(0))
    train, test = (competition.samples(tmp_path, split) for split in ("train", "test"))
    assert len(train) == 240
    assert len(test) == 60
    assert list(train[0].features) == ["length", "width", "shape", "note", "code", "day"]
    assert not any(task.check(sample.target) for sample in train)


def test_a_plugin_of_few_lines_makes_a_checked_submission(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    competition = competition_of(PLUGIN, monkeypatch)
    found = whole_run(competition, tmp_path)
    assert list(found.train.columns[:5]) == ["Id", "length", "width", "shape", "note"]
    assert found.submission.columns == ["Id", "paid"]
    assert found.submission["Id"].to_list() == found.sample["Id"].to_list()  # "0240" stays text
    assert found.summary.cv_score > 0.95
    groups = dict(zip(found.train["Id"], found.train["firm"], strict=True))
    by_group: dict[str, set[int]] = {}
    for name, fold in found.folds.items():
        by_group.setdefault(groups[name], set()).add(fold)
    assert all(len(folds) == 1 for folds in by_group.values())
    assert next(iter(found.card["importances"])) == "length"
    assert "name" not in found.card["importances"]
