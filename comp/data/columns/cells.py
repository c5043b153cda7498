"""Cells of a table as numbers and as labels of categories."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from comp.contract.sample import Cell
from comp.data.columns.plain_numbers import plain_numbers, without_plain

if TYPE_CHECKING:
    import numpy as np

Row = Mapping[str, Cell]
"""Cells by column."""

NumberForm = Literal["plain", "thousands", "comma", "boolean"]
"""How text means a number: 1234.5, 1,234.5, 1234,5, or true and false for 1 and 0."""

_GAP_WORDS = {"", "na", "n/a", "#n/a", "nan", "-nan", "null", "none", "<na>", "nat", "nil"}
_GAP_MARKS = {"?", "-", "--", "."}
_GAPS = _GAP_WORDS | _GAP_MARKS
_BOOLEANS = {"true": 1.0, "false": 0.0}
LARGEST = 1e100
"""Numbers beyond are gaps, as infinite ones and the largest of a computer, which stand for gaps."""
_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", re.ASCII)
_SURE_THOUSANDS = re.compile(r"[+-]?\d{1,3}((,\d{3}){2,}(\.\d+)?|,\d{3}\.\d+)", re.ASCII)
_COMMA = re.compile(r"[+-]?\d*,\d+", re.ASCII)
_INFINITE = {"inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"}
_WHOLE = re.compile(r"(-?(?:0|[1-9]\d*))\.0+", re.ASCII)
_UNIT_FIRST = re.compile(r"([+-]?)\s*([$€£¥₩₹])\s*([+-]?[\d.,].*)")
_POINTS = re.compile(r"[+-]?\d{1,3}\.\d{3}", re.ASCII)
_UNIT_LAST = re.compile(r"(.*[\d.])\s*([%$€£¥₩₹])")
EXACT_DIGITS = 15
"""Digits up to which every whole number is exact."""


def is_empty(cell: Cell) -> bool:
    """Whether a cell is None, NaN or empty text: a gap in every column."""
    if cell is None:
        return True
    return not cell.strip() if isinstance(cell, str) else math.isnan(cell)


def is_gap(cell: Cell) -> bool:
    """Whether a cell is empty or a word such as NA, null or ?: a gap among numbers and dates."""
    if isinstance(cell, str):
        return cell.strip().casefold() in _GAPS
    return is_empty(cell)


def label(cell: Cell) -> str:
    """The label of a category; "" for an empty cell.

    A number that is whole has no point, so that 1 and 1.0 are one category.
    """
    if is_empty(cell):
        return ""
    if isinstance(cell, str):
        text = cell.strip()
        whole = _WHOLE.fullmatch(text)
        return whole[1] if whole else text
    number = float(cell) if cell is not None else 0.0
    return str(int(number)) if number.is_integer() else repr(number)


@lru_cache(maxsize=1 << 16)
def meaning(cell: Cell) -> str:
    """Text that is equal for cells that mean the same, as 1, " 1.0" and 1e0 do, and all gaps."""
    if is_gap(cell):
        return ""
    text = str(cell).strip()
    if isinstance(cell, str) and not _PLAIN.fullmatch(text):
        return text
    number = float(cell or 0)
    exact = math.isfinite(number) and abs(number) < 10**EXACT_DIGITS
    return repr(number) if exact else text


def labels(cells: Sequence[Cell]) -> list[str]:
    """The labels of many cells."""
    known = {cell: label(cell) for cell in set(cells)}
    return [known[cell] for cell in cells]


def unit_of(texts: Iterable[str]) -> str:
    """The percent sign or the currency that all texts have, as 12.5% and $80; "" if there is none.

    Numbers with and without the sign in one column may have different scales. In 1.200 € the point
    may group thousands.
    """
    common = ""
    for text in texts:
        number, unit = _without_unit(text.strip())
        if not unit or (common and unit != common):
            return ""
        if unit != "%" and _POINTS.fullmatch(number):
            return ""
        common = unit
    return common


def without_unit(text: str) -> str:
    """12.5 for 12.5%, -80 for -$80."""
    return _without_unit(text.strip())[0]


def _without_unit(text: str) -> tuple[str, str]:
    first, last = _UNIT_FIRST.fullmatch(text), _UNIT_LAST.fullmatch(text)
    if first:
        return first[1] + first[3], first[2]
    return (last[1].rstrip(), last[2]) if last else (text, "")


def loses_digits(texts: Iterable[str]) -> bool:
    """Whether different whole numbers become one, since they have too many digits."""
    whole = {text.strip() for text in texts if len(text) > EXACT_DIGITS}
    whole = {text for text in whole if len(text) > EXACT_DIGITS}
    whole = {text for text in whole if text.lstrip("+-").isdecimal()}
    return len({float(text) for text in whole}) < len({int(text) for text in whole})


def number_form(texts: Iterable[str], *, forced: bool) -> NumberForm | Literal["unclear"] | None:
    """How different texts, which are not gaps, mean numbers.

    Args:
        forced: the user says that they are numbers: commas before other than three digits are
            decimal commas, and texts that are not numbers do not count.

    Returns:
        "unclear" if a comma may group thousands or begin decimals; None if they are not numbers.
    """
    stripped = {text.strip() for text in texts}
    if all(text.casefold() in _BOOLEANS for text in stripped):
        return "boolean"
    rest = {text for text in without_plain(stripped) if not _is_plain(text)}
    if forced:
        rest = {text for text in rest if _THOUSANDS.fullmatch(text) or _COMMA.fullmatch(text)}
    if not rest:
        return "plain"
    plain_points = any("." in text for text in stripped - rest)
    if all(_THOUSANDS.fullmatch(text) for text in rest):
        sure = plain_points or any(_SURE_THOUSANDS.fullmatch(text) for text in rest)
        return "thousands" if sure else "unclear"
    if all(_COMMA.fullmatch(text) for text in rest):
        return "comma" if forced and not plain_points else "unclear"
    return "unclear" if forced else None


def is_number(text: str) -> bool:
    """Whether text is a number with a point, or infinite."""
    return _is_plain(text.strip())


def _is_plain(text: str) -> bool:
    return _PLAIN.fullmatch(text) is not None or text.casefold() in _INFINITE


def read_number(cell: Cell, form: NumberForm, unit: str = "") -> float | None:
    """The number of a cell; NaN for a gap or beyond `LARGEST`, None if it is not a number.

    Args:
        unit: of `unit_of`; text without it is not a number.
    """
    if is_gap(cell):
        return math.nan
    if isinstance(cell, str):
        text, found = _without_unit(cell.strip()) if unit else (cell.strip(), "")
        number = _read_text(text, form) if found == unit else None
        if number is None:
            return None
    else:
        assert cell is not None
        number = float(cell)
    return number if abs(number) <= LARGEST else math.nan


def _read_text(text: str, form: NumberForm) -> float | None:
    if form == "boolean" and text.casefold() in _BOOLEANS:
        return _BOOLEANS[text.casefold()]
    if form == "thousands" and _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    if form == "comma" and _COMMA.fullmatch(text):
        text = text.replace(",", ".")
    return float(text) if _is_plain(text) else None


def read_numbers(
    cells: Sequence[Cell], form: NumberForm, unit: str = ""
) -> tuple[np.ndarray, list[str]]:
    """The numbers of a column, float64 (N,) with NaN for gaps, and the cells that are not numbers,
    which are gaps too."""
    import numpy as np

    if not any(isinstance(cell, str) for cell in cells):
        values = np.array([np.nan if c is None else c for c in cells], dtype=np.float64)
        return np.where(np.abs(values) <= LARGEST, values, np.nan), []
    values, rest = plain_numbers(cells, unit)
    values[np.abs(values) > LARGEST] = np.nan
    known = {cell: read_number(cell, form, unit) for cell in {cells[i] for i in rest}}
    read = [known[cells[i]] for i in rest]
    values[list(rest)] = [np.nan if number is None else number for number in read]
    return values, [str(cells[i]) for i, n in zip(rest, read, strict=True) if n is None]
