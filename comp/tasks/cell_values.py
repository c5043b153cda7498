"""What the text of one label cell means: a number, yes or no, the name of a class."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

MISSING = ("", "nan", "na", "n/a", "null", "none", "<na>")
"""What programs write for a missing value, in small letters."""
FLAGS = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0}
"""What other programs write for 1 and 0, in any capitals."""
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")


def number_of(cell: str | None) -> float | None:
    """A cell as a finite number, None if it is not one."""
    text = cell or ""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if value - value == 0 and "_" not in text else None


def flag_of(cell: str | None) -> float | None:
    """A cell as 0 or 1, None if it is neither."""
    number = number_of(cell)
    value = FLAGS.get((cell or "").strip().casefold()) if number is None else number
    return value if value in (0.0, 1.0) else None


def group_of_cell(cell: str | None) -> str | None:
    """The group that a cell names, without spaces around it; None if the cell is blank."""
    return (cell or "").strip() or None


def index_of_name(cell: str | None, names: Sequence[str]) -> int | None:
    """The index of the name that a cell has; None if there is none.

    Spaces around it do not count. If no name is equal, it is the only one that is the same number,
    such as "1" of "1.0", or the same of "true", "false", "yes" and "no" in other capitals.
    """
    if cell in names:
        return names.index(cell)
    text = (cell or "").strip()
    if text in names:
        return names.index(text)
    number, word = number_of(text), text.casefold()
    if number is not None:
        same = [i for i, name in enumerate(names) if number_of(name) == number]
    else:
        same = [i for i, name in enumerate(names) if word in FLAGS and name.casefold() == word]
    return same[0] if len(same) == 1 else None


def reversed_flags(names: Sequence[str]) -> bool:
    """Whether 1 would be the index of "no" or "false", or 0 that of "yes" or "true"."""
    values = [FLAGS.get(name.strip().casefold()) for name in names]
    return len(names) == 2 and (values[0] == 1 or values[1] == 0)


def near_name(text: str, names: Sequence[str]) -> str:
    """The name that is spelled most like a text, "" if none is near; capitals do not matter."""
    spelled = {name.strip().casefold(): name for name in names}
    near = difflib.get_close_matches(text.strip().casefold(), spelled, n=1, cutoff=0.75)
    return spelled[near[0]] if near else ""


def hint_about(cell: str | None) -> str:
    """What a cell that is not valid probably is: " (a missing value?)"; "" if nothing shows it."""
    text = (cell or "").strip()
    if text.casefold() in MISSING:
        return " (a missing value?)"
    return " (a decimal comma?)" if _DECIMAL_COMMA.fullmatch(text) else ""
