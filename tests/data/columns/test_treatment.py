"""What models get of the columns."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from comp.config.columns import ColumnsConfig
from comp.data.columns.kinds import find_kinds
from comp.data.columns.treatment import Treatment
from comp.errors import DataError, RunError

CONFIG = ColumnsConfig(rare=2, log=["n"], pairs=["n", "m"], places=["n", "m"])


def rows(count: int = 60, seed: int = 0) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    return [
        {
            "n": str(round(float(rng.exponential()), 3)),
            "m": None if i % 7 == 3 else float(i),
            "c": ["a", "b", "", "NA"][i % 4] if i else "once",
            "d": f"2024-{1 + i % 12:02}-{1 + i % 28:02}",
            "k": "always",
        }
        for i in range(count)
    ]


def test_trees_get_gaps_as_nan_and_codes_of_categories() -> None:
    treatment = Treatment.fit(rows(), CONFIG)
    matrix = treatment.for_trees(
        [
            {"n": "2", "m": 4, "c": "a", "d": "2024-05-31", "k": "other"},
            {"n": "NA", "m": "", "c": "unseen", "d": None, "k": None},
            {"n": "1", "m": 0, "c": "NA", "d": "2024-05-31", "k": ""},
            {"n": "1", "m": 1, "c": "once", "d": "2024-05-31", "k": ""},
        ]
    )
    table = dict(zip(matrix.names, matrix.values.T, strict=True))
    np.testing.assert_array_equal(table["n"], [2, np.nan, 1, 1])
    np.testing.assert_array_equal(table["m"], [4, np.nan, 0, 1])
    np.testing.assert_array_equal(table["n / m"], [0.5, np.nan, np.nan, 1])
    np.testing.assert_array_equal(table["d month"], [5, np.nan, 5, 5])
    assert np.isnan(table["c"]).tolist() == [False, True, False, True]
    assert table["c"][0] != table["c"][2]
    assert [n for n, c in zip(matrix.names, matrix.categorical, strict=True) if c] == ["c"]
    assert "k" not in matrix.names
    assert "d year" not in matrix.names


def test_cells_that_were_read_can_be_shuffled_as_the_rows_can() -> None:
    config = ColumnsConfig(rare=1, most=2, categories=["c"], pairs=["n", "m"], places=["n", "m"])
    train, other = rows(), rows(20, seed=1)
    treatment = Treatment.fit(train, config)
    cells, order = treatment.features.read(other), np.random.default_rng(0).permutation(20)
    before = treatment.for_trees(other).values
    for column in ("n", "m", "c", "d", "k"):
        shuffled = [row | {column: other[i][column]} for row, i in zip(other, order, strict=True)]
        expected, read = treatment.for_trees(shuffled), cells.shuffled(column, order)
        np.testing.assert_array_equal(treatment.trees_of(read).values, expected.values)
        assert np.array_equal(expected.values, before, equal_nan=True) == (column == "k")
        network = treatment.network_of(read)
        np.testing.assert_array_equal(network.numbers, treatment.for_network(shuffled).numbers)
        np.testing.assert_array_equal(
            network.categories, treatment.for_network(shuffled).categories
        )


def test_networks_get_no_nan_and_0_for_gaps_and_unknown_categories() -> None:
    train = rows()
    treatment = Treatment.fit(train, CONFIG)
    matrix = treatment.for_network([*train, {"n": "NA", "m": "", "c": "new", "d": None, "k": ""}])
    assert matrix.numbers.dtype == np.float32
    assert np.isfinite(matrix.numbers).all()
    assert matrix.categories.dtype == np.int64
    assert matrix.cardinalities == (4,)
    assert matrix.categories.max() < 4
    assert matrix.categories[-1].tolist() == [0]
    flag = matrix.numbers[:, matrix.number_names.index("m is a gap")]
    assert flag[:-1].tolist() == [float(row["m"] is None) for row in train]
    assert flag[-1] == 1
    column = matrix.numbers[:-1, matrix.number_names.index("n")]
    assert abs(float(np.median(column))) < 0.2
    assert 0.5 < float(column.std()) < 2


def test_standard_scaling_and_log() -> None:
    train = [{"n": float(10**i)} for i in range(6)]
    plain = Treatment.fit(train, ColumnsConfig(scale="standard"))
    logged = Treatment.fit(train, ColumnsConfig(scale="standard", log=["n"]))
    scaled = plain.for_network(train).numbers[:, 0]
    assert abs(float(scaled.mean())) < 1e-6
    assert float(scaled.std()) == pytest.approx(1)
    steps = np.diff(logged.for_network(train).numbers[:, 0])
    assert float(steps[1:].std()) < 0.05 < float(np.diff(scaled).std())


@pytest.mark.parametrize("scale", ["quantile", "standard"])
def test_extreme_cells_stay_finite(scale: Any) -> None:
    train = [{"a": cell} for cell in (1e-300, 2.0, 1.7e308, float("inf"), -1e99, None)]
    treatment = Treatment.fit(train, ColumnsConfig(scale=scale))
    small = Treatment.fit([{"a": i} for i in range(40)], ColumnsConfig(scale=scale))
    for fitted in (treatment, small):
        assert np.isfinite(fitted.for_network(train).numbers).all()
        assert not np.isinf(fitted.for_trees(train).values).any()


def test_only_training_rows_decide() -> None:
    train = rows()
    treatment = Treatment.fit(train, CONFIG)
    alone = treatment.for_network(train[:5]).numbers
    np.testing.assert_array_equal(alone, treatment.for_network(train).numbers[:5])


def test_a_fold_without_a_category_keeps_the_kinds_of_all_rows() -> None:
    train = [{"a": str(i % 3), "b": ["x", "y", "z"][i % 3]} for i in range(30)]
    kinds = find_kinds(train, ColumnsConfig())
    part = Treatment.fit([{"a": "1", "b": "x"}] * 5, ColumnsConfig(), kinds)
    assert part.for_trees(train).names == ("b",)
    assert part.for_network(train).categories[:, 0].tolist() == [1, 0, 0] * 10


def test_a_column_of_very_many_categories_has_their_frequency() -> None:
    train = [{"a": f"name {i % 150}" if i % 2 else "often"} for i in range(600)]
    matrix = Treatment.fit(train, ColumnsConfig(most=10)).for_trees([{"a": "often"}, {"a": "new"}])
    assert matrix.names == ("a frequency", "a")
    assert matrix.values[:, 0].tolist() == [0.5, 0]
    assert matrix.values[0, 1] == 0


def test_a_column_of_the_name_of_an_added_number_is_kept() -> None:
    train = [{"d": f"2024-0{i}-01", "d month": 10 * i} for i in (1, 2, 3)]
    matrix = Treatment.fit(train, ColumnsConfig()).for_trees(train)
    table = dict(zip(matrix.names, matrix.values.T.tolist(), strict=True))
    assert table["d month"] == [10, 20, 30]
    assert table["d month (added)"] == [1, 2, 3]


def test_days_between_dates() -> None:
    train = [
        {"sold": f"2024-05-{i:02}", "built": "2020-01-01" if i % 2 else None} for i in (1, 2, 3)
    ]
    matrix = Treatment.fit(train, ColumnsConfig()).for_trees(train)
    assert matrix.values[:, matrix.names.index("sold - built days")][0] == 1582


def test_test_cells_of_another_kind_are_told_and_many_are_refused() -> None:
    treatment = Treatment.fit(rows(), CONFIG)
    other = rows(10, seed=1)
    assert treatment.notes(other) == []
    other[0]["n"] = "abc"
    other[1]["d"] = "soon"
    first, second = treatment.notes(other)
    assert first.startswith("column 'n': 1 of 10 cells are not numbers, such as 'abc'")
    assert second.startswith("column 'd': 1 of 10 cells are not dates, such as 'soon'")
    with pytest.raises(
        DataError, match="column 'n' is a number in the training rows, but 10 of 10"
    ):
        treatment.notes([row | {"n": "abc"} for row in other])
    for row in other:
        del row["k"]
    assert treatment.for_trees(other).values.shape[0] == 10
    del other[3]["c"]
    for use in (treatment.notes, treatment.for_trees, treatment.for_network):
        with pytest.raises(DataError, match="the column 'c' of the training rows is missing"):
            use(other)


def test_a_treatment_is_read_as_it_was_written(tmp_path: Path) -> None:
    treatment = Treatment.fit(rows(), CONFIG)
    path = tmp_path / "treatment.json"
    treatment.save(path)
    for copy in (Treatment.load(path), pickle.loads(pickle.dumps(treatment))):  # noqa: S301
        for method in ("for_trees", "for_network"):
            first, second = getattr(treatment, method)(rows()), getattr(copy, method)(rows())
            for name, value in vars(first).items():
                np.testing.assert_array_equal(value, getattr(second, name))
    again = tmp_path / "again.json"
    Treatment.fit(rows(), CONFIG).save(again)
    assert again.read_bytes() == path.read_bytes()
    for text in ("", "{}", '{"format": "x"}', "[1]"):
        path.write_text(text)
        with pytest.raises(RunError, match=r"cannot read .*treatment.json"):
            Treatment.load(path)
    with pytest.raises(RunError, match="cannot read"):
        Treatment.load(tmp_path / "missing.json")


def test_the_record_says_what_was_done_with_each_column() -> None:
    record = Treatment.fit(rows(), CONFIG).record()
    assert record["columns"]["n"] == {"kind": "number"}
    assert record["columns"]["c"] == {"kind": "category", "categories": 3}
    assert record["columns"]["k"] == {"kind": "constant", "note": "it has one value"}
    assert "n / m" in record["added"]


@pytest.mark.parametrize("cells", [["a", "b"], [1, 2], [None, 1]])
def test_no_rows_are_no_error(cells: list[Any]) -> None:
    treatment = Treatment.fit([{"a": cell} for cell in cells], ColumnsConfig(rare=1))
    assert treatment.for_trees([]).values.shape == (0, 1)
    assert len(treatment.for_network([]).numbers) == 0


def test_numbers_with_a_sign_are_read_and_those_without_are_gaps() -> None:
    treatment = Treatment.fit([{"a": f"{i}%"} for i in range(9)], ColumnsConfig())
    other = [{"a": cell} for cell in ("12.5 %", "7%", "5%", "0.12")]
    assert treatment.for_trees(other).values[:3, 0].tolist() == [12.5, 7, 5]
    assert np.isnan(treatment.for_trees(other).values[3, 0])
    assert treatment.notes(other)[0].startswith("column 'a': 1 of 4 cells are not numbers")


def test_categories_that_no_training_row_has_are_told() -> None:
    treatment = Treatment.fit([{"sex": "male"}, {"sex": "female"}] * 5, ColumnsConfig())
    assert treatment.notes([{"sex": "male"}, {"sex": None}]) == []
    (note,) = treatment.notes([{"sex": "M"}, {"sex": "F"}])
    assert note.startswith("column 'sex': 2 of 2 cells are categories that (nearly) no training")
