"""Columns of a table with the weight and the time of each training sample."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comp.data.digit_dates import unordered_form
from comp.errors import DataError


@dataclass(frozen=True)
class SampleColumns:
    """The columns of `Sample.weight` and `Sample.time`; None if the table does not have them."""

    weight: str | None = None
    time: str | None = None

    @property
    def names(self) -> list[str]:
        """The columns that the table must have."""
        return [name for name in (self.weight, self.time) if name]

    @property
    def arguments(self) -> dict[str, str]:
        """Column -> the argument of the plugin that names it."""
        columns = {self.weight: "weight_column", self.time: "time_column"}
        return {name: argument for name, argument in columns.items() if name}

    def fields(
        self, path: Path, ids: Sequence[str], columns: Mapping[str, Sequence[str | None]]
    ) -> list[dict[str, Any]]:
        """The fields of the sample of each row. Times are numbers if all of them are.

        Args:
            path: the table, for messages.
            ids: the id of each row.
            columns: the cells of the table as text, by column.

        Raises:
            DataError: a cell is blank, a weight is not a number, or times are dates such as
                31122023.
        """
        fields: list[dict[str, Any]] = [{} for _ in ids]
        if self.weight:
            for row, cell in zip(fields, columns[self.weight], strict=True):
                row["weight"] = _number(cell)
            bad = [i for i, row in enumerate(fields) if row["weight"] is None]
            self._refuse(path, ids, self.weight, columns[self.weight], bad, "is not a number")
        if self.time:
            cells = columns[self.time]
            bad = [i for i, cell in enumerate(cells) if not (cell or "").strip()]
            self._refuse(path, ids, self.time, cells, bad, "is blank")
            numbers = [_number(cell) for cell in cells]
            times: Sequence[Any] = [str(cell).strip() for cell in cells]
            form = unordered_form(times)
            if form:
                raise DataError(
                    f"{path}: the {self.time}s such as '{times[0]}' look like dates {form}, whose "
                    f"order as numbers is not that of time: write 2024-05-31, or {times[0]}.0 for "
                    "a number"
                )
            known = iso_dates(times) if None in numbers else numbers
            for row, time in zip(fields, known, strict=True):
                row["time"] = time
        return fields

    @staticmethod
    def _refuse(
        path: Path,
        ids: Sequence[str],
        column: str,
        cells: Sequence[str | None],
        bad: Sequence[int],
        problem: str,
    ) -> None:
        if bad:
            raise DataError(
                f"{path}: the {column} '{cells[bad[0]] or '':.40}' of '{ids[bad[0]]}' {problem} "
                f"({len(bad)} such rows): correct the file, or the columns of the plugin"
            )

    def of_images(
        self, path: Path, images: Sequence[str], columns: Mapping[str, Sequence[str | None]]
    ) -> dict[str, dict[str, Any]]:
        """The fields of each image, whose rows must agree.

        Args:
            images: the image of each row.

        Raises:
            DataError: as `fields`; or two rows of an image differ.
        """
        found: dict[str, dict[str, Any]] = {}
        for image, fields in zip(images, self.fields(path, images, columns), strict=True):
            if found.setdefault(image, fields) != fields:
                name = next(name for name in fields if fields[name] != found[image][name])
                raise DataError(
                    f"{path}: the rows of '{image}' have the {name}s {found[image][name]} and "
                    f"{fields[name]}: give all rows of an image the same"
                )
        return found

    def drawn(self, index: int) -> dict[str, str]:
        """The cells of a synthetic sample, by column."""
        cells = {self.weight: str(1 + index % 2), self.time: str(2000 + index)}
        return {name: cell for name, cell in cells.items() if name}


NO_COLUMNS = SampleColumns()


def iso_dates(times: Sequence[str]) -> Sequence[str]:
    """Dates of another form, such as 5/31/2024 0:00, as ISO dates. Other times stay as they are,
    and so do dates in which the day or the month may be first."""
    from datetime import datetime

    from comp.data.columns.dates import ISO, AmbiguousDatesError, date_form

    different = set(times)
    try:
        form = date_form(list(different), None, forced=False)
    except AmbiguousDatesError:
        return times
    if form in (None, ISO):
        return times
    known = {text: datetime.strptime(text, str(form)).isoformat() for text in different}
    return [known[text] for text in times]


def _number(cell: str | None) -> float | None:
    """A cell as a finite number, None if it is not one."""
    try:
        value = float(cell or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
