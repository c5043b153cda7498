"""Whether a bundle predicts and submits the same as comp."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from comp.errors import CompError
from comp.submission.difference import id_differences

EXACT, LOOSE = 1e-4, 2e-2
"""The largest difference of two predictions, of values above 1 in relation to the value. `LOOSE` is
for weights or computations of half the precision."""
FEW = 0.02
"""The share of rows in which half the precision may change a decision."""


class ProgramPredictions(Mapping[str, np.ndarray]):
    """The predictions that predict.py has written with `--predictions`, by id.

    The file has `ids`, and either `values` (N, K), or an array for each image, whose
    name is its place among the ids.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = np.load(path, allow_pickle=False)
            ids = [str(name) for name in self._file["ids"]]
        except (OSError, ValueError, KeyError) as error:
            raise CompError(f"predict.py has written no predictions ({error})") from None
        self._place = {name: place for place, name in enumerate(ids)}
        self._values = self._file["values"] if "values" in self._file.files else None

    def __getitem__(self, sample_id: str) -> np.ndarray:
        place = self._place[sample_id]
        found = self._file[str(place)] if self._values is None else self._values[place]
        return np.asarray(found)

    def __iter__(self) -> Iterator[str]:
        return iter(self._place)

    def __len__(self) -> int:
        return len(self._place)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How two sets of predictions, or two submissions, differ."""

    problem: str = ""
    """What is wrong; "" if they are the same."""
    largest: float = 0.0
    id: str = ""
    """Where the largest difference is."""


def compare_predictions(
    found: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray], tolerance: float
) -> Difference:
    """Compare predictions by id."""
    missing = [name for name in expected if name not in found]
    if missing:
        return Difference(problem=f"{len(missing)} predictions are missing, first {missing[0]}")
    more = [name for name in found if name not in expected]
    if more:
        return Difference(problem=f"{len(more)} predictions are too many, first {more[0]}")
    largest, where = 0.0, ""
    for name in expected:
        mine, theirs = np.asarray(found[name]), np.asarray(expected[name])
        if mine.size != theirs.size:
            shapes = f"{mine.shape}, comp predict {theirs.shape}"
            return Difference(problem=f"the prediction of {name} has the shape {shapes}", id=name)
        value = _distance(mine.reshape(theirs.shape), theirs)
        if value > largest or not where:
            largest, where = value, name
    if largest > tolerance:
        words = f"a prediction differs by {largest:.2g} from comp predict ({where})"
        return Difference(problem=words, largest=largest, id=where)
    return Difference(largest=largest, id=where)


def _distance(mine: np.ndarray, theirs: np.ndarray) -> float:
    """The largest difference; infinite if a value is not a number in one of them only."""
    mine, theirs = mine.astype(np.float64), theirs.astype(np.float64)
    if not mine.size:
        return 0.0
    difference = np.abs(mine - theirs) / np.maximum(1.0, np.abs(theirs))
    return float(np.where(np.isnan(difference), np.inf, difference).max())


def compare_submissions(found: Path, expected: Path, decimals: int, tolerance: float) -> Difference:
    """Compare two submissions: columns, rows, ids, order and values.

    With a tolerance above `EXACT`, a decision may be another one in a few rows (`FEW`), and texts
    such as run lengths are not compared: a mask may have another pixel at its edge.

    Args:
        decimals: of the numbers in them; the last one may differ by one.
    """
    try:
        mine, theirs = (
            pl.read_csv(file, infer_schema=False, glob=False) for file in (found, expected)
        )
    except (OSError, pl.exceptions.PolarsError) as error:
        return Difference(problem=f"no submission ({str(error).splitlines()[0]})")
    if mine.columns != theirs.columns:
        columns = f"{','.join(mine.columns)} instead of {','.join(theirs.columns)}"
        return Difference(problem=f"the columns of the submission are {columns}")
    ids = theirs.to_series(0)
    wrong = id_differences(mine.to_series(0), ids)
    if wrong:
        return Difference(problem="; ".join(wrong))
    allowed = 0 if tolerance <= EXACT else int(FEW * theirs.height)
    found_in = [
        _column_difference(mine[name], theirs[name], ids, decimals, tolerance, allowed)
        for name in theirs.columns[1:]
    ]
    problems = (difference for difference in found_in if difference.problem)
    worst = max(found_in, key=lambda difference: difference.largest, default=Difference())
    return next(problems, worst)


def compare_rows(found: Path, expected: Path, decimals: int) -> str:
    """What is wrong with a submission beside the one that comp writes for the same predictions; ""
    if nothing is. Only the last decimal of a number may differ, by one.

    Args:
        decimals: of numbers with a fraction.
    """
    try:
        mine, theirs = (
            pl.read_csv(file, infer_schema=False, glob=False) for file in (found, expected)
        )
    except (OSError, pl.exceptions.PolarsError) as error:
        return f"no submission ({str(error).splitlines()[0]})"
    if mine.columns != theirs.columns or mine.height != theirs.height:
        return "the submission has other columns or rows than comp writes for these predictions"
    for name in theirs.columns:
        apart = (~mine[name].eq_missing(theirs[name])).arg_true()
        one, other = (table[name].gather(apart).fill_null("") for table in (mine, theirs))
        for row, a, b in zip(apart, one, other, strict=True):
            if not _rounded_alike(a, b, decimals):
                where = theirs.to_series(0)[row]
                return (
                    f"{name} of the submission is {a[:40]!r}, and comp writes {b[:40]!r} for the "
                    f"same prediction ({where})"
                )
    return ""


def _rounded_alike(one: str, other: str, decimals: int) -> bool:
    """Whether two cells are one number, rounded up and down."""
    try:
        apart = abs(float(one) - float(other))
    except ValueError:
        return False
    return "." in one and "." in other and apart <= 1.01 * 10.0**-decimals


def _column_difference(
    mine: pl.Series,
    theirs: pl.Series,
    ids: pl.Series,
    decimals: int,
    tolerance: float,
    allowed: int,
) -> Difference:
    """Compare a column, of texts or numbers; `allowed` rows may differ by more than `tolerance`."""
    apart = (~mine.eq_missing(theirs)).arg_true()
    if not len(apart):
        return Difference()
    one, other, rows = mine.gather(apart), theirs.gather(apart), ids.gather(apart)
    numbers = [column.cast(pl.Float64, strict=False) for column in (one, other)]
    if any(column.null_count() for column in numbers):
        if tolerance > EXACT:
            return Difference()
        words = f"{len(apart):,} of {len(ids):,} rows have another {mine.name}"
        return Difference(problem=f"{words}, the first is {rows[0]}", id=str(rows[0]))
    a, b = (column.to_numpy() for column in numbers)
    difference = np.maximum(np.abs(a - b) - 1.01 * 10.0**-decimals, 0)
    difference = difference / np.maximum(1.0, np.abs(b))
    worst, many = int(difference.argmax()), int((difference > tolerance).sum())
    largest, where = float(difference[worst]), str(rows[worst])
    words = f"{mine.name} of the submission differs by {largest:.2g} from comp predict ({where})"
    return Difference(problem=words if many > allowed else "", largest=largest, id=where)
