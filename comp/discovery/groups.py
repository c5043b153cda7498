"""Groups and times: in the columns of a table, in its ids, and in the names of files."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence

from comp.discovery.conclusion import Certainty, Finding
from comp.discovery.tables import Column, DataTable, words_of

GROUP_WORDS = frozenset(
    {"patient", "patients", "subject", "person", "participant", "lesion", "case", "study",
     "series", "session", "video", "plant", "driver", "user", "owner", "rescuer", "site", "slide",
     "specimen", "individual", "animal", "group", "family", "household", "batch", "experiment",
     "location", "camera", "scene", "sequence", "clip", "customer", "client", "store"}
)  # fmt: skip
"""Words of columns whose equal values are one thing in several rows."""
TIME_WORDS = frozenset(
    {"date", "dates", "datetime", "time", "timestamp", "day", "week", "month", "year", "dt"}
)
LEAST_TIMES = 3
_PEOPLE = frozenset({"patient", "lesion", "subject", "person"})
LEAST_GROUPS, LEAST_REPEATED = 10, 3
ENOUGH_GROUPS = 50
"""Groups that are enough however many names there are."""
MOST_OF_ONE = 0.5
"""The share of the names that one group may have: else the fold that holds it out has most of the
data, and the beginning says something else, such as the size of most images in img_640x480_1."""
MOST_FORMS = 20
"""Forms of names that count together, at most."""
_TOKENS = re.compile(r"[^\W_]+|[\W_]+")
_LETTERS = re.compile(r"[^\W\d_]+")
_CODE = "\0"
"""What stands in a form for a code of digits and letters, such as 00087a6bd4dc."""


def group_column(
    table: DataTable,
    taken: Collection[str],
    images: bool,
    test: DataTable | None = None,
    blanks: bool = False,
) -> tuple[str | None, Finding | None]:
    """The column of the groups, and what is said about it.

    Args:
        taken: the columns that are something else: ids and targets.
        images: whether a row has an image; of plain rows, only columns such as patient_id count,
            and columns of ids that the test set does not share.
        test: the table of the test set: what it shares with the training set is not a group.
        blanks: whether up to half of the cells may be blank: rows that are groups of their own.
    """
    found: list[tuple[tuple[bool, bool, int], str, Finding]] = []
    for name in table.columns:
        words = words_of(name)
        if name in taken or not (words & GROUP_WORDS or ends_with_id(name)):
            continue
        column = table.column(name)
        rows, distinct = column.counts.total(), column.distinct
        unfit = column.gaps > rows * blanks or column.kind == "number"
        if unfit or not LEAST_GROUPS <= distinct <= 0.98 * rows:
            continue
        shared = _shared_with(column, test)
        by_name = bool(words & GROUP_WORDS) and (images or ends_with_id(name))
        if shared or not (by_name or images or shared == 0.0):
            continue
        why = f"{distinct:,} values in {rows:,} rows, so that rows of one are alike"
        why += ", and none of them in the test set" if shared == 0.0 else ""
        why += f"; {column.gaps:,} blank cells" * bool(column.gaps)
        certainty: Certainty = "likely" if by_name or shared == 0.0 else "guess"
        finding = Finding(f"rows with the same {name} are one group", why, certainty)
        people = bool(words & _PEOPLE)
        coarse = -distinct if people else (rows - distinct) * (shared == 0.0)
        rank = people, ends_with_id(name) if people else False, coarse
        found.append((rank, name, finding))
    if not found:
        return None, None
    _, name, finding = max(found, key=lambda each: each[0])
    return name, finding


def _of_classes(
    beginnings: Sequence[Sequence[tuple[str, str]]], classes: Sequence[str]
) -> set[str]:
    """The forms that have no more values than there are classes, each of one class."""
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for of_name, label in zip(beginnings, classes, strict=False):
        for form, value in of_name:
            found[form].add((value, label))
    return {
        form
        for form, pairs in found.items()
        if len(pairs) == len({v for v, _ in pairs}) == len({label for _, label in pairs})
    }


def _shared_with(column: Column, test: DataTable | None) -> float | None:
    """The share of the values of the test set that the training set has, 0 if they are few; None if
    the test set does not have the column."""
    if test is None or column.name not in test.columns:
        return None
    later = test.column(column.name).counts
    share = len(later.keys() & column.counts.keys()) / max(1, len(later))
    return share if share > 0.5 else 0.0


def ends_with_id(name: str) -> bool:
    """Whether the name of a column ends with ID, such as patient_id."""
    return bool(re.search(r"([_\s]|(?<=[a-z]))[iI][dD]$", name))


def group_pattern(
    names: Sequence[str], classes: Sequence[str] = ()
) -> tuple[str | None, Finding | None]:
    """A regular expression whose groups are the groups in file names, such as person12_3.jpg.

    The group of a name is its shortest beginning that ends in a word with a number and whose form,
    such as person9_, has many values and some of them several times.

    Args:
        classes: the class of each name: a beginning that says only this is not a group.
    """
    beginnings = [list(_beginnings(name)) for name in names]
    fitting = _fitting(beginnings) - _of_classes(beginnings, classes)
    chosen = [
        next((each for each in of_name if each[0] in fitting), None) for of_name in beginnings
    ]
    found = [each for each in chosen if each]
    if len(found) * 2 < len(names):
        return None, None
    forms = sorted(dict.fromkeys(form for form, _ in found), key=lambda form: _CODE in form)
    joined = "|".join(map(_pattern, forms))
    finding = Finding(
        "the beginning of a file name is a group, such as a patient",
        f"{len(set(found)):,} different beginnings in {len(found):,} names",
        "likely",
    )
    return f"^(?:{joined})", finding


def _fitting(beginnings: Sequence[Sequence[tuple[str, str]]]) -> set[str]:
    """The forms of beginnings that have many values, some of them several times. Forms that differ
    in letters alone, such as TCGA_CS_9_ and TCGA_DU_9_, count together if those with many values
    have half of the names."""
    values: dict[str, Counter[str]] = defaultdict(Counter)
    for of_name in beginnings:
        for form, value in of_name:
            values[form][value] += 1
    alike: dict[str, list[str]] = defaultdict(list)
    for form in values:
        alike[_LETTERS.sub("a", form)].append(form)
    least = max(LEAST_GROUPS, min(ENOUGH_GROUPS, 0.01 * len(beginnings)))
    fitting: set[str] = set()
    for forms in alike.values():
        large = [form for form in forms if len(values[form]) >= LEAST_GROUPS]
        totals = [sum(values[form].total() for form in some) for some in (large, forms)]
        together = 2 * totals[0] >= totals[1] and len(forms) <= MOST_FORMS
        for some in [forms] if together else [[form] for form in large]:
            distinct = sum(len(values[form]) for form in some)
            total = sum(values[form].total() for form in some)
            by_chance = 0.02 * total if _CODE in some[0] else 0  # codes of equal beginnings
            most = max(max(values[form].values()) for form in some)
            repeated = distinct <= total - max(LEAST_REPEATED, by_chance)
            if least <= distinct and repeated and most <= MOST_OF_ONE * total:
                fitting.update(some)
    return fitting


def groups_in_ids(
    ids: Sequence[str], classes: Sequence[str] = ()
) -> tuple[str | None, Finding | None]:
    """The pattern of the groups in ids such as 10_left and 10_right, and what is said about it.

    Args:
        classes: the class of each id.
    """
    pattern, finding = group_pattern(ids, classes)
    match = next((m for i in ids if pattern and (m := re.search(pattern, i))), None)
    if match is None or finding is None:
        return None, None
    group = next(filter(None, match.groups()))
    what = f"images whose names begin alike, such as {match.string} with {group}, are one group"
    return pattern, Finding(what, finding.why, "likely")


def _beginnings(name: str) -> Iterator[tuple[str, str]]:
    """The beginnings of a name that end with a word with a number, shortest first: their form and
    the next character, and their text."""
    tokens = _TOKENS.findall(name.rpartition(".")[0] or name)
    for length in range(1, len(tokens) - 1, 2):
        if re.search(r"[0-9]", tokens[length - 1]):
            form = "".join(map(_form_of, tokens[:length]))
            yield form + tokens[length][0], "".join(tokens[:length])


def _form_of(word: str) -> str:
    """The form of a word: 9 for each number, and `_CODE` for a word with a letter behind a
    digit."""
    return _CODE if re.search(r"[0-9][^\W\d_]", word) else re.sub(r"[0-9]+", "9", word)


def _pattern(form: str) -> str:
    """A regular expression for the beginnings of a form; its group is without the last
    character."""
    text = _escaped(form).replace("9", "[0-9]+").replace(_CODE, r"[^\W_]*[0-9][^\W_]*")
    return f"({text[:-1].removesuffix(chr(92))}){_end(text)}"


def _end(pattern: str) -> str:
    """The last character of a pattern, with its backslash."""
    return pattern[-2:] if pattern[-2] == "\\" else pattern[-1]


def _escaped(text: str) -> str:
    return re.sub(r"([.+*?()\[\]{}|^$\\])", r"\\\1", text)


def time_column(
    table: DataTable, test: DataTable | None, taken: Collection[str]
) -> tuple[str | None, Finding | None]:
    """The column of the time, if all test rows are later than the training rows; else what is said
    about a column that looks like a time. Of several columns, it is that of the most times."""
    later: list[tuple[int, str, Finding]] = []
    mixed: list[tuple[int, str, Finding]] = []
    for name in table.columns:
        named = words_of(name) & TIME_WORDS or name.lower().endswith(("date", "time"))
        if name in taken or not named:
            continue
        found = _compared(name, table, test, all_rows=False)
        if found and found[2]:  # the first rows show times that are mixed; not that they are not
            found = _compared(name, table, test, all_rows=True)
        if found is None:
            continue
        last, first, is_later = found
        distinct = table.glance(name).distinct
        if is_later:
            why = f"training rows end at {last}, test rows start at {first}"
            said = Finding(f"the test set is later than the training set ({name})", why)
            later.append((distinct, name, said))
        else:
            why = "training and test rows are of the same times, so folds are random"
            mixed.append((distinct, name, Finding(f"{name} is a time", why, "likely")))
    if later:
        return max(later, key=lambda each: each[0])[1:]
    return (None, max(mixed, key=lambda each: each[0])[2]) if mixed else (None, None)


def _compared(
    name: str, table: DataTable, test: DataTable | None, *, all_rows: bool
) -> tuple[str, str, bool] | None:
    """The last time of the training rows, the first of the test rows, and whether no test row is
    earlier; None if they are not times."""
    from comp.data.digit_dates import unordered_form

    if test is None or name not in test.columns:
        return None
    columns = [each.column(name) if all_rows else each.glance(name) for each in (table, test)]
    train, others = (list(column.counts) for column in columns)
    if len(train) < LEAST_TIMES or unordered_form(train):
        return None
    before, after = times_of(train), times_of(others) or times_of([*train, *others])[len(train) :]
    if not before or not after:
        return None
    last, first = train[before.index(max(before))], others[after.index(min(after))]
    return last, first, min(after) >= max(before)


def times_of(texts: Sequence[str]) -> list[float]:
    """Times as numbers, such as those of 2024-05-31 and 5/31/2024 0:00; [] if one cannot be
    read."""
    from comp.data.columns.dates import AmbiguousDatesError, date_form, read_dates

    numbers = [_number(text) for text in texts]
    known = [number for number in numbers if number is not None]
    if len(known) == len(texts):
        return known
    try:
        form = date_form(texts, None, forced=False)
    except AmbiguousDatesError:
        return []
    if form is None:
        return []
    days = read_dates(list(texts), form)[0]["days"]
    return [float(day) for day in days] if (days == days).all() else []


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
