"""Names of classes and labels: their order, which is the negative one, and lists of them."""

from __future__ import annotations

from collections import Counter

from comp.discovery.tables import GAPS, Column, words_of

SEPARATORS = (" ", "|", ";", ",")
MOST_CLASSES = 5_000
NEGATIVE = frozenset(
    {"normal", "healthy", "negative", "neg", "no", "none", "benign", "good", "ok", "false", "real",
     "absent", "notumor", "uninfected", "background", "clean", "control", "n", "f", "0"}
)  # fmt: skip
"""Names of the class that is not looked for."""


def ordered_names(counts: Counter[str]) -> tuple[str, ...]:
    """Names of classes: numbers in their order, others by letters; of two, a name such as normal,
    no or healthy first."""
    names = [name for name in counts if name.lower() not in GAPS or name.lower() == "none"]
    try:
        names.sort(key=float)
    except ValueError:
        names.sort()
    if len(names) == 2 and is_negative(names[1]) and not is_negative(names[0]):
        names.reverse()
    return tuple(names)


def is_negative(name: str) -> bool:
    """Whether a class is by its name the one that is not looked for."""
    words = words_of(name) or {name.lower()}
    return bool(words & NEGATIVE) or name.lower().startswith(("non", "not_", "un"))


def separator_of(column: Column) -> str:
    """What separates the labels in the cells of a column; "" if each cell is one label.

    Cells are lists if their parts are fewer than the cells, and most of them occur alone or each
    part is in several cells.
    """
    for separator in SEPARATORS:
        split = {cell: [p.strip() for p in cell.split(separator)] for cell in column.counts}
        lists = [parts for parts in split.values() if len(parts) > 1]
        if not lists or any(len(set(parts)) < len(parts) or "" in parts for parts in lists):
            continue
        names = {part for parts in split.values() for part in parts}
        alone = sum(name in column.counts for name in names)
        if len(names) > MOST_CLASSES or len(names) < 2:
            continue
        if len(names) < len(split) and (2 * alone >= len(names) or 2 * len(names) <= len(split)):
            return separator
    return ""
