from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from comp.errors import SubmissionError
from comp.submission.spec import SubmissionSpec
from comp.submission.write import make_submission, pixel_rows, write_rows


def test_pixel_rows_run_along_rows_from_one() -> None:
    image = np.arange(6, dtype=np.float32).reshape(2, 3, 1) / 8
    rows = pixel_rows("110", image)
    assert list(rows["id"]) == ["110_1_1", "110_1_2", "110_1_3", "110_2_1", "110_2_2", "110_2_3"]
    assert list(rows["value"]) == [0.0, 0.125, 0.25, 0.375, 0.5, 0.625]


def test_parts_are_written_one_after_the_other_under_one_header(tmp_path: Path) -> None:
    parts = [{"id": ["b", "a"], "value": [0.5, 1 / 3]}, {"id": ["c"], "value": [1.0]}]
    assert write_rows(tmp_path / "out.csv", parts) == 3
    text = (tmp_path / "out.csv").read_text()
    assert text == "id,value\nb,0.50000\na,0.33333\nc,1.00000\n"


def test_whole_numbers_and_words_stay_what_they_are(tmp_path: Path) -> None:
    write_rows(tmp_path / "out.csv", [{"id": ["a"], "label": [1], "name": ["x, y"]}])
    assert (tmp_path / "out.csv").read_text() == 'id,label,name\na,1,"x, y"\n'


def test_parts_with_other_columns_are_refused(tmp_path: Path) -> None:
    parts = [{"id": ["a"], "value": [0.5]}, {"id": ["b"], "values": [0.5]}]
    with pytest.raises(SubmissionError, match=r"values.*return the same columns for every sample"):
        write_rows(tmp_path / "out.csv", parts)


def test_columns_have_the_order_of_the_sample_submission(tmp_path: Path) -> None:
    """Each of two parts was refused for its order."""
    (tmp_path / "sample.csv").write_text("id,runs,kind\na,,1\nb,,2\n")
    parts = [{"id": [i], "kind": [k], "runs": ["1 5"]} for i, k in (("a", 3), ("b", 4))]
    spec = SubmissionSpec(template=tmp_path / "sample.csv", rle=("runs",))
    assert make_submission(tmp_path / "out.csv", parts, spec) == 2
    assert (tmp_path / "out.csv").read_text() == "id,runs,kind\na,1 5,3\nb,1 5,4\n"


def test_long_texts_are_written_before_they_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("comp.submission.write._CHARACTERS", 2**16)
    parts = ({"id": [str(i)], "runs": ["1 5 " * 2**12]} for i in range(64))
    tracemalloc.start()
    write_rows(tmp_path / "out.csv", parts)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**18  # all have 2**20 characters
    assert len(pl.read_csv(tmp_path / "out.csv", infer_schema=False)) == 64


def test_no_parts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SubmissionError, match="no test samples"):
        write_rows(tmp_path / "out.csv", [])


def test_a_submission_that_is_refused_leaves_the_older_one(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "run.csv"
    spec = SubmissionSpec(template=["a", "b"])
    assert make_submission(path, [{"id": ["a", "b"], "value": [0.1, 0.2]}], spec) == 2
    before = path.read_bytes()
    with pytest.raises(SubmissionError, match=r"run\.csv would be refused"):
        make_submission(path, [{"id": ["a"], "value": [0.1]}], spec)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["run.csv"]


def test_a_first_submission_that_is_refused_leaves_nothing(tmp_path: Path) -> None:
    spec = SubmissionSpec(template=["a"], limits=(0, 1))
    with pytest.raises(SubmissionError):
        make_submission(tmp_path / "run.csv", [{"id": ["a"], "value": [2.0]}], spec)
    assert list(tmp_path.iterdir()) == []


def test_values_survive_five_decimals(tmp_path: Path) -> None:
    image = np.random.default_rng(0).random((7, 5, 1), dtype=np.float32)
    write_rows(tmp_path / "out.csv", [pixel_rows("1", image)])
    lines = (tmp_path / "out.csv").read_text().splitlines()[1:]
    read = np.array([float(line.split(",")[1]) for line in lines]).reshape(7, 5)
    assert np.abs(read - image[..., 0]).max() <= 0.5e-5 + 1e-9


def test_numbers_get_as_many_decimals_as_are_asked_for(tmp_path: Path) -> None:
    part = {"id": ["a"], "p": [1 / 3], "label": [1]}
    spec = SubmissionSpec(template=["a"], limits=(0, 1), decimals=7)
    make_submission(tmp_path / "out.csv", [part], spec)
    assert (tmp_path / "out.csv").read_text() == "id,p,label\na,0.3333333,1\n"


def test_a_label_that_is_no_class_is_not_written(tmp_path: Path) -> None:
    parts = [{"id": ["a"], "label": ["cat"]}, {"id": ["b"], "label": ["cow"]}]
    spec = SubmissionSpec(template=["a", "b"], labels=("cat", "dog"))
    with pytest.raises(SubmissionError, match=r"out\.csv would be refused: .*'cow' at b"):
        make_submission(tmp_path / "out.csv", parts, spec)
    assert list(tmp_path.iterdir()) == []


def written(path: Path, *parts: Any) -> str:
    write_rows(path / "out.csv", parts)
    return (path / "out.csv").read_text()


@pytest.mark.parametrize(
    ("values", "cells"),
    [
        ([np.int64(3)], "3"),
        ([np.float32(0.1)], "0.10000"),
        ([np.str_("cat")], "cat"),
        ([0, 0.5], "0.00000\n0.50000"),
        ([np.int64(1), 0.5], "1.00000\n0.50000"),
        (np.array([2, 1], np.uint8), "2\n1"),
        (np.array(["b", "a"]), "b\na"),
        (np.array([1, 2.5], object), "1.00000\n2.50000"),
        ((1, 2), "1\n2"),
        (range(2), "0\n1"),
        (pd.Series(["b", "a"]), "b\na"),
    ],
)
def test_columns_of_any_kind_of_list_are_written(tmp_path: Path, values: Any, cells: str) -> None:
    assert written(tmp_path, {"p": values}) == f"p\n{cells}\n"


def test_parts_of_one_row_are_written_together_as_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table for each of 100,000 samples took a minute."""
    parts = [{"id": [f"i{n}"], "p": [n / 7], "label": [["cat", "a, b"][n % 2]]} for n in range(9)]
    parts += [{"id": ["j"], "p": [1], "label": ["cat"]}, {"id": ["k", "l"], "p": [0.5, 1.0]}]
    parts[-1]["label"] = [None, "cat"]
    monkeypatch.setattr("comp.submission.write._MERGED", 4)
    together = written(tmp_path, *parts)
    monkeypatch.setattr("comp.submission.write._MERGED", 1)
    assert together == written(tmp_path, *parts)
    assert together.splitlines()[1:3] == ["i0,0.00000,cat", 'i1,0.14286,"a, b"']
    assert together.splitlines()[-3:] == ["j,1,cat", "k,0.50000,", "l,1.00000,cat"]


def test_many_parts_of_one_row_make_few_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    monkeypatch.setattr(
        "comp.submission.write._frame_of",
        lambda part: made.append(len(part["id"])) or pl.DataFrame(dict(part)),
    )
    assert write_rows(tmp_path / "out.csv", ({"id": [str(n)]} for n in range(25_000))) == 25_000
    assert made == [10_000, 10_000, 5_000]


KINDS = {
    "arrays of one number": lambda n: {"id": [f"i{n}"], "p": np.float32([n / 7])},
    "arrays of integers": lambda n: {"id": [f"i{n}"], "p": np.array([n, n + 1])[: n % 2 + 1]},
    "a row for each class": lambda n: {"id": [f"i{n}_a", f"i{n}_b"], "p": [n / 7, 1.0]},
    "other types": lambda n: {"id": [f"i{n}"], "p": np.array([n / 3], [np.float32, float][n % 2])},
    "mixed lists": lambda n: {"id": ["a", "b"], "p": [[1, 0.5], [n, 2], [None, 1]][n % 3]},
    "no rows": lambda n: {"id": ["a"] * (n % 2), "p": [0.5] * (n % 2)},
}


@pytest.mark.parametrize("kind", KINDS)
def test_short_parts_are_written_together_as_one_by_one(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parts() -> list[dict[str, Any]]:
        made = [KINDS[kind](n) for n in range(40)]
        for part in made:
            part["id"] = part["id"][: len(part["p"])] or part["id"]
            if len(part["id"]) < len(part["p"]):
                part["id"] = part["id"] * len(part["p"])
        return made

    together = written(tmp_path, *parts())
    monkeypatch.setattr("comp.submission.write._merge", lambda parts: parts)
    assert together == written(tmp_path, *parts())


def test_many_short_arrays_make_few_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    monkeypatch.setattr(
        "comp.submission.write._frame_of",
        lambda part: made.append(len(part["p"])) or pl.DataFrame(dict(part)),
    )
    parts = ({"id": ["a", "b"], "p": np.float32([n, 0.5])} for n in range(10_000))
    assert write_rows(tmp_path / "out.csv", parts) == 20_000
    assert made == [10_000, 10_000]
