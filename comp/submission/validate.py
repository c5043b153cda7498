"""A submission against the sample submission: the same header, ids and order, and sound values."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from comp.errors import SubmissionError

Template = Path | Sequence[str]
"""The sample submission, or the ids that a submission must have where there is no such file."""


def validate_submission(
    path: Path,
    template: Template,
    limits: tuple[float, float] | None = None,
    name: str | None = None,
    labels: Sequence[str] = (),
) -> int:
    """Return the number of rows of a submission that Kaggle would take.

    A column holds finite numbers within `limits` (smallest, largest), unless the first row of the
    sample submission has a word there: then it holds `labels` and nothing else (any words where
    none are given). Without a sample submission the first row of the submission tells, by a known
    label. Messages call the file `name`.

    Raises:
        SubmissionError: saying in plain words everything that is wrong.
    """
    count = _sound(path, template, limits, labels)
    if count is not None:
        return count
    frame = _read(path)
    problems = [*_header_problems(frame.columns, template), *_id_problems(frame, template)]
    words = _word_columns(frame.head(1), template, labels)
    problems += _value_problems(frame.drop(words), limits)
    problems += _label_problems(frame, words, labels)
    if problems:
        raise SubmissionError(f"{name or path.name} would be refused: " + "; ".join(problems))
    return frame.height


def _sound(
    path: Path, template: Template, limits: tuple[float, float] | None, labels: Sequence[str]
) -> int | None:
    """The number of rows of a submission without fault, else None; in one streamed pass.

    It cannot say what is wrong; `validate_submission` then reads the whole file to find out.
    """
    try:
        mine = pl.scan_csv(path, infer_schema=False)
        names = mine.collect_schema().names()
        if _header_problems(names, template):
            return None
        expected = (
            pl.scan_csv(template, infer_schema=False).select(pl.first().alias("_expected"))
            if isinstance(template, Path)
            else pl.LazyFrame({"_expected": list(template)}, schema={"_expected": pl.String})
        )
        wrong = pl.col(names[0]).ne_missing(pl.col("_expected"))
        words = _word_columns(mine.head(1).collect(), template, labels)
        for name in words if labels else ():
            wrong = wrong | ~pl.col(name).is_in(list(labels)).fill_null(False)
        for name in [name for name in names[1:] if name not in words]:
            value = pl.col(name).cast(pl.Float64, strict=False)
            sound = value.is_finite() & (value.is_between(*limits) if limits else True)
            wrong = wrong | ~sound.fill_null(False)
        both = pl.concat([mine, expected], how="horizontal")
        counts = both.select(pl.len(), wrong.sum().alias("wrong")).collect(engine="streaming")
    except (pl.exceptions.PolarsError, OSError):
        return None
    rows, faults = counts.row(0)
    return None if faults else int(rows)


def _word_columns(first: pl.DataFrame, template: Template, labels: Sequence[str]) -> list[str]:
    """The columns that hold words and not numbers, by the first rows of template and submission."""
    known = (
        pl.read_csv(template, n_rows=1, infer_schema=False)
        if isinstance(template, Path)
        else pl.DataFrame()
    )
    words = []
    for name in first.columns[1:]:
        shown = known[name].to_list() if name in known.columns else []
        if shown not in ([], [None]):
            words += [name] * (not _is_number(shown[0]))
        else:
            value = (first[name].to_list() or [None])[0]
            words += [name] * (value in labels and not _is_number(value))
    return words


def _is_number(text: str | None) -> bool:
    try:
        float(text or "")
    except ValueError:
        return False
    return True


def _read(path: Path) -> pl.DataFrame:
    """Read a CSV, all of it as text; the first column is called what its header says."""
    try:
        return pl.read_csv(path, infer_schema=False)
    except FileNotFoundError:
        raise SubmissionError(f"no file at {path}") from None
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise SubmissionError(f"{path} is not a CSV of rows and columns: {reason}") from None


def _header_problems(names: Sequence[str], template: Template) -> list[str]:
    if not isinstance(template, Path):
        return []
    expected = pl.read_csv(template, n_rows=0, infer_schema=False).columns
    if list(names) == expected:
        return []
    return [f"the header is {','.join(names)}, the sample has {','.join(expected)}"]


def template_ids(template: Template) -> pl.Series:
    """The ids that a submission must have, in order."""
    if not isinstance(template, Path):
        return pl.Series("id", list(template), dtype=pl.String)
    try:
        return pl.read_csv(template, infer_schema=False, columns=[0]).to_series().alias("id")
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise SubmissionError(f"{template} is no sample submission: {reason}") from None


def _id_problems(frame: pl.DataFrame, template: Template) -> list[str]:
    return difference(frame.to_series(0).alias("id"), template_ids(template))


def difference(ids: pl.Series, expected: pl.Series) -> list[str]:
    """Say in plain words how `ids` differ from `expected`; nothing when they are the same."""
    if ids.len() == expected.len() and (ids == expected).all():
        return []
    problems = []
    if ids.len() != expected.len():
        problems.append(f"{ids.len():,} rows, the sample has {expected.len():,}")
    missing = expected.filter(~expected.is_in(ids.implode()))
    unknown = ids.filter(~ids.is_in(expected.implode()))
    twice = ids.filter(ids.is_duplicated())
    for what, found in (("missing", missing), ("unknown", unknown)):
        if found.len():
            be = _plural(found.len(), "id is", "ids are")
            problems.append(f"{be} {what}, the first is {found[0]}")
    if twice.len():
        stand = _plural(twice.n_unique(), "id stands", "ids stand")
        problems.append(f"{stand} more than once, the first is {twice[0]}")
    if not problems and not (ids == expected).all():
        at = int((ids != expected).arg_max() or 0)
        problems.append(
            f"the order differs: row {at + 1} is {ids[at]}, the sample has {expected[at]} there"
        )
    return problems


def _plural(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _value_problems(frame: pl.DataFrame, limits: tuple[float, float] | None) -> list[str]:
    problems = []
    for name in frame.columns[1:]:
        values = frame[name].cast(pl.Float64, strict=False)
        ids = frame.to_series(0)
        bad = ids.filter(~(values.is_finite().fill_null(False)))
        if bad.len():
            be = _plural(bad.len(), f"value of {name} is", f"values of {name} are")
            problems.append(f"{be} no finite number, first at {bad[0]}")
        if limits:
            out = ids.filter((~values.is_between(*limits)).fill_null(False) & values.is_finite())
            if out.len():
                low, high = limits
                be = _plural(out.len(), f"value of {name} is", f"values of {name} are")
                problems.append(f"{be} not within {low:g} and {high:g}, first at {out[0]}")
    return problems


def _label_problems(frame: pl.DataFrame, words: Sequence[str], labels: Sequence[str]) -> list[str]:
    problems = []
    for name in words if labels else ():
        bad = frame.filter(~pl.col(name).is_in(list(labels)).fill_null(False))
        if bad.height:
            be = _plural(bad.height, f"value of {name} is", f"values of {name} are")
            found = bad[name][0]
            known = ", ".join(labels[:5]) + ", ..." * (len(labels) > 5)
            first = bad.to_series(0)[0]
            problems.append(f"{be} no label ({known}), first {found!r} at {first}")
    return problems
