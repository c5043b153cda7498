"""A submission against the sample submission: the same header, ids and order, and sound values."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from comp.errors import SubmissionError
from comp.submission.columns import columns_of, is_valid
from comp.submission.difference import id_differences
from comp.submission.encoding import Form, form_of
from comp.submission.spec import SubmissionSpec, Template
from comp.submission.values import cell_problems

BEST_FIT = 2
_FEW = 1000
"""Ids that are read to find the competition of a file."""
_LONGEST = 100
"""Characters of a header in a message."""


@dataclass(frozen=True, kw_only=True)
class Problems:
    """What is wrong with a submission, in the order in which it is told."""

    rows: int
    form: Sequence[str] = ()
    """Encoding and separator."""
    header: Sequence[str] = ()
    ids: Sequence[str] = ()
    values: Sequence[str] = ()
    found: tuple[str, ...] = ()
    """The header of the submission."""
    expected: tuple[str, ...] | None = None
    """The header of the sample submission."""

    @property
    def all(self) -> list[str]:
        """Everything that is wrong."""
        return [*self.form, *self.header, *self.ids, *self.values]


def validate_submission(path: Path, spec: SubmissionSpec, name: str | None = None) -> int:
    """Check a submission and return its number of rows.

    Header, ids and their order are those of the sample submission; `comp.submission.columns` says
    what the cells are.

    Args:
        name: the file's name in messages; None takes that of `path`.

    Raises:
        SubmissionError: Kaggle would reject the file; the message names every fault.
    """
    problems = find_problems(path, spec, name)
    if problems.all:
        raise SubmissionError(f"{name or path.name} would be refused: {'; '.join(problems.all)}")
    return problems.rows


def find_problems(path: Path, spec: SubmissionSpec, name: str | None = None) -> Problems:
    """What is wrong with a submission; arguments as for `validate_submission`.

    Raises:
        SubmissionError: the file is not a table, or the template is not a sample submission.
    """
    template, name = spec.template, name or path.name
    form, sample = form_of(path, name), _form_of(template)
    if not (form.problems or _header_problems(form, sample)):
        count = _count_valid_rows(path, spec)
        if count is not None:
            return Problems(rows=count)
    form = form_of(path, name, whole=True)
    expected = template_ids(template)
    header = sample.header if sample else ()
    headless = bool(sample) and not {*form.header[:1]}.isdisjoint(expected.head(_FEW))
    frame = _read(form, header, name, headless=headless)
    columns = columns_of(frame.columns[1:], spec, frame.get_column)
    return Problems(
        rows=frame.height,
        form=form.problems,
        header=_header_problems(form, sample),
        ids=id_differences(frame.to_series(0), expected),
        values=[words for column in columns for words in cell_problems(frame, column, spec)],
        found=form.header,
        expected=sample.header if sample else None,
    )


def fit(path: Path, template: Template) -> int:
    """How well the beginning of a file fits a template: 2 (`BEST_FIT`) if it has some of the ids
    and the same header, 1 if it has some of the ids only, else 0.

    Raises:
        SubmissionError: the file is not a table, or the template is not a sample submission.
    """
    form, sample = form_of(path), _form_of(template)
    header = sample.header if sample else ()
    first = _read(form, header, path.name, rows=_FEW).to_series(0).drop_nulls()
    shared = _scan_ids(template).filter(pl.first().is_in([*form.header[:1], *first])).head(1)
    try:
        found = shared.collect(engine="streaming").height
    except pl.exceptions.PolarsError as error:
        raise _no_sample(template, error) from None
    return found * (BEST_FIT if form.header == header else 1)


def _form_of(template: Template) -> Form | None:
    return form_of(template) if isinstance(template, Path) else None


def _header_problems(form: Form, sample: Form | None) -> list[str]:
    problems = []
    if form.marked and not (sample and sample.marked):
        problems.append("it begins with a byte order mark (BOM): write it as plain UTF-8")
    if sample and form.header != sample.header:
        index = " (an index column: write it with index=False)" * (form.header[:1] == ("",))
        found = ",".join(form.header)
        found = found if len(found) <= _LONGEST else f"{found[:_LONGEST]}..."
        problems.append(f"the header is {found}{index}, the sample has {','.join(sample.header)}")
    return problems


def _count_valid_rows(path: Path, spec: SubmissionSpec) -> int | None:
    """The number of rows of a valid submission, else None; in one streamed pass.

    `find_problems` then reads the whole file to describe the problems.
    """
    try:
        table = pl.scan_csv(path, infer_schema=False, glob=False)
        names = table.collect_schema().names()
        columns = columns_of(names[1:], spec, lambda name: table.select(name).collect().to_series())
        if any(column.problem or column.kinds == ("runs",) for column in columns):
            return None
        numbers = {column.name for column in columns if column.kinds[0] == "number"}
        schema = {name: pl.Float64 if name in numbers else pl.String for name in names}
        mine = pl.scan_csv(path, schema=schema, glob=False)
        expected = _scan_ids(spec.template).rename({"id": "_expected"})
        wrong = pl.first().ne_missing(pl.col("_expected"))
        for column in columns:
            valid = is_valid(column, spec)
            if column.name in numbers:
                number = pl.col(column.name)
                valid = number.is_finite()
                valid = valid & (number.is_between(*spec.limits) if spec.limits else True)
            wrong = wrong | ~valid.fill_null(False)
        both = pl.concat([mine, expected], how="horizontal")
        counts = both.select(pl.len(), wrong.sum().alias("wrong")).collect(engine="streaming")
    except (pl.exceptions.PolarsError, OSError):
        return None
    rows, faults = counts.row(0)
    return None if faults else int(rows)


def _read(
    form: Form, header: Sequence[str], name: str, *, headless: bool = False, rows: int | None = None
) -> pl.DataFrame:
    """Read a CSV as text, with the id column of the sample first.

    A `headless` file gets the names of `header`. Empty lines and the index column of pandas are
    dropped.
    """
    try:
        frame = pl.read_csv(
            form.source,
            infer_schema=False,
            separator=form.separator,
            has_header=not headless,
            new_columns=list(header) if headless else None,
            n_rows=rows,
            glob=False,
        )
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = _long_line(form) or str(error).splitlines()[0]
        faults = "; ".join([*form.problems, f"it is not a CSV table: {reason}"])
        raise SubmissionError(f"{name} would be refused: {faults}") from None
    if "" in frame.columns[: frame.width - 1] and "" not in header:
        frame = frame.drop("")
    ids = header[0] if header and header[0] in frame.columns else frame.columns[0]
    frame = frame.select(ids, pl.exclude(ids))
    empty = pl.all_horizontal(pl.all().is_null())
    return frame.filter(~empty) if frame[ids].null_count() else frame


def _long_line(form: Form) -> str:
    """Describe the first line with more fields than the header; "" if there is none."""
    text = form.source if isinstance(form.source, bytes) else form.source.read_bytes()
    lines = csv.reader(io.StringIO(text.decode(errors="replace"), ""), delimiter=form.separator)
    try:
        for line in lines:
            if len(line) > len(form.header):
                comma = " (a decimal comma?)" * all(part.isdecimal() for part in line[-2:])
                found = f"line {lines.line_num:,} has {len(line)} fields{comma}"
                return f"{found}, the header has {len(form.header)}"
    except csv.Error as error:
        return f"line {lines.line_num:,}: {error}"
    return ""


def template_header(template: Template) -> tuple[str, ...]:
    """The columns of the sample submission, in order; () without a file."""
    form = _form_of(template)
    return form.header if form else ()


def template_ids(template: Template) -> pl.Series:
    """The ids that a submission must have, in order."""
    try:
        return _scan_ids(template).collect().to_series()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _no_sample(template, error) from None


def has_same_column(path: Path, template: Template, name: str) -> bool:
    """Whether a column of a submission, read as text, is that of the sample submission."""
    if not isinstance(template, Path):
        return False
    try:
        mine, sample = (
            pl.read_csv(file, columns=[name], infer_schema=False, glob=False)
            for file in (path, template)
        )
    except (pl.exceptions.PolarsError, OSError):
        return False
    return mine.equals(sample)


def _scan_ids(template: Template) -> pl.LazyFrame:
    if isinstance(template, Path):
        table = pl.scan_csv(template, infer_schema=False, glob=False)
        return table.select(pl.first().alias("id"))
    return pl.LazyFrame({"id": list(template)}, schema={"id": pl.String})


def _no_sample(template: Template, error: Exception) -> SubmissionError:
    return SubmissionError(f"{template} is not a sample submission: {str(error).splitlines()[0]}")
