"""Numbers and categories of rows, made as the training rows have decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from comp.config.columns import ColumnsConfig
from comp.contract.sample import Cell
from comp.data.columns.cells import Row, labels, read_numbers
from comp.data.columns.dates import read_dates
from comp.data.columns.derived import days_between, find_centres, places, ratios
from comp.data.columns.kinds import Column, number_form_of
from comp.errors import DataError

if TYPE_CHECKING:
    import numpy as np

UNREADABLE = 0.5
"""Share of the cells of a column from which cells that cannot be read are an error."""
UNKNOWN = 0.2
"""Share of the cells of a column from which unknown categories are worth a note."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ReadCells:
    """Rows of which each column was read alone, as the training rows have decided."""

    count: int
    """The number of rows."""
    parts: Mapping[str, Mapping[str, np.ndarray]]
    """By column, float64 (N,): "" of numbers, the parts of dates, "frequency" of categories."""
    codes: Mapping[str, np.ndarray]
    """By column, int64 (N,): codes of categories."""

    def shuffled(self, column: str, order: np.ndarray) -> ReadCells:
        """Row i gets the cell of row `order[i]` in one column."""
        parts, codes = dict(self.parts), dict(self.codes)
        if column in parts:
            parts[column] = {name: values[order] for name, values in parts[column].items()}
        if column in codes:
            codes[column] = codes[column][order]
        return ReadCells(count=self.count, parts=parts, codes=codes)


@dataclass(frozen=True)
class Features:
    """What the training rows have decided about the columns, before any scaling.

    `levels` are the known categories of each column, the most frequent first, and `shares` the
    shares of the training rows of all categories of a column of very many. `centres` are those of
    `columns.places`.
    """

    columns: Sequence[Column]
    levels: Mapping[str, Sequence[str]]
    shares: Mapping[str, Mapping[str, float]]
    pairs: Sequence[str]
    places: Sequence[str]
    centres: Sequence[Sequence[float]]

    @classmethod
    def fit(cls, columns: Sequence[Column], rows: Sequence[Row], config: ColumnsConfig) -> Features:
        """The features of columns of known kinds."""
        levels, shares = {}, {}
        for column in columns:
            if column.kind != "category":
                continue
            counts = Counter(labels([row[column.name] for row in rows]))
            counts.pop("", None)
            ordered = sorted(counts, key=lambda name: (-counts[name], name))
            frequent = [name for name in ordered if counts[name] >= config.rare]
            levels[column.name] = frequent[: config.most]
            if column.form == "many":
                shares[column.name] = {name: counts[name] / len(rows) for name in ordered}
        numeric = {column.name for column in columns if column.kind == "number"}
        pairs = [name for name in config.pairs if name in numeric]
        located = list(config.places) if numeric >= set(config.places) else []
        features = cls(columns, levels, shares, pairs, located, ())
        if not located:
            return features
        centres = find_centres(features.numbers(rows), located)
        return cls(columns, levels, shares, pairs, located, centres)

    def numbers(self, rows: Sequence[Row]) -> dict[str, np.ndarray]:
        """Columns of numbers, parts of dates, frequencies of categories, ratios and places, each
        float64 (N,) with NaN for gaps."""
        return self.combined(self._parts(rows))

    def read(self, rows: Sequence[Row]) -> ReadCells:
        """The cells of rows, each column alone.

        Raises:
            DataError: a row lacks a column.
        """
        self.check(rows)
        return ReadCells(count=len(rows), parts=self._parts(rows), codes=self.codes(rows))

    def _parts(self, rows: Sequence[Row]) -> dict[str, dict[str, np.ndarray]]:
        """What each column alone says in numbers, as `ReadCells` has it."""
        found: dict[str, dict[str, np.ndarray]] = {}
        for column in self.columns:
            if column.kind in IGNORED or (
                column.kind == "category" and column.name not in self.shares
            ):
                continue
            cells = [row[column.name] for row in rows]
            if column.kind == "number":
                found[column.name] = {"": read_numbers(cells, *number_form_of(column))[0]}
            elif column.kind == "date":
                found[column.name] = dict(read_dates(cells, column.form)[0])
            else:
                found[column.name] = {"frequency": self._frequencies(column.name, cells)}
        return found

    def combined(self, parts: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
        """The numbers of all columns by name, with those that are made of several columns."""
        found: dict[str, np.ndarray] = {}
        added: dict[str, np.ndarray] = {}
        dates: dict[str, np.ndarray] = {}
        for column in self.columns:
            own = parts.get(column.name, {})
            if column.kind == "number":
                found[column.name] = own[""]
                continue
            added |= {f"{column.name} {part}": values for part, values in own.items()}
            if column.kind == "date":
                dates[column.name] = own["days"]
        added |= days_between(dates) | ratios(found, self.pairs)
        if self.places:
            added |= places(found, self.places, self.centres)
        return found | {self.added_name(name): values for name, values in added.items()}

    def added_name(self, name: str) -> str:
        """The name of a number that is made of columns, other than those of the columns."""
        clash = any(column.name == name for column in self.columns)
        return f"{name} (added)" if clash else name

    def _frequencies(self, name: str, cells: Sequence[float | str | None]) -> np.ndarray:
        import numpy as np

        shares = self.shares[name]
        return np.array([np.nan if not text else shares.get(text, 0.0) for text in labels(cells)])

    def codes(self, rows: Sequence[Row]) -> dict[str, np.ndarray]:
        """Codes of the categories, int64 (N,): 1 is the most frequent; 0 is a gap or unknown."""
        import numpy as np

        found = {}
        for name, levels in self.levels.items():
            index = {level: i for i, level in enumerate(levels, start=1)}
            texts = labels([row[name] for row in rows])
            found[name] = np.array([index.get(text, 0) for text in texts], dtype=np.int64)
        return found

    def check(self, rows: Sequence[Row]) -> None:
        """Check that the rows have the columns.

        Raises:
            DataError: a row lacks one.
        """
        needed = {column.name for column in self.columns if column.kind not in IGNORED}
        for row in rows:
            if not row.keys() >= needed:
                name = min(needed - row.keys())
                raise DataError(
                    f"the column '{name}' of the training rows is missing in other rows: add "
                    "it, or name it in columns.drop"
                )

    def notes(self, rows: Sequence[Row]) -> list[str]:
        """What the user should know of rows that are not training rows: cells that cannot be read
        and become gaps, and categories that are not known.

        Raises:
            DataError: a column is missing, or half of its cells cannot be read.
        """
        self.check(rows)
        notes = []
        for column in self.columns:
            cells = [row[column.name] for row in rows] if column.kind not in IGNORED else []
            if column.kind == "number":
                unreadable = read_numbers(cells, *number_form_of(column))[1]
            elif column.kind == "date":
                unreadable = read_dates(cells, column.form)[1]
            else:
                notes += self._unknown(column, cells)
                continue
            if len(unreadable) > UNREADABLE * len(cells):
                raise DataError(
                    f"column '{column.name}' is a {column.kind} in the training rows, but "
                    f"{len(unreadable)} of {len(cells)} other cells are not, such as "
                    f"'{unreadable[0]:.40}': correct them, or name the column in columns.drop"
                )
            if unreadable:
                notes.append(
                    f"column '{column.name}': {len(unreadable)} of {len(cells)} cells are not "
                    f"{column.kind}s, such as '{unreadable[0]:.40}': they count as gaps"
                )
        return notes

    def _unknown(self, column: Column, cells: Sequence[Cell]) -> list[str]:
        """A note, if many cells are categories that no training row has."""
        if column.kind != "category" or column.form == "many":
            return []
        known = {"", *self.levels[column.name]}
        unknown = [text for text in labels(cells) if text not in known]
        if len(unknown) < max(UNKNOWN * len(cells), 1):
            return []
        return [
            f"column '{column.name}': {len(unknown):,} of {len(cells):,} cells are categories that "
            f"(nearly) no training row has, such as '{unknown[0]:.40}': they count as unknown"
        ]


IGNORED = ("constant", "dropped")
"""Kinds of columns that no model gets."""
