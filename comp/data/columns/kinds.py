"""The kind of each column: number, category, date or constant, from the training rows alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from comp.config.columns import ColumnsConfig
from comp.config.nearest import did_you_mean
from comp.contract.sample import Cell
from comp.data.columns.cells import (
    EXACT_DIGITS,
    NumberForm,
    Row,
    is_empty,
    is_gap,
    is_number,
    label,
    labels,
    loses_digits,
    number_form,
    read_numbers,
    unit_of,
    without_unit,
)
from comp.data.columns.dates import AmbiguousDatesError, date_form, read_dates
from comp.errors import ConfigError, DataError

Kind = Literal["number", "category", "date", "constant", "dropped"]
MOSTLY = 0.95
"""Share of the cells from which a column of many texts is a column of numbers with mistakes."""
NAMED_IN_DROP = "columns.drop names it"
DIGITS = f"different numbers of more than {EXACT_DIGITS} digits become equal"
GAPS = "they count as gaps"
"""The end of the note on training cells that cannot be read."""


@dataclass(frozen=True)
class Column:
    """A column and its kind.

    `form` says how text means a number or a date; after the form of a number with a percent sign or
    a currency comes the sign, as in "plain %". Of categories it is "many" if there are more than
    `columns.most`. `note` says what the user should know, "" if it is nothing.
    """

    name: str
    kind: Kind
    form: str = ""
    note: str = ""


def number_form_of(column: Column) -> tuple[NumberForm, str]:
    """The form of a column of numbers, and the sign that each of them has, or ""."""
    form, _, unit = (column.form or "plain").partition(" ")
    return form, unit  # type: ignore[return-value]


def kind_notes(columns: Sequence[Column]) -> list[str]:
    """What the user should know before training: columns of text that no model gets, numbers that
    lose digits, and cells that cannot be read."""
    return [
        f"column '{column.name}': {column.note}"
        for column in columns
        if (column.kind == "dropped" and column.note != NAMED_IN_DROP)
        or DIGITS in column.note
        or GAPS in column.note
    ]


def find_kinds(rows: Sequence[Row], config: ColumnsConfig) -> tuple[Column, ...]:
    """The kinds of all columns, in their order.

    Numbers are numbers also as text, and however few there are; true and false are 1 and 0. Columns
    of one value are constant. Texts of one of the usual forms of dates are dates. All others are
    categories; if nearly every row has another text, the column is dropped.

    Args:
        rows: training rows; test rows never decide a kind.

    Raises:
        ConfigError: a name in the configuration is not a column, or not one of the needed kind.
        DataError: rows differ in their columns, or it is not clear what a column means.
    """
    names = column_names(rows)
    _check_names(names, config)
    columns = tuple(_column(name, [row[name] for row in rows], config) for name in names)
    kinds = {column.name: column.kind for column in columns}
    for key in ("log", "pairs", "places"):
        for name in getattr(config, key):
            if kinds[name] not in ("number", "constant"):
                kind = "not used" if kinds[name] == "dropped" else f"a {kinds[name]}"
                raise ConfigError(
                    f"columns.{key} has '{name}', which is {kind}: name columns of numbers"
                )
    return columns


def column_names(rows: Sequence[Row]) -> list[str]:
    """The columns of the first row.

    Raises:
        DataError: there are no rows, or another row has other columns.
    """
    if not rows:
        raise DataError("the table has no training rows: give at least one")
    first = rows[0].keys()
    for i, row in enumerate(rows):
        if row.keys() != first:
            different = sorted(first ^ row.keys())
            raise DataError(
                f"row {i + 1} and the first row differ in the column '{different[0]}': give all "
                "rows the same columns, with None for a gap"
            )
    return list(first)


def _check_names(names: Sequence[str], config: ColumnsConfig) -> None:
    keys = ("drop", "numbers", "categories", "dates", "log", "pairs", "places")
    for key in keys:
        for name in getattr(config, key):
            if name not in names:
                advice = did_you_mean(name, names) or f"use one of {_listed(names)}"
                raise ConfigError(f"columns.{key} has '{name}', which is not a column: {advice}")
    exclusive = [name for key in keys[:4] for name in set(getattr(config, key))]
    for name, count in Counter(exclusive).items():
        if count > 1:
            raise ConfigError(
                f"column '{name}' is in two of columns.drop, numbers, categories and dates: choose"
            )
    if len(config.places) not in (0, 2):
        raise ConfigError(f"columns.places has {len(config.places)} columns: name two")
    if len(config.pairs) == 1:
        raise ConfigError("columns.pairs has one column: name two or more")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(names[:10]) + more


def _column(name: str, cells: Sequence[Cell], config: ColumnsConfig) -> Column:
    if name in config.drop:
        return Column(name, "dropped", note=NAMED_IN_DROP)
    different = set(cells)
    values = (label(cell) for cell in different if not is_empty(cell))
    first = next(values, None)
    if first is None:
        return Column(name, "constant", note="it has only gaps")
    one_value = all(value == first for value in values)
    if one_value and not any(is_empty(cell) for cell in different):
        return Column(name, "constant", note="it has one value")
    if name in config.categories:
        return _category(name, cells, config, named=True)
    if name in config.dates:
        return _date(name, cells, different, config)
    return _find(name, cells, different, config)


def _find(name: str, cells: Sequence[Cell], different: set[Cell], config: ColumnsConfig) -> Column:
    """The kind of a column that may be numbers, dates or categories."""
    forced = name in config.numbers
    texts = [cell for cell in different if isinstance(cell, str) and not is_gap(cell)]
    if len(texts) == 0:
        numbers = {cell for cell in different if not isinstance(cell, str) and not is_gap(cell)}
        # Words such as NA alone are the categories of a column without numbers.
        return Column(name, "number", "plain") if numbers else _category(name, cells, config)
    unit = unit_of(texts)
    bare = [without_unit(text) for text in texts] if unit else texts
    form = number_form(bare, forced=forced)
    if form == "unclear":
        raise _unclear(name, texts, bare)
    if form:
        column = Column(name, "number", f"{form} {unit}".rstrip(), _note_of_numbers(form, bare))
        return _named_numbers(column, cells) if forced else column
    try:
        dates = date_form(texts, config.day_first, forced=False)
    except AmbiguousDatesError as error:
        raise _ambiguous(name, error) from None
    if dates:
        return Column(name, "date", dates)
    _check_mistakes(name, cells, texts, config)
    return _category(name, cells, config)


def _note_of_numbers(form: NumberForm, texts: Sequence[str]) -> str:
    if loses_digits(texts):
        return f"{DIGITS}: name it in columns.categories or columns.drop if they are ids"
    return "" if form in ("plain", "boolean") else f"commas are of the form '{form}'"


def _unclear(name: str, texts: Sequence[str], bare: Sequence[str]) -> DataError:
    """The error of commas that may mean two things, with `columns.numbers` if that decides it."""
    example = next(text for text in sorted(texts) if "," in text)
    sure = number_form(bare, forced=True) != "unclear"
    numbers = "name it in columns.numbers if they begin decimals, " if sure else ""
    return DataError(
        f"column '{name}' has cells such as '{example:.40}', whose comma may group thousands or "
        f"begin decimals: write decimal points in the table, {numbers}or name it in "
        "columns.categories"
    )


def _named_numbers(column: Column, cells: Sequence[Cell]) -> Column:
    """A column of columns.numbers, with a note on the cells that are other text."""
    bad = read_numbers(cells, *number_form_of(column))[1]
    advice = "name it in columns.categories instead"
    gaps = _note_of_gaps("numbers", column.name, cells, bad, "numbers", advice)
    return replace(column, note="; ".join(filter(None, [column.note, gaps])))


def _note_of_gaps(
    key: str, name: str, cells: Sequence[Cell], bad: Sequence[str], what: str, advice: str
) -> str:
    """The note on cells of a column that the user has named in `columns.{key}`, and that cannot be
    read; "" if all can.

    Raises:
        DataError: these are most of its cells.
    """
    present = sum(not is_gap(cell) for cell in cells)
    if len(bad) > present / 2:
        raise DataError(
            f"columns.{key} has '{name}', but {len(bad):,} of its {present:,} cells are not "
            f"{what}, such as '{min(bad):.40}': {advice}"
        )
    if not bad:
        return ""
    return (
        f"{len(bad):,} of its {present:,} training cells are not {what}, such as "
        f"'{min(bad):.40}': {GAPS}"
    )


def _check_mistakes(
    name: str, cells: Sequence[Cell], texts: Sequence[str], config: ColumnsConfig
) -> None:
    """Refuse a column of many numbers in which a few cells are other text."""
    if len({label(text) for text in set(cells)}) <= config.most:
        return
    words = [text for text in texts if not is_number(text)]
    strange = set(words)
    count = sum(cell in strange for cell in cells)
    present = sum(not is_gap(cell) for cell in cells)
    if count <= (1 - MOSTLY) * present:
        raise DataError(
            f"column '{name}' has numbers and {count} cells such as '{min(words):.40}': correct "
            "them, or name the column in columns.numbers (they become gaps), columns.categories or "
            "columns.drop"
        )


def _date(name: str, cells: Sequence[Cell], different: set[Cell], config: ColumnsConfig) -> Column:
    texts = [label(cell) for cell in different if not is_gap(cell)]
    advice = "write dates such as 2024-05-31"
    try:
        form = date_form(texts, config.day_first, forced=True)
    except AmbiguousDatesError as error:
        raise _ambiguous(name, error) from None
    if form is None:
        example = min(texts, default="")
        raise DataError(
            f"columns.dates has '{name}', but its cells such as '{example:.40}' are not dates of "
            f"one form: {advice}"
        )
    bad = read_dates(cells, form)[1]
    example = min(set(texts) - set(bad), default="")
    what = f"dates of the form of '{example:.40}'"
    return Column(name, "date", form, _note_of_gaps("dates", name, cells, bad, what, advice))


def _ambiguous(name: str, error: AmbiguousDatesError) -> DataError:
    return DataError(
        f"column '{name}' has dates such as '{error}', in which the day or the month may be first: "
        "set columns.day_first to true or false"
    )


def _category(
    name: str, cells: Sequence[Cell], config: ColumnsConfig, *, named: bool = False
) -> Column:
    counts = Counter(labels(cells))
    gaps = counts.pop("", 0)
    column = Column(name, "category")
    if len(counts) <= config.most:
        return column
    if not named and not gaps and len(counts) >= MOSTLY * len(cells):
        note = (
            f"{len(counts):,} texts in {len(cells):,} rows, nearly every row has another: no model "
            "gets it"
        )
        return replace(column, kind="dropped", note=note)
    note = f"{len(counts):,} categories: {config.most} and the frequency are used"
    return replace(column, form="many", note=note)
