"""Find the range of values of a data set, once for all of its images.

A range per image would destroy the brightness of images. Images with 8 bits have no range; their
headers are read and nothing else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from comp.data.images.decode_many import map_in_threads
from comp.data.images.formats import HEAD_BYTES, READ_ERROR, format_of
from comp.data.images.raw import read_raw
from comp.data.images.tiff import read_layout
from comp.data.images.values import FLOAT, INTEGER, UINT16, WORDS, Bounds, ValueRange, kind_of
from comp.errors import DataError

_BITS = (8, 10, 12, 14, 16)
"""Usual depths of cameras and scanners."""
_USUAL_EXTREMES = (1, 99)
"""Percentiles of the smallest and largest values of all files: one in a hundred is an outlier."""


@dataclass(frozen=True)
class _Extremes:
    """The smallest and the largest finite value of a file; `kind` is None if no range is needed."""

    kind: str | None
    low: float = 0.0
    high: float = 0.0
    windowed: bool = False
    unread: bool = False
    """Whether the file could not be read now, and may be later."""


def find_value_range(
    paths: Sequence[str],
    setting: Sequence[float] | None,
    known: ValueRange | None = None,
    workers: int | None = None,
    strict: bool = True,
    unread: list[str] | None = None,
) -> ValueRange | None:
    """The range of values of images; None if all have 8 bits and no range is set.

    For 16-bit images and other integers it is 0 to the largest value of 8, 10, 12, 14 or 16 bits
    that no image exceeds. For floats it is 0..1 or 0..255 if all values are inside, else their own
    smallest and largest value; the extremes of one file in a hundred are clipped.

    Args:
        setting: `image.range`, None for "auto".
        known: the range of a run, which is kept for other data.
        strict: refuse images of a type that `known` does not have.
        unread: takes the files that could not be read now, whose values do not count.

    Raises:
        DataError: `known` does not have the type of an image's values, and `strict`.
    """
    kinds = dict(zip(paths, map_in_threads(_header_kind, paths, workers), strict=True))
    deep = [path for path in paths if kinds[path]]
    set_range = (float(setting[0]), float(setting[1])) if setting else None
    if not deep:
        if set_range:
            words = f"image.range = {list(set_range)} has no effect: all images have 8 bits"
            return known if known and known.bounds else ValueRange({}, True, words)
        return known
    all_16_bit = all(kinds[path] == UINT16 for path in deep)
    extremes = _scan(deep, all_16_bit, workers)
    if unread is not None:
        unread += [path for path, one in extremes.items() if one.unread]
    fixed = known.fixed if known and known.bounds else set_range is not None
    found = _by_kind(extremes.values(), fixed)
    windows = 0 if fixed else sum(one.windowed for one in extremes.values())
    if known and known.bounds:
        if strict:
            _check_kinds(extremes, known)
        return _told(known.bounds, known.fixed, found, windows, "the range of the run is ")
    if set_range:
        bounds = dict.fromkeys((UINT16, INTEGER, FLOAT), set_range)
        return _told(bounds, True, found, windows, "image.range is ")
    bounds = {kind: _choose(kind, files) for kind, files in found.items()}
    return _told(bounds, False, found, windows, "")


def any_deep(paths: Sequence[str], workers: int | None = None) -> bool:
    """Whether an image has more than 8 bits, by the headers, or may have: it cannot be read now."""
    return any(map_in_threads(_may_be_deep, paths, workers))


def _may_be_deep(path: str) -> bool:
    if _header_kind(path):
        return True
    try:
        Path(path).open("rb").close()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _header_kind(path: str) -> str | None:
    """The type of a file's values by its header: `UINT16`, "unknown", or None for 8 bits.

    Damaged and missing files have none: the check of the images reports them.
    """
    try:
        with Path(path).open("rb") as stream:
            head = stream.read(HEAD_BYTES)
            name = format_of(Path(path), head)
            if name == "PNG":
                return UINT16 if head[24:25] == b"\x10" else None
            if name == "TIFF":
                stream.seek(0)
                layout = read_layout(stream)
                grey16 = (layout.kind, layout.bits) == ("u", 16)
                return UINT16 if grey16 else "unknown" if layout.is_deep else None
    except Exception:  # Pillow raises exceptions of many types for damaged files
        return None
    return "unknown" if name in ("NPY", "DICOM") else None


def _scan(paths: Sequence[str], all_16_bit: bool, workers: int | None) -> dict[str, _Extremes]:
    """The extremes of each file. If all have 16 bits, the scan ends at the first that needs 16."""
    extremes = {}
    for path, one in zip(paths, map_in_threads(_extremes, paths, workers), strict=False):
        extremes[path] = one
        if all_16_bit and one.high >= 2 ** _BITS[-2]:
            break
    return extremes


def _extremes(path: str) -> _Extremes:
    try:
        raw = read_raw(Path(path))
    except DataError as error:  # the check of the images reports it
        return _Extremes(None, unread=str(error).startswith(READ_ERROR))
    kind = kind_of(raw.values)
    values = raw.values[..., :3] if raw.alpha else raw.values
    if kind == FLOAT:
        values = values[np.isfinite(values)]
    if kind is None or not values.size:
        return _Extremes(None, windowed=raw.window is not None)
    return _Extremes(kind, float(values.min()), float(values.max()), raw.window is not None)


def _by_kind(extremes: Iterable[_Extremes], fixed: bool) -> dict[str, list[_Extremes]]:
    """The files that need a range, by the type of their values; a window needs a `fixed` one."""
    found: dict[str, list[_Extremes]] = defaultdict(list)
    for one in extremes:
        if one.kind and (fixed or not one.windowed):
            found[one.kind].append(one)
    return found


def _choose(kind: str, files: Sequence[_Extremes]) -> Bounds:
    """The range for files of one type."""
    low, high = min(one.low for one in files), max(one.high for one in files)
    if kind == FLOAT:
        for usual in ((0.0, 1.0), (0.0, 255.0)):
            if usual[0] <= low and high <= usual[1]:
                return usual
    elif low >= 0 and high < 2 ** _BITS[-1]:
        return 0.0, float(2 ** next(bits for bits in _BITS if high < 2**bits) - 1)
    low = float(np.percentile([f.low for f in files], _USUAL_EXTREMES[0], method="lower"))
    high = float(np.percentile([f.high for f in files], _USUAL_EXTREMES[1], method="higher"))
    return (low, high) if high > low else (low, low + 1)


def _check_kinds(extremes: Mapping[str, _Extremes], known: ValueRange) -> None:
    for path, one in extremes.items():
        needs_range = one.kind and (known.fixed or not one.windowed)
        if needs_range and one.kind not in known.bounds:
            words = " and ".join(WORDS[kind] for kind in known.bounds)
            raise DataError(
                f"{path} has {WORDS[str(one.kind)]} values, and the images of the run have {words} "
                "values: save it in the same format"
            )


def _told(
    bounds: Mapping[str, Bounds],
    fixed: bool,
    found: Mapping[str, Sequence[_Extremes]],
    windows: int,
    prefix: str,
) -> ValueRange:
    """A range with the sentence for the user."""
    parts = [
        _sentence(kind, files, bounds[kind], prefix)
        for kind, files in found.items()
        if kind in bounds
    ]
    if windows:
        parts.append(f"{windows:,} DICOM images use the window of their file")
    return ValueRange(bounds, fixed, "; ".join(parts))


def _sentence(kind: str, files: Sequence[_Extremes], bounds: Bounds, prefix: str) -> str:
    low, high = min(one.low for one in files), max(one.high for one in files)
    outside = sum(one.low < bounds[0] or one.high > bounds[1] for one in files)
    bits = int(bounds[1] + 1).bit_length() - 1
    whole = kind != FLOAT and bounds == (0.0, float(2**bits - 1)) and bits in _BITS and not prefix
    subject = f"images have {bits}-bit values" if whole else f"images have {WORDS[kind]} values"
    values = f"({_number(low)} to {_number(high)}"
    values += " of 65,535)" if whole and kind == UINT16 and bits < 16 else ")"
    chosen = f"{prefix}{_number(bounds[0])} to {_number(bounds[1])}, which becomes 0..255"
    if not prefix:
        chosen = f"{_number(bounds[0])} to {_number(bounds[1])} becomes 0..255"
    clipped = f"; {outside:,} of {len(files):,} have values outside, which are clipped"
    return f"{subject} {values}: {chosen}" + clipped * bool(outside)


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.6g}"
