"""Curves and bars of a few characters, for a terminal or a log file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from rich.console import Console, ConsoleOptions

_LEVELS = "▁▂▃▄▅▆▇█"
_ASCII_LEVELS = "_.-=*#"
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def only_ascii(options: ConsoleOptions | Console) -> bool:
    """Whether block characters cannot be shown: an encoding other than UTF-8, or an old console of
    Windows."""
    return not options.encoding.lower().startswith("utf") or bool(options.legacy_windows)


def sparkline(values: Sequence[float], width: int, ascii_only: bool = False) -> str:
    """A curve of at most `width` characters: the lowest value is low, the highest is high.

    More values than characters are averaged in groups. A value that is not finite is a gap. Equal
    values are a line in the middle.
    """
    levels = _ASCII_LEVELS if ascii_only else _LEVELS
    means = _grouped(values, width)
    finite = [value for value in means if math.isfinite(value)]
    if not finite:
        return " " * len(means)
    low, span = min(finite), max(finite) - min(finite)
    if not math.isfinite(span):
        return " " * len(means)
    top, middle = len(levels) - 1, (len(levels) - 1) // 2
    return "".join(
        " "
        if not math.isfinite(value)
        else levels[round((value - low) / span * top) if span else middle]
        for value in means
    )


def _grouped(values: Sequence[float], width: int) -> list[float]:
    """The values, or the means of `width` groups of neighbours; the last value stays as it is."""
    count = len(values)
    if count <= width:
        return list(values)
    bounds = [index * count // width for index in range(width + 1)]
    means = [_mean(values[a:b]) for a, b in pairwise(bounds)]
    return [*means[:-1], values[-1]]


def _mean(values: Sequence[float]) -> float:
    finite = [value for value in values if math.isfinite(value)]
    return sum(finite) / len(finite) if finite else math.nan


def bar(share: float, width: int, ascii_only: bool = False) -> str:
    """A bar of `share` (0 to 1) of `width` characters; the smallest bar is still seen."""
    share = min(1.0, max(0.0, share))
    if ascii_only:
        return "#" * max(1, round(share * width))
    eighths = max(1, round(share * width * 8))
    return _EIGHTHS[8] * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def bars(
    scores: Sequence[float | None], direction: str, width: int, ascii_only: bool = False
) -> list[str]:
    """A bar for each score: that of the best is full, that of the worst has an eighth.

    Without a direction, or for a score that is None, there is none.

    Args:
        direction: "min" or "max".
    """
    finite = [score for score in scores if score is not None and math.isfinite(score)]
    if not finite or direction not in ("min", "max"):
        return [""] * len(scores)
    best, worst = max(finite), min(finite)
    if direction == "min":
        best, worst = worst, best
    span = best - worst
    return [
        ""
        if score is None or not math.isfinite(score)
        else bar(0.125 + 0.875 * ((score - worst) / span if span else 1.0), width, ascii_only)
        for score in scores
    ]


def bars_by_kind(
    scores: Sequence[float | None],
    kinds: Sequence[tuple[str, str, bool]],
    width: int,
    ascii_only: bool = False,
) -> list[str]:
    """Bars of scores that are compared only among those of one kind.

    Args:
        kinds: the metric of each score, its direction, and whether the data is synthetic.
    """
    found = [""] * len(scores)
    for kind in dict.fromkeys(kinds):
        places = [place for place, each in enumerate(kinds) if each == kind]
        same = [scores[place] for place in places]
        for place, text in zip(places, bars(same, kind[1], width, ascii_only), strict=True):
            found[place] = text
    return found
