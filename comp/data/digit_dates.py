"""Dates written as digits, such as 31122023, whose order as numbers is not that of time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

_FORMS = {8: ("YYYYMMDD", "DDMMYYYY", "MMDDYYYY", "YYYYDDMM"), 6: ("YYMMDD", "DDMMYY", "MMDDYY")}
"""By the number of digits: the form whose order is that of time, then others."""
_YEARS = range(1900, 2100)


def unordered_form(texts: Sequence[str]) -> str:
    """The form of dates whose order as numbers is not that of time, such as DDMMYYYY; "" if the
    texts are not such dates, or are in order, as years, most counters and YYYYMMDD.

    Args:
        texts: dates may lack the 0 in front, which tables of numbers lose; but texts that all have
            5 digits are not dates.
    """
    lengths = {len(text) for text in texts}
    digits = max(lengths, default=0)
    if digits == 7:
        digits = 8
    if digits not in _FORMS or not lengths <= {digits - 1, digits}:
        return ""
    if not all(text.isascii() and text.isdigit() for text in texts):
        return ""
    ordered, *others = _FORMS[digits]
    padded = sorted({text.zfill(digits) for text in texts})
    if all(_date(text, ordered) for text in padded) and not (
        digits == 6 and _ends_vary_less(padded)
    ):
        return ""
    for form in others:
        dates = [found for text in padded if (found := _date(text, form))]
        if len(dates) == len(padded) and dates != sorted(dates):
            return form
    return ""


def _ends_vary_less(texts: Sequence[str]) -> bool:
    """Whether the last two digits look more like years than the first two: 230124 is a date as
    YYMMDD and as DDMMYY, but data has more days than years."""
    return len({text[-2:] for text in texts}) < len({text[:2] for text in texts})


def _date(text: str, form: str) -> date | None:
    """The date of a text of digits, None if there is no such day."""
    year, month, day = (
        int("".join(digit for digit, letter in zip(text, form, strict=True) if letter == part))
        for part in "YMD"
    )
    try:
        found = date(year if len(form) == 8 else 2000 + year, month, day)
    except ValueError:
        return None
    return found if found.year in _YEARS else None
