"""Describes the cells of a submission that are not what their column must contain."""

from __future__ import annotations

import polars as pl

from comp.errors import DataError
from comp.submission.columns import NOTHING, Column, is_valid
from comp.submission.rle import read_runs, runs_problem
from comp.submission.spec import SubmissionSpec

_KINDS = {
    "integers": ("is not a list of whole numbers", "are not lists of whole numbers"),
    "word": ("is a number", "are numbers"),
}
"""What is wrong with one cell, and with several."""


def _plural(count: int, singular: str, plural: str) -> str:
    return f"{count:,} {singular if count == 1 else plural}"


def cell_problems(frame: pl.DataFrame, column: Column, spec: SubmissionSpec) -> list[str]:
    """Describe the cells of a column that are not valid.

    Args:
        frame: columns of text; the first column has the ids.
    """
    if column.kinds == ("runs",):
        return _run_problems(frame, column, spec)
    bad = frame.select(pl.first(), column.name).filter(~is_valid(column, spec))
    problems = [column.problem] if column.problem else []
    if not bad.height:
        return problems
    if column.kinds[0] == "number":
        return problems + value_problems(bad, spec.limits, column.why)
    if column.kinds[0] == "label":
        return problems + label_problems(bad, column, spec)
    one, several = _KINDS[column.kinds[0]]
    name = column.name
    count = _plural(bad.height, f"value of {name} {one}", f"values of {name} {several}")
    return [*problems, f"{count}, first {bad[name][0]!r} at {bad.to_series(0)[0]} ({column.why})"]


def value_problems(
    frame: pl.DataFrame, limits: tuple[float, float] | None, why: str = ""
) -> list[str]:
    """Describe the values that are not finite numbers, or not within `limits`.

    Args:
        frame: columns of text; the first column has the ids.
        why: what shows that numbers are needed.
    """
    problems = []
    ids = frame.to_series(0)
    for name in frame.columns[1:]:
        text = frame[name].str.strip_chars()
        values = text.cast(pl.Float64, strict=False)
        finite = values.is_finite().fill_null(False)
        if not finite.all():
            bad = ids.filter(~finite)
            kinds = _kinds(text.filter(~finite), values.filter(~finite))
            if why and ("text" in kinds or "empty" in kinds):
                kinds += f"; {why}"
            count = _plural(
                bad.len(),
                f"value of {name} is not a finite number",
                f"values of {name} are not finite numbers",
            )
            problems.append(f"{count}, first at {bad[0] or 'an empty id'} ({kinds})")
        out = finite & ~values.is_between(*limits) if limits else None
        if limits and out is not None and out.any():
            first = int(out.arg_max() or 0)
            low, high = limits
            count = _plural(int(out.sum()), f"value of {name} is", f"values of {name} are")
            problems.append(
                f"{count} not within {low:g} and {high:g}, first at {ids[first]} ({text[first]})"
            )
    return problems


def _kinds(text: pl.Series, values: pl.Series) -> str:
    """The kinds of values that are not finite numbers: "NaN", or "2 NaN, 1 empty"."""
    empty = text.fill_null("") == ""
    nothing = values.is_nan().fill_null(False) | text.str.to_lowercase().is_in(NOTHING)
    infinite = values.is_infinite().fill_null(False)
    word = text.filter(~(empty | nothing.fill_null(False) | infinite))
    counts = {
        "NaN": int(nothing.sum()),
        "infinite": int(infinite.sum()),
        "empty": int(empty.sum()),
        f"the text {word[0]!r}" if word.len() == 1 else "text": word.len(),
    }
    found = {kind: count for kind, count in counts.items() if count}
    if len(found) == 1:
        return next(iter(found))
    return ", ".join(f"{count:,} {kind}" for kind, count in found.items())


def label_problems(bad: pl.DataFrame, column: Column, spec: SubmissionSpec) -> list[str]:
    """Describe the cells of `bad` (ids, cells) that are not labels."""
    name, labels = column.name, spec.labels
    count = _plural(
        bad.height, f"value of {name} is not a label", f"values of {name} are not labels"
    )
    known = ", ".join(labels[:5]) + ", ..." * (len(labels) > 5)
    found = f"{bad[name][0]!r} at {bad.to_series(0)[0]}"
    return [f"{count} ({known}), first {found}" + f" ({column.why})" * bool(column.why)]


def _run_problems(frame: pl.DataFrame, column: Column, spec: SubmissionSpec) -> list[str]:
    """Describe the cells that are not run lengths, or not inside the image of their id."""
    bad: list[tuple[str, str]] = []
    for name, cell in frame.select(pl.first(), column.name).iter_rows():
        problem = _run_problem((cell or "").strip(), column, spec.pixels.get(name))
        if problem:
            bad.append((name, problem))
    if not bad:
        return []
    count = _plural(
        len(bad),
        f"value of {column.name} is not run lengths",
        f"values of {column.name} are not run lengths",
    )
    (name, problem) = bad[0]
    return [f"{count}, first at {name}: {problem} ({column.why})"]


def _run_problem(cell: str, column: Column, pixels: int | None) -> str:
    if cell in column.words:
        return ""
    try:
        runs = read_runs(cell)
    except DataError as error:
        return str(error)
    if not len(runs):
        return f"{cell!r} is not what the sample has for an empty mask, {column.words[0]!r}"
    # The number of the first pixel is not known: with 1, a run ends one pixel later than with 0.
    problem = runs_problem(runs, pixels and pixels + 1)
    return f"the runs {problem}" if problem else ""
