"""Which columns of a table are to be predicted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from comp.discovery.conclusion import Certainty
from comp.discovery.tables import Column, DataTable, words_of

_NAMED = (
    "label", "labels", "target", "class", "y", "diagnosis", "category", "dx", "species", "breed",
    "tags", "grade", "level",
)  # fmt: skip
"""Names of a column that is to be predicted, if the data does not say it."""
_CERTAIN = ("label", "labels", "target", "class", "y")
"""Those that count even if the sample submission has another name."""
NO_TARGETS = frozenset({"partition", "split", "fold", "subset", "usage", "dataset"})
"""Names of columns that say how the author of the data has split it."""


@dataclass(frozen=True)
class Target:
    """The columns that are to be predicted, and why."""

    columns: tuple[str, ...]
    why: str
    certainty: Certainty = "sure"
    class_columns: tuple[str, ...] = ()
    """Columns of the sample submission that are named as the classes of the only column."""


def find_target(
    table: DataTable,
    id_column: str | None,
    test: DataTable | None,
    submission: DataTable | None,
    said: str | None = None,
) -> Target | None:
    """The columns of a table that are to be predicted; None if that cannot be known.

    Args:
        id_column: a column that is none of them.
        said: column names that the user gives, with commas between them.
    """
    if said:
        names = tuple(name.strip() for name in said.split(",") if name.strip())
        return Target(names, "you say so") if names and set(names) <= set(table.columns) else None
    left = [n for n in table.columns if n != id_column and n.lower() not in NO_TARGETS]
    if test is not None:  # a feature may have the same values as the target
        left.sort(key=lambda name: name in test.columns)
    if submission is not None:
        found = _submitted(table, left, submission)
        if found:
            return found
    if test is not None:
        absent = [name for name in left if name not in test.columns]
        found = _absent(absent, submission)
        if found:
            return found
        left = absent or left
    if len(left) == 1:
        return Target((left[0],), f"{table.path} has no other column beside the ids")
    plain = _NAMED if submission is None else _CERTAIN
    named = [name for name in left if name.lower() in plain]
    words = [n for n in left if words_of(n) & {*_CERTAIN[:-1]}] if submission is None else []
    if len(named) == 1 or (not named and len(words) == 1):
        name = (named or words)[0]
        return Target((name,), f"the column of {table.path} is named so", "likely")
    if submission is None and len(left) > 2 and all(map(_is_flags, map(table.glance, left))):
        return Target(tuple(left), f"all other columns of {table.path} have 0 and 1", "likely")
    return None


def _is_flags(column: Column) -> bool:
    values = set(column.counts)
    return not column.gaps and (values <= {"0", "1"} or values <= {"-1", "1"})


def choices(table: DataTable, id_column: str | None, test: DataTable | None) -> tuple[str, ...]:
    """The columns that may be the target: those that the test set does not have first, and of these
    the last column of the table."""
    known = set(test.columns) if test else set()
    names = [name for name in reversed(table.columns) if name != id_column and not _is_index(name)]
    names = [name for name in names if table.glance(name).distinct > 1]
    return tuple(sorted(names, key=lambda name: name in known))[:10]


def _submitted(table: DataTable, left: Sequence[str], submission: DataTable) -> Target | None:
    """The columns of the sample submission, or the column whose values are its columns."""
    wanted = [name for name in submission.columns[1:] if not _is_index(name)]
    if wanted and set(wanted) <= set(left):
        return Target(tuple(wanted), f"{submission.path} has {_list(wanted)}")
    if len(wanted) > 1:
        for name in left:
            order = columns_of_classes(table.column(name), wanted)
            if order:
                why = f"its {len(order)} values are the columns of {submission.path}"
                return Target((name,), why, class_columns=order)
        return _with_suffix(wanted, left, submission)
    values = set(submission.glance(wanted[0]).counts) if wanted else set()
    if not values or _all_numbers(values):
        return None
    ranked = {part for text in values for part in text.split()}
    for texts in (values, ranked):
        fitting = [name for name in left if _mostly(texts, table.column(name))]
        if len(fitting) == 1:
            return Target((fitting[0],), f"it has the values of {wanted[0]} in {submission.path}")
    return None


def _with_suffix(
    wanted: Sequence[str], left: Sequence[str], submission: DataTable
) -> Target | None:
    """The columns that are named as those of the sample submission, with one end behind all names:
    X4_mean for X4."""
    ends = [name.removeprefix(wanted[0]) for name in left if name.startswith(wanted[0])]
    fitting = [end for end in ends if all(f"{name}{end}" in left for name in wanted)]
    means = [end for end in fitting if words_of(end) & {"mean", "value", "target"}]
    if len(fitting) != 1 and len(means) != 1:
        return None
    end = fitting[0] if len(fitting) == 1 else means[0]
    why = f"{submission.path} has {_list(wanted)}, without {end}"
    return Target(tuple(f"{name}{end}" for name in wanted), why, "likely")


def _mostly(texts: set[str], column: Column) -> bool:
    """Whether a column has most of these texts."""
    return sum(text in column.counts for text in texts) >= 0.8 * len(texts)


def _absent(absent: Sequence[str], submission: DataTable | None) -> Target | None:
    """The target among the columns that the test set does not have."""
    if len(absent) == 1:
        return Target((absent[0],), "the test set has all other columns")
    if submission is not None and len(submission.columns) == 2:
        words = words_of(submission.columns[1])
        close = [name for name in absent if words and words <= words_of(name)]
        if len(close) == 1:
            why = f"{submission.path} has {submission.columns[1]}"
            return Target((close[0],), why, "likely")
    named = [name for name in absent if name.lower() in _NAMED]
    if len(named) == 1:
        return Target((named[0],), "the test set does not have it", "likely")
    return None


def columns_of_classes(column: Column, wanted: Sequence[str]) -> tuple[str, ...]:
    """The columns of a sample submission, in the order of the sorted values of a column, if they
    are named as these values, such as c0 for 0; else ()."""
    from comp.discovery.label_names import ordered_names

    if not 2 <= column.distinct <= len(wanted):
        return ()
    if set(column.counts) == set(wanted):
        return ordered_names(column.counts)
    names = ordered_names(column.counts)
    for distinct in (_exact, _without_affixes):
        found = dict(zip(distinct(wanted), wanted, strict=True))
        if len(found) == len(wanted) and set(found) == {_plain(name) for name in names}:
            return tuple(found[_plain(name)] for name in names)
    return ()


def _exact(names: Sequence[str]) -> list[str]:
    return [_plain(name) for name in names]


def _without_affixes(names: Sequence[str]) -> list[str]:
    """The names without the beginning and the end that all share."""
    start = _shared(names)
    rest = [name[start:] for name in names]
    end = _shared([name[::-1] for name in rest])
    return [_plain(name[: len(name) - end]) for name in rest]


def _shared(names: Sequence[str]) -> int:
    """How many characters at the beginning of all names are the same."""
    count = 0
    for letters in zip(*names, strict=False):
        if len(set(letters)) > 1:
            break
        count += 1
    return count


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", " ", name).strip().lower()


def _is_index(name: str) -> bool:
    return name.lower() in ("", "index", "unnamed: 0", "usage")


def _all_numbers(values: set[str]) -> bool:
    try:
        return all(float(value) == float(value) for value in values)
    except ValueError:
        return False


def _list(names: Sequence[str]) -> str:
    return f"{', '.join(names[:5])}{', ...' * (len(names) > 5)}"
