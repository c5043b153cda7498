"""Names of classes and labels: their order, which is the negative one, and lists of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from comp.discovery.tables import GAPS, Column, words_of

SEPARATORS = (" ", "|", ";", ",")
MOST_CLASSES = 5_000
NEGATIVE = frozenset(
    {"normal", "healthy", "negative", "neg", "no", "non", "not", "none", "benign", "good", "ok",
     "false", "real", "absent", "notumor", "uninfected", "background", "clean", "control", "n", "f",
     "0"}
)  # fmt: skip
"""Names of the class that is not looked for."""
ALIKE = 4
"""Letters with which names begin alike."""


def ordered_names(counts: Counter[str]) -> tuple[str, ...]:
    """Names of classes: numbers in their order, others by letters; of two, a name such as normal,
    no or healthy first."""
    names = [name for name in counts if name.lower() not in GAPS or name.lower() == "none"]
    try:
        names.sort(key=float)
    except ValueError:
        names.sort()
    if len(names) == 2 and is_negative(names[1], names[0]) and not is_negative(*names):
        names.reverse()
    return tuple(names)


def is_negative(name: str, other: str) -> bool:
    """Whether one of two classes is by its name the one that is not looked for: it has such a word,
    or is the other one with "non" or "un" before it, as unripe is of ripe."""
    words = words_of(name) or {name.lower()}
    rest = re.match(r"(?:non|un)[\W_]*(.+)", name.lower())
    return bool(words & NEGATIVE) or (rest is not None and _begin_alike(rest[1], other.lower()))


def _begin_alike(name: str, other: str) -> bool:
    """Whether two names are equal or begin with the same letters, as damaged and damage do."""
    return name == other or (min(len(name), len(other)) >= ALIKE and name[:ALIKE] == other[:ALIKE])


def separator_of(column: Column) -> str:
    """What separates the labels in the cells of a column; "" if each cell is one label.

    Cells are lists if their parts are fewer than the cells, and most of them occur alone or each
    part is in several cells. Words with spaces between them are names if each has its place, as
    in dark red, light red and dark blue.
    """
    for separator in SEPARATORS:
        split = {cell: [p.strip() for p in cell.split(separator)] for cell in column.counts}
        lists = [parts for parts in split.values() if len(parts) > 1]
        if not lists or any(len(set(parts)) < len(parts) or "" in parts for parts in lists):
            continue
        if separator == " " and _have_places(split.values()):
            continue
        names = {part for parts in split.values() for part in parts}
        alone = sum(name in column.counts for name in names)
        if len(names) > MOST_CLASSES or len(names) < 2:
            continue
        if len(names) < len(split) and (2 * alone >= len(names) or 2 * len(names) <= len(split)):
            return separator
    return ""


def _have_places(cells: Iterable[Sequence[str]]) -> bool:
    """Whether all cells have equally many parts, and each part always has the same place."""
    places = {(part, (place, len(parts))) for parts in cells for place, part in enumerate(parts)}
    counts = {count for _, (_, count) in places}
    return len(counts) == 1 and len({part for part, _ in places}) == len(places)
