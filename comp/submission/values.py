"""The values of a submission: finite numbers within limits, or known labels."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

_NOTHING = ("nan", "na", "n/a", "null", "none", "<na>")
"""What other programs write for a missing number."""


def _plural(count: int, singular: str, plural: str) -> str:
    return f"{count:,} {singular if count == 1 else plural}"


def value_problems(frame: pl.DataFrame, limits: tuple[float, float] | None) -> list[str]:
    """Describe the values that are not finite numbers, or not within `limits`.

    Args:
        frame: columns of text; the first column has the ids.
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
    nothing = values.is_nan().fill_null(False) | text.str.to_lowercase().is_in(_NOTHING)
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


def label_problems(frame: pl.DataFrame, words: Sequence[str], labels: Sequence[str]) -> list[str]:
    """Describe the values of the columns `words` that are not in `labels`; empty without labels."""
    problems = []
    for name in words if labels else ():
        bad = frame.filter(~pl.col(name).is_in(list(labels)).fill_null(False))
        if bad.height:
            count = _plural(
                bad.height,
                f"value of {name} is not a label",
                f"values of {name} are not labels",
            )
            found = bad[name][0]
            known = ", ".join(labels[:5]) + ", ..." * (len(labels) > 5)
            first = bad.to_series(0)[0]
            problems.append(f"{count} ({known}), first {found!r} at {first}")
    return problems
