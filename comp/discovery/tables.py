"""Tables as text, and what the values of a column are."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from comp.data.text_table import read_text_table
from comp.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

Kind = Literal["empty", "boolean", "integer", "number", "text"]

LARGE = 50_000_000
"""Bytes of a file of which only the first rows are read."""
FIRST_ROWS = 20_000
MOST_ROWS = 2_000_000
GAPS = frozenset({"", "na", "nan", "null", "none", "n/a"})
BOOLEANS = (
    frozenset({"true", "false"}),
    frozenset({"yes", "no"}),
    frozenset({"y", "n"}),
    frozenset({"t", "f"}),
)


@dataclass(frozen=True)
class Column:
    """A column of a table, as text."""

    name: str
    cells: Sequence[str | None]

    @cached_property
    def counts(self) -> Counter[str]:
        """How often each text occurs, without blank cells and spaces around it."""
        return Counter(text for cell in self.cells if (text := (cell or "").strip()))

    @cached_property
    def gaps(self) -> int:
        """How many cells are blank."""
        return len(self.cells) - self.counts.total()

    @property
    def distinct(self) -> int:
        """How many different texts there are."""
        return len(self.counts)

    @property
    def unique(self) -> bool:
        """Whether no text occurs twice."""
        return 0 < self.distinct == self.counts.total()

    @cached_property
    def numbers(self) -> np.ndarray | None:
        """The values as float64 without gaps; None if one is not a number."""
        import numpy as np

        found = {text: _number(text) for text in self.counts if text.lower() not in GAPS}
        if not found or None in found.values():
            return None
        counts = [self.counts[text] for text in found]
        return np.repeat(np.array(list(found.values()), dtype=np.float64), counts)

    @cached_property
    def kind(self) -> Kind:
        """What the values are; numbers such as 1.0 are integers too."""
        import numpy as np

        if not self.counts:
            return "empty"
        if any(
            {text.lower() for text in self.counts} - GAPS in (pair, {min(pair)}, {max(pair)})
            for pair in BOOLEANS[:2]
        ):
            return "boolean"
        if self.numbers is None:
            return "text"
        return "integer" if (self.numbers == np.floor(self.numbers)).all() else "number"


@dataclass(frozen=True)
class DataTable:
    """A CSV of the data; `path` is relative to its root."""

    path: str
    file: Path
    columns: tuple[str, ...]
    rows: int
    first: pl.DataFrame = field(compare=False, repr=False)
    """The first rows, or all, as text."""

    @property
    def stem(self) -> str:
        """The name of the file without suffix."""
        return Path(self.path).stem

    def column(self, name: str) -> Column:
        """A column of all rows, at most two million."""
        if self.first.height == self.rows:
            return Column(name, self.first[name].to_list())
        import polars as pl

        lines = pl.scan_csv(self.file, infer_schema=False, glob=False, n_rows=MOST_ROWS)
        frame = lines.select(name).collect()
        return Column(name, frame[name].to_list())

    def glance(self, name: str) -> Column:
        """A column of the first rows."""
        return Column(name, self.first[name].head(FIRST_ROWS).to_list())


def read_table(root: Path, path: str) -> DataTable:
    """A table of the data. Of a large one, only the first rows are read.

    Raises:
        DataError: it cannot be read.
    """
    import polars as pl

    file = root / path
    try:
        if file.stat().st_size < LARGE:
            frame = read_text_table(file)
            return DataTable(path, file, tuple(frame.columns), frame.height, frame)
        return _first_rows(path, file)
    except (OSError, ValueError, csv.Error, pl.exceptions.PolarsError) as error:
        raise DataError(f"cannot read {file}: {str(error).splitlines()[0]}") from None


def _first_rows(path: str, file: Path) -> DataTable:
    import polars as pl

    lines = pl.scan_csv(file, infer_schema=False, glob=False)
    frame = lines.head(FIRST_ROWS).collect()
    rows = int(lines.select(pl.len()).collect().item())
    return DataTable(path, file, tuple(frame.columns), rows, frame)


def words_of(name: str) -> set[str]:
    """The words of a name in lower case: of trainLabels or image_id2, without digits."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if value - value == 0 else None
