"""What the cells of each column of a submission must be.

What the plugin declares counts first, then the whole column of the sample submission:

    the sample's cells                  a valid cell
    ---------------------------------   -----------------------------------------------------------
    (column of `SubmissionSpec.rle`)    sorted runs inside the image, or an empty mask
    different numbers                   a finite number within the limits
    one number everywhere               such a number, or a list of whole numbers (a placeholder)
    numbers outside the limits          a contradiction, unless it is 0 or -1 everywhere
    numbers that are labels, no limits  a label, or a number with a decimal point
    labels, one or several a cell       labels; or a word of the sample
    pairs of whole numbers ("1 1")      a number, a list of whole numbers, or an empty mask
    other words, the labels are words   labels; or a word of the sample, such as a file name
    other words                         no number, unless the sample has numbers too
    only blank cells, or no sample      what the submission's own cells are: labels, lists of whole
                                        numbers, else numbers
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import polars as pl

from comp.errors import SubmissionError
from comp.submission.rle import EMPTY_MARKS, RUNS
from comp.submission.spec import SubmissionSpec, Template

Kind = Literal["number", "fraction", "integers", "label", "word", "runs"]
"""A finite number within the limits; such a number with a decimal point; two or more whole numbers,
separated by spaces; one or several labels; a text that is not a number; sorted runs."""

NOTHING = ("nan", "na", "n/a", "null", "none", "<na>")
"""What other programs write for a missing value."""
_SEPARATORS = (" ", ",", "|", ";")
"""What may be between the labels in a cell of the sample submission."""
_FRACTION = r"[.eE]"
_INTEGERS = r"^\d+( +\d+)+$"
_LONGEST = 40
"""Characters of a cell in a message."""
_NOT_LETTERS = re.compile(r"[\W_]+")


@dataclass(frozen=True, kw_only=True)
class Column:
    """A cell is valid if it is of one of the `kinds`, or is one of `words`."""

    name: str
    kinds: tuple[Kind, ...]
    why: str = ""
    """What decided this, for messages: "the sample has 'cat'"."""
    words: tuple[str, ...] = ()
    separator: str = ""
    """What is between several labels of a cell; "" for one label a cell."""
    problem: str = ""
    """What contradicts itself before any cell is read."""


@dataclass(frozen=True, kw_only=True)
class _SampleColumn:
    """A column of the sample submission.

    `words` are its different cells that are not numbers, `numbers` those that are.
    """

    words: tuple[str, ...]
    numbers: tuple[str, ...]
    blanks: bool


def columns_of(
    names: Iterable[str], spec: SubmissionSpec, cells_of: Callable[[str], pl.Series]
) -> list[Column]:
    """What the cells of the columns `names` must be.

    Args:
        cells_of: the submission's own cells of a column, as text.
    """
    known = _names(spec.template)
    columns = []
    for name in names:
        sample = _sample_column(spec.template, name) if name in known else None
        if name in spec.rle:
            columns.append(_runs(name, sample))
        elif sample and (sample.words or sample.numbers):
            columns.append(_by_sample(name, sample, spec))
        else:
            blank = "the sample has blank cells" if sample else ""
            columns.append(_by_cells(name, cells_of(name), spec, blank))
    return columns


def is_valid(column: Column, spec: SubmissionSpec) -> pl.Expr:
    """Whether a cell of a column, read as text, is valid. Of runs, only empty masks are."""
    cell = pl.col(column.name).fill_null("")
    valid = cell.is_in(list(column.words))
    for kind in column.kinds:
        valid = valid | _is_kind(kind, spec, cell, column.separator)
    return valid


def _is_kind(kind: Kind, spec: SubmissionSpec, cell: pl.Expr, separator: str) -> pl.Expr:
    text = cell.str.strip_chars()
    value = text.cast(pl.Float64, strict=False)
    number = value.is_finite() & (value.is_between(*spec.limits) if spec.limits else True)
    number = number.fill_null(False)
    return {
        "number": number,
        "fraction": number & text.str.contains(_FRACTION),
        "integers": text.str.contains(_INTEGERS),
        "label": _is_label(cell, spec.labels, separator),
        "word": value.is_null() & (text != ""),
        "runs": pl.lit(False),
    }[kind]


def _is_label(cell: pl.Expr, labels: Sequence[str], separator: str) -> pl.Expr:
    one = cell.is_in(list(labels))
    if not separator:
        return one
    known = pl.element().is_in(list(labels))
    return one | cell.str.split(separator).list.eval(known).list.all()


def _runs(name: str, sample: _SampleColumn | None) -> Column:
    """A column of run lengths. If the sample has a mark of an empty mask, it is the only one."""
    why = "the plugin's rle_columns"
    if sample is None:
        return Column(name=name, kinds=("runs",), why=why, words=("", *EMPTY_MARKS))
    marks = [mark for mark in EMPTY_MARKS if mark in (*sample.words, *sample.numbers)]
    if marks:
        why += f", the sample has '{marks[0]}' for an empty mask"
    if not marks and not sample.blanks:  # nothing shows the mark
        return Column(name=name, kinds=("runs",), why=why, words=("", *EMPTY_MARKS))
    words = marks + [""] * sample.blanks
    return Column(name=name, kinds=("runs",), why=why, words=tuple(words))


def _by_sample(name: str, sample: _SampleColumn, spec: SubmissionSpec) -> Column:
    first = (*sample.words, *sample.numbers)[0]
    why = f"the sample has {first[:_LONGEST]!r}"
    if not sample.words:
        kinds: tuple[Kind, ...] = ("number", "integers")
        if _numeric_labels(spec) and set(spec.labels).issuperset(sample.numbers):
            return _labels(name, spec, why, ("label", "fraction"))
        if len(sample.numbers) > 1:
            kinds = ("number",)
        problem = _outside(name, sample.numbers, spec)
        return Column(name=name, kinds=kinds, why=why, problem=problem)
    separator = _separator_in(sample.words, spec)
    if separator is not None:
        found = _labels(name, spec, why)
        return replace(found, words=(*found.words, *sample.words), separator=separator)
    if pl.Series(sample.words).str.contains(RUNS).all():
        why += "; if these are run lengths, give the plugin rle_columns"
        kinds = ("integers", "number")
        return Column(name=name, kinds=kinds, why=why, words=("", *EMPTY_MARKS))
    if not spec.labels or all(_is_number(label) for label in spec.labels):
        kinds = ("word", "number") if sample.numbers else ("word",)
        words = sample.words if spec.labels else (*sample.words, "")
        return Column(name=name, kinds=kinds, why=why, words=words)
    found = _labels(name, spec, why)
    problem = _other_spelling(sample.words, spec.labels)
    return replace(found, words=(*found.words, *sample.words), problem=problem)


def _outside(name: str, numbers: Sequence[str], spec: SubmissionSpec) -> str:
    """Name a number of the sample that is not within the limits, such as the grade 5 where indices
    0 to 4 are written; "" if there is none, or only a placeholder."""
    if spec.limits is None:
        return ""
    low, high = spec.limits
    values = pl.Series(numbers, dtype=pl.String).str.strip_chars().cast(pl.Float64)
    outside = pl.Series(numbers).filter(~values.is_between(low, high))
    if not outside.len() or values.to_list() in ([0], [-1]):
        return ""
    return (
        f"the sample's {name} has {outside[0]!r}, which is not within {low:g} and {high:g}: "
        "correct submit, the names of the labels or limits in the plugin"
    )


def _separator_in(words: Sequence[str], spec: SubmissionSpec) -> str | None:
    """The separator with which some words of the sample are labels; None if there is none."""
    frame = pl.DataFrame({"cell": words}, schema={"cell": pl.String})
    for separator in dict.fromkeys((spec.separator, *_SEPARATORS)) if spec.labels else ():
        if frame.select(_is_label(pl.col("cell"), spec.labels, separator).any()).item():
            return separator
    return None


def _labels(
    name: str, spec: SubmissionSpec, why: str, kinds: tuple[Kind, ...] = ("label",)
) -> Column:
    """A column of labels; a cell for several labels may be blank."""
    words = ("",) if spec.separator else ()
    return Column(name=name, kinds=kinds, why=why, words=words, separator=spec.separator)


def _by_cells(name: str, cells: pl.Series, spec: SubmissionSpec, why: str) -> Column:
    """Without a cell in the sample, the submission's own cells decide."""
    frame = pl.DataFrame({"cell": cells.drop_nulls().unique()})
    cell = pl.col("cell")
    value = cell.str.strip_chars().cast(pl.Float64, strict=False)
    word = value.is_null() & (cell != "")
    label = word & _is_label(cell, spec.labels, spec.separator)
    if spec.labels and frame.select(label.any()).item():
        return _labels(name, spec, why)
    if frame.select(cell.str.contains(RUNS).any()).item():
        return Column(name=name, kinds=("integers", "number"), why=why, words=("", *EMPTY_MARKS))
    if _numeric_labels(spec):
        return _labels(name, spec, why, ("label", "fraction"))
    return Column(name=name, kinds=("number",), why=why)


def _numeric_labels(spec: SubmissionSpec) -> bool:
    """Whether labels look like numbers, and no limits say that numbers are submitted."""
    return bool(spec.labels) and spec.limits is None and all(map(_is_number, spec.labels))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _other_spelling(words: Iterable[str], labels: Iterable[str]) -> str:
    """Name a word of the sample that is a label in another spelling; "" if there is none."""
    by_letters = {_NOT_LETTERS.sub("", label.casefold()): label for label in labels}
    for word in words:
        label = by_letters.get(_NOT_LETTERS.sub("", word.casefold()))
        if label:
            return f"the sample has {word!r} where the labels have {label!r}: use its spelling"
    return ""


def _names(template: Template) -> list[str]:
    if not isinstance(template, Path):
        return []
    with _reading(template):
        return pl.scan_csv(template, infer_schema=False, glob=False).collect_schema().names()


def _sample_column(template: Template, name: str) -> _SampleColumn:
    assert isinstance(template, Path)
    with _reading(template):
        table = pl.scan_csv(template, infer_schema=False, glob=False)
        unique = pl.col(name).fill_null("").unique(maintain_order=True)
        cells = table.select(unique).collect(engine="streaming").to_series()
    text = cells.str.strip_chars()
    blank = text.str.to_lowercase().is_in(["", *NOTHING])
    numbers = text.cast(pl.Float64, strict=False).is_not_null() & ~blank
    return _SampleColumn(
        words=tuple(cells.filter(~numbers & ~blank)),
        numbers=tuple(cells.filter(numbers)),
        blanks=bool(blank.any()),
    )


@contextmanager
def _reading(template: Path) -> Iterator[None]:
    try:
        yield
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise SubmissionError(f"{template} is not a sample submission: {reason}") from None
