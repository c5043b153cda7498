"""Rows of other tables, whose columns are read as those of the training table were."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from comp.config.schema import resolve
from comp.contract import registry
from comp.contract.competition import Competition
from comp.data.location import DataSource
from comp.errors import DataError
from comp.pipeline.predict import predict
from comp.pipeline.prediction import TABLE_COLUMNS, PredictResult
from comp.pipeline.run import run
from comp.runs.folder import RunFolder
from comp.runs.progress import Silent
from comp.runs.results import RunSummary
from comp.tasks.regression import regression
from comp.tasks.tabular import table
from comp.workspace import Workspace

SETTINGS: dict[str, Any] = {"folds": 2, "device": "cpu", "model": ["gbdt"]}
COLUMNS = {"code": "text", "size": "number"}
PRICES = {"01": 10.0, "02": 5000.0, "03": 1000.0, "0x": 100.0}
"""Of the codes: as numbers the first three would be the categories 1, 2 and 3."""


def with_sum(frame: pl.DataFrame) -> pl.DataFrame:
    """The sum of all numbers; of text it would be joined text, and another column changes it."""
    numbers = [name for name, kind in frame.schema.items() if kind == pl.Float64]
    return frame.with_columns(total=pl.sum_horizontal(pl.col(numbers) + 0.5))


def rows_of(count: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    codes = [list(PRICES)[i % 4] for i in range(count)]
    sizes = rng.integers(1, 9, count)
    return pl.DataFrame(
        {
            "id": [f"{seed}{i:03}" for i in range(count)],
            "code": codes,
            "size": [None if i % 3 == 0 else str(size) for i, size in enumerate(sizes)],
            "price": [PRICES[code] + size for code, size in zip(codes, sizes, strict=True)],
        }
    )


def write(root: Path, **changes: list[str]) -> Path:
    """The data, with other cells in the first rows of some training columns."""
    root.mkdir(parents=True, exist_ok=True)
    train, test = rows_of(200, 1), rows_of(40, 2)
    for name, cells in changes.items():
        column = [*cells, *train[name].to_list()[len(cells) :]]
        train = train.with_columns(pl.Series(name, column))
    train.write_csv(root / "train.csv")
    test.drop("price").write_csv(root / "test.csv")
    test.select("id", "price").with_columns(price=0.0).write_csv(root / "sample_submission.csv")
    return root


@pytest.fixture(scope="module")
def competition() -> Competition:
    return table(
        name="toy",
        title="Toy",
        kaggle="competitions/toy",
        task=regression(("price",)),
        features=with_sum,
        draw_synthetic=lambda *_: None,
    )


@pytest.fixture(autouse=True)
def registered(competition: Competition, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "competitions", lambda: {"toy": competition})


@pytest.fixture(scope="module")
def finished(
    competition: Competition, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Workspace, RunSummary]]:
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "competitions", lambda: {"toy": competition})
        layers = [competition.defaults, competition.synthetic_defaults, SETTINGS]
        source, workspace = DataSource(write(folder / "data"), False), Workspace.at(folder)
        yield workspace, run(resolve("toy", layers), source, workspace, Silent())


@pytest.fixture
def alike(finished: tuple[Workspace, RunSummary], tmp_path: Path) -> Path:
    """Rows of the test set whose cells look other than the training columns: codes that are all
    numbers, and sizes that are all gaps, beside a column that no model knows."""
    test = pl.read_csv(finished[0].out / "data" / "test.csv", infer_schema=False)
    rows = test.filter(pl.col("code").is_in(["01", "02"]) & pl.col("size").is_null())
    assert rows.height > 1
    path = tmp_path / "rows.csv"
    rows.select(pl.lit("7").alias("new"), "size", "code", "id").write_csv(path)
    return path


def submitted(summary: RunSummary, path: Path) -> list[float]:
    """What the run has predicted for the rows of a table."""
    whole = pl.read_csv(summary.submission, schema_overrides={"id": pl.String})
    prices = dict(zip(whole["id"], whole["price"], strict=True))
    return [prices[name] for name in pl.read_csv(path, infer_schema=False)["id"]]


def predicted(result: PredictResult) -> list[float]:
    assert result.table
    return pl.read_csv(result.table)["prediction"].to_list()


def test_a_run_records_which_columns_are_numbers(
    finished: tuple[Workspace, RunSummary],
) -> None:
    assert RunFolder(finished[1].run_dir).record()[TABLE_COLUMNS] == COLUMNS


def test_new_rows_are_read_as_the_training_rows(
    finished: tuple[Workspace, RunSummary], alike: Path, tmp_path: Path
) -> None:
    workspace, summary = finished
    result = predict(summary.run_id, workspace, data=alike, out=tmp_path / "out")
    expected = submitted(summary, alike)
    assert max(expected) > 2 * min(expected)  # the code tells them apart
    np.testing.assert_allclose(predicted(result), expected, rtol=1e-5)
    assert not any("numbers" in note for note in result.notes)


def test_a_cell_of_a_number_column_is_refused_as_in_the_test_table(
    finished: tuple[Workspace, RunSummary], competition: Competition, alike: Path, tmp_path: Path
) -> None:
    workspace, summary = finished
    words = "has a cell that is not a number in a column of numbers of the training table"
    rows = pl.read_csv(alike, infer_schema=False).with_columns(size=pl.lit("3,5"))
    rows.write_csv(alike)
    with pytest.raises(DataError, match=rf"rows\.csv {words}"):
        predict(summary.run_id, workspace, data=alike, out=tmp_path / "out")
    root = write(tmp_path / "data")
    test = pl.read_csv(root / "test.csv", infer_schema=False)
    test.with_columns(size=pl.lit("3,5")).write_csv(root / "test.csv")
    with pytest.raises(DataError, match=rf"test\.csv {words}"):
        competition.samples(root, "test")
    rows.drop("code").write_csv(alike)
    with pytest.raises(DataError, match=r"rows\.csv has no column 'code', which the training"):
        predict(summary.run_id, workspace, data=alike, out=tmp_path / "out")


def without_record(workspace: Workspace, summary: RunSummary, tmp_path: Path, data: Path) -> str:
    """The id of the run as an earlier version has left it, with its data in another folder."""
    name = f"{summary.run_id}-{tmp_path.name}"
    folder = summary.run_dir.parent / name
    shutil.copytree(summary.run_dir, folder)
    record = json.loads((folder / "run.json").read_text())
    del record[TABLE_COLUMNS]
    (folder / "run.json").write_text(json.dumps(record | {"run_id": name, "data": str(data)}))
    return name


def test_the_data_of_an_earlier_run_says_which_columns_are_numbers(
    finished: tuple[Workspace, RunSummary], alike: Path, tmp_path: Path
) -> None:
    workspace, summary = finished
    run_id = without_record(workspace, summary, tmp_path, workspace.out / "data")
    result = predict(run_id, workspace, data=alike, out=tmp_path / "out")
    np.testing.assert_allclose(predicted(result), submitted(summary, alike), rtol=1e-5)
    (note,) = [note for note in result.notes if "which columns are numbers" in note]
    assert note == (
        f"run {run_id} has no record of which columns are numbers: the training table in "
        f"{workspace.out / 'data'} decides it"
    )


def test_without_its_data_the_rows_of_an_earlier_run_decide_and_a_note_says_so(
    finished: tuple[Workspace, RunSummary], tmp_path: Path
) -> None:
    workspace, summary = finished
    run_id = without_record(workspace, summary, tmp_path, tmp_path / "nowhere")
    rows = workspace.out / "data" / "test.csv"  # both columns have cells of both kinds
    result = predict(run_id, workspace, data=rows, out=tmp_path / "out")
    np.testing.assert_allclose(predicted(result), submitted(summary, rows), rtol=1e-5)
    (note,) = [note for note in result.notes if "which columns are numbers" in note]
    assert "nowhere" in note
    assert note.endswith("the new rows decide it, perhaps otherwise than the training rows did")


def test_a_folder_whose_training_table_says_otherwise_is_refused(
    finished: tuple[Workspace, RunSummary], tmp_path: Path
) -> None:
    workspace, summary = finished
    same = predict(summary.run_id, workspace, data=write(tmp_path / "same"), out=tmp_path / "a")
    assert same.submission
    assert same.submission.read_bytes() == summary.submission.read_bytes()
    root = write(tmp_path / "other", size=["unknown"])
    with pytest.raises(
        DataError, match=r"makes 'size' a column of texts, and in run .* of numbers"
    ):
        predict(summary.run_id, workspace, data=root, out=tmp_path / "b")
