"""Groups, times and leaks: in the columns of a table, in its ids, and in the names of files."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence

from comp.discovery.conclusion import Certainty, Finding
from comp.discovery.tables import Column, DataTable, words_of

GROUP_WORDS = frozenset(
    {"patient", "patients", "subject", "person", "participant", "lesion", "case", "study",
     "series", "session", "video", "plant", "driver", "user", "owner", "rescuer", "site", "slide",
     "specimen", "individual", "animal", "group", "family", "household", "batch", "experiment",
     "location", "camera", "scene", "sequence", "clip", "customer", "client", "store"}
)  # fmt: skip
"""Words of columns whose equal values are one thing in several rows."""
TIME_WORDS = frozenset({"date", "datetime", "time", "timestamp", "day", "month", "year"})
_PEOPLE = frozenset({"patient", "lesion", "subject", "person"})
LEAST_GROUPS, LEAST_REPEATED = 10, 3
_TOKENS = re.compile(r"[^\W_]+|[\W_]+")


def group_column(
    table: DataTable, taken: Collection[str], images: bool, test: DataTable | None = None
) -> tuple[str | None, Finding | None]:
    """The column of the groups, and what is said about it.

    Args:
        taken: the columns that are something else: ids and targets.
        images: whether a row has an image; of plain rows, only columns such as patient_id count,
            and columns of ids that the test set does not share.
        test: the table of the test set: what it shares with the training set is not a group.
    """
    best: tuple[str | None, Finding | None] = (None, None)
    for name in table.columns:
        words = words_of(name)
        if name in taken or not (words & GROUP_WORDS or _ends_with_id(name)):
            continue
        column = table.column(name)
        rows, distinct = column.counts.total(), column.distinct
        if not LEAST_GROUPS <= distinct <= 0.98 * rows or column.gaps:
            continue
        shared = _shared_with(column, test)
        by_name = bool(words & GROUP_WORDS) and (images or _ends_with_id(name))
        if shared or not (by_name or images or shared == 0.0):
            continue
        why = f"{distinct:,} values in {rows:,} rows, so that rows of one are alike"
        why += ", and none of them in the test set" if shared == 0.0 else ""
        certainty: Certainty = "likely" if by_name or shared == 0.0 else "guess"
        found = Finding(f"rows with the same {name} are one group", why, certainty)
        if best[0] is None or words & _PEOPLE:
            best = name, found
    return best


def _shared_with(column: Column, test: DataTable | None) -> float | None:
    """The share of the values of the test set that the training set has, 0 if they are few; None if
    the test set does not have the column."""
    if test is None or column.name not in test.columns:
        return None
    later = test.column(column.name).counts
    share = len(later.keys() & column.counts.keys()) / max(1, len(later))
    return share if share > 0.5 else 0.0


def _ends_with_id(name: str) -> bool:
    return bool(re.search(r"([_\s]|(?<=[a-z]))[iI][dD]$", name))


def group_pattern(names: Sequence[str]) -> tuple[str | None, Finding | None]:
    """A regular expression whose groups are the groups in file names, such as person12_3.jpg.

    The group of a name is its shortest beginning that ends in a number and whose form, such as
    person9_, has many values and some of them several times.
    """
    beginnings = [list(_beginnings(name)) for name in names]
    values: dict[str, Counter[str]] = defaultdict(Counter)
    for of_name in beginnings:
        for form, value in of_name:
            values[form][value] += 1
    least = max(LEAST_GROUPS, 0.01 * len(names))
    fitting = {f for f, c in values.items() if least <= len(c) <= c.total() - LEAST_REPEATED}
    chosen = [
        next((each for each in of_name if each[0] in fitting), None) for of_name in beginnings
    ]
    found = [each for each in chosen if each]
    if len(found) * 2 < len(names):
        return None, None
    patterns = [
        _escaped(form).replace("9", "[0-9]+") for form in dict.fromkeys(f for f, _ in found)
    ]
    joined = "|".join(
        f"({pattern[:-1].removesuffix(chr(92))}){_end(pattern)}" for pattern in patterns
    )
    finding = Finding(
        "the beginning of a file name is a group, such as a patient",
        f"{len(set(found)):,} different beginnings in {len(found):,} names",
        "likely",
    )
    return f"^(?:{joined})", finding


def groups_in_ids(ids: Sequence[str]) -> Finding | None:
    """A warning if ids without a column of groups begin with a group, such as 10_left and 10_right;
    None if they do not."""
    pattern, finding = group_pattern(ids)
    match = next((m for i in ids if pattern and (m := re.search(pattern, i))), None)
    if match is None or finding is None:
        return None
    group = next(filter(None, match.groups()))
    return Finding(
        f"ids such as {match.string} seem to begin with a group ({group}), which no column has",
        f"{finding.why}: add a column of groups to the table, and give group_column",
        "likely",
    )


def _beginnings(name: str) -> Iterator[tuple[str, str]]:
    """The beginnings of a name that end with a number, shortest first: their form, with 9 for each
    number and the next character, and their text."""
    tokens = _TOKENS.findall(name.rpartition(".")[0] or name)
    for length in range(1, len(tokens) - 1, 2):
        if tokens[length - 1][-1].isdigit():
            text = "".join(tokens[:length])
            yield re.sub(r"[0-9]+", "9", text) + tokens[length][0], text


def _end(pattern: str) -> str:
    """The last character of a pattern, with its backslash."""
    return pattern[-2:] if pattern[-2] == "\\" else pattern[-1]


def _escaped(text: str) -> str:
    return re.sub(r"([.+*?()\[\]{}|^$\\])", r"\\\1", text)


def time_column(
    table: DataTable, test: DataTable | None, taken: Collection[str]
) -> tuple[str | None, Finding | None]:
    """The column of the time, if all test rows are later than the training rows; else what is said
    about a column that looks like a time."""
    from comp.data.digit_dates import unordered_form

    for name in table.columns:
        if name in taken or not words_of(name) & TIME_WORDS:
            continue
        train = [text for text in table.column(name).counts if text]
        later = list(test.column(name).counts) if test and name in test.columns else []
        if not train or unordered_form(train):
            continue
        before, after = _times(train), _times(later)
        if not before or not after:
            continue
        if min(after) >= max(before):
            why = f"training rows end at {max(train)}, test rows start at {min(later)}"
            return name, Finding(f"the test set is later than the training set ({name})", why)
        why = "training and test rows are of the same times, so folds are random"
        return None, Finding(f"{name} is a time", why, "likely")
    return None, None


def _times(texts: Iterable[str]) -> list[float]:
    """Times as numbers; [] if one cannot be read."""
    from datetime import datetime

    found = []
    for text in texts:
        try:
            found.append(float(text))
        except ValueError:
            try:
                found.append(datetime.fromisoformat(text).replace(tzinfo=None).timestamp())
            except (ValueError, OverflowError):
                return []
    return found


def leak_in_ids(ids: Column, labels: Column) -> Finding | None:
    """A warning if ids contain the name of the class."""
    pairs = list(zip(ids.cells, labels.cells, strict=True))[:5000]
    if labels.kind != "text" or not pairs:
        return None
    hits = sum(
        (label or "").strip().lower() in (i or "").lower()
        for i, label in pairs
        if label and len(label.strip()) > 2
    )
    if hits < 0.5 * len(pairs):
        return None
    why = f"{hits:,} of {len(pairs):,} ids contain their {labels.name}"
    return Finding("the ids give the label away: do not use them as features", why)
