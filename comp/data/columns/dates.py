"""Columns of dates: their form, and the numbers that models get."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from comp.contract.sample import Cell
from comp.data.columns.cells import is_gap, label

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

ISO = "ISO8601"
DIGITS = "%Y%m%d"
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_DAY_FIRST = ("%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%d/%m/%y", "%d-%m-%y", "%d.%m.%y")
_MONTH_FIRST = ("%m/%d/%Y", "%m-%d-%Y", "%m.%d.%Y", "%m/%d/%y", "%m-%d-%y", "%m.%d.%y")
_OTHER = (
    "%Y/%m/%d", "%Y.%m.%d", "%d %B %Y", "%d %b %Y", "%B %d, %Y", "%b %d, %Y", "%B %d %Y",
    "%b %d %Y", "%d-%b-%Y", "%d-%b-%y", "%d%b%Y", "%a %b %d %H:%M:%S %Y",
    "%Y-%m-%d %H:%M:%S UTC",
)  # fmt: skip
SAMPLE = 1000
"""Different texts by which a form is chosen before all are read."""
YEARS = (1700, 2199)
"""The first and the last year of dates; other digits are not dates."""
FIRST = 20
"""Texts of which one must be of a form, if not all texts are dates."""
PARTS = ("year", "month", "day of week", "day of year", "hour", "days")


class AmbiguousDatesError(ValueError):
    """Day and month of dates can be exchanged."""


def date_form(texts: Sequence[str], day_first: bool | None, *, forced: bool) -> str | None:
    """The form of different texts, which are not gaps, as pandas writes it; None if they are not
    dates of one form.

    Args:
        forced: the user says that they are dates: also digits such as 20240531 are, and texts that
            are not dates do not count, if half of the texts are.

    Raises:
        AmbiguousDatesError: they are dates with the day first and with the month first.
    """
    stripped = sorted({text.strip() for text in texts})
    if not stripped or (not forced and not _look_like_dates(stripped[:SAMPLE])):
        return None
    least = 0.5 if forced else 1.0
    first = stripped[:FIRST] if forced else stripped[:1]
    for forms in ((ISO, DIGITS) if forced else (ISO,), _possible(_OTHER, first)):
        for form in forms:
            if _fits(stripped, form, least):
                return form
    day, month = (
        next((form for form in _possible(forms, first) if _fits(stripped, form, least)), None)
        for forms in (_DAY_FIRST, _MONTH_FIRST)
    )
    if day and month and day_first is None:
        raise AmbiguousDatesError(stripped[0])
    return (day or month) if day_first in (True, None) else (month or day)


def _possible(forms: Sequence[str], texts: Sequence[str]) -> list[str]:
    """The forms, with and without a clock, of which one of the texts is."""
    clocked = [form + clock for form in forms for clock in (("",) if "%H" in form else _CLOCKS)]
    return [form for form in clocked if any(_is_of_form(text, form) for text in texts)]


def _is_of_form(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)
    except ValueError:
        return False
    return True


def _look_like_dates(texts: Sequence[str]) -> bool:
    """Whether all texts have at least two digits and another character, as dates have."""
    return all(
        6 <= len(text) <= 40 and sum(c.isdigit() for c in text) >= 3 and not text.isdigit()
        for text in texts
    )


def _fits(texts: Sequence[str], form: str, least: float) -> bool:
    """Whether at least this share of the texts are dates of the form, in likely years."""
    parts = [texts[:SAMPLE], texts] if len(texts) > SAMPLE else [texts]
    for part in parts:
        years = _read(part, form).dt.year
        if float(years.between(*YEARS).mean()) < least:
            return False
    return True


def _read(texts: Sequence[str], form: str) -> pd.Series[Any]:
    """Texts as a pandas Series of datetimes in UTC, NaT where one is not of the form."""
    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dates = pd.to_datetime(
            pd.Series(list(texts), dtype=object), format=form, errors="coerce", utc=True
        )
        return dates.dt.tz_localize(None)


def read_dates(cells: Sequence[Cell], form: str) -> tuple[dict[str, np.ndarray], list[str]]:
    """The parts of dates, each float64 (N,) with NaN for gaps, and the cells that are not dates.

    Parts are the year, month 1..12, day of the week 0..6 from Monday, day of the year 1..366,
    hour 0..24 with its minutes, and days since 2000-01-01.
    """
    import numpy as np
    import pandas as pd

    known = {cell: label(cell) for cell in set(cells) if not is_gap(cell)}
    different = sorted(set(known.values()))
    dates = _read(different, form)
    start = pd.Timestamp("2000-01-01")
    columns = (
        dates.dt.year,
        dates.dt.month,
        dates.dt.day_of_week,
        dates.dt.day_of_year,
        dates.dt.hour + dates.dt.minute / 60,
        (dates - start) / pd.Timedelta(days=1),
    )
    table = np.array([column.to_numpy(np.float64, na_value=np.nan) for column in columns])
    table = np.concatenate([table, np.full((len(PARTS), 1), np.nan)], axis=1)
    index = {text: i for i, text in enumerate(different)}
    position = {cell: index[text] for cell, text in known.items()}
    positions = [position.get(cell, -1) for cell in cells]
    bad = {text for text, missing in zip(different, dates.isna(), strict=True) if missing}
    unreadable = [known[c] for c in cells if known.get(c) in bad] if bad else []
    values = table[:, positions]
    return dict(zip(PARTS, values, strict=True)), unreadable
