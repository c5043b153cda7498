"""Run lengths of masks: `start length start length ...`, in column or row order.

Formats differ in the order of the pixels, in the number of the first pixel, and in how they write
an empty mask. `detect_format` finds them in the data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from comp.errors import DataError

Order = Literal["column", "row"]
Cell = str | float | None
"""A cell of a table of run lengths; None and NaN are blank."""

EMPTY_MARKS = ("-1", "1 0", "0 0")
"""What competitions write for an empty mask, if they do not leave the cell blank."""
RUNS = r"^\d+ +\d+( +\d+ +\d+)*$"
"""Pairs of whole numbers, as a regular expression."""
Reading = tuple[Order, Literal[0, 1]]
READINGS: tuple[Reading, ...] = (("column", 1), ("column", 0), ("row", 1), ("row", 0))
"""Order of the pixels and number of the first."""
_ENOUGH = 0.95
"""Share of the training masks that the chosen format must fit."""
_LONGEST = 40
"""Characters of a cell in a message."""


@dataclass(frozen=True, kw_only=True)
class RleFormat:
    """How the pixels of an image are numbered, and what stands for an empty mask."""

    order: Order = "column"
    """Pixels are numbered down the columns, or along the rows."""
    base: Literal[0, 1] = 1
    """Number of the first pixel."""
    empty: str = ""

    def __str__(self) -> str:
        return f"{self.order} order, first pixel {self.base}"


def encode(mask: np.ndarray, form: RleFormat) -> str:
    """The run lengths of a mask (H, W) or (H, W, 1) of 0 and 1.

    Raises:
        DataError: the mask has another shape or other values.
    """
    mask = mask[..., 0] if mask.ndim == 3 and mask.shape[2] == 1 else mask
    if mask.ndim != 2:
        raise DataError(f"a mask of shape {mask.shape} has no run lengths: give (height, width)")
    if not mask.any():
        return form.empty
    pixels = mask.ravel(order="F" if form.order == "column" else "C")
    inside = pixels != 0
    if pixels.dtype != bool and not (pixels[inside] == 1).all():
        other = pixels[inside][pixels[inside] != 1][0]
        raise DataError(f"a mask contains the value {other}: run lengths need masks of 0 and 1")
    edges = np.flatnonzero(np.diff(inside, prepend=False, append=False))
    runs = edges.reshape(-1, 2)
    runs = np.stack([runs[:, 0] + form.base, runs[:, 1] - runs[:, 0]], axis=1)
    return " ".join(map(str, runs.ravel().tolist()))


def decode(text: Cell, size: tuple[int, int], form: RleFormat) -> np.ndarray:
    """The mask of run lengths, uint8 (H, W) of 0 and 1. Blank cells and marks are empty masks.

    Raises:
        DataError: the text is not a list of runs, or they are not sorted, overlap, or leave the
            image.
    """
    runs = read_runs(text, form.empty)
    problem = runs_problem(runs, size[0] * size[1], form.base)
    if problem:
        raise DataError(f"the run lengths {shown(text)} {problem}: correct the table")
    steps = np.zeros(size[0] * size[1] + 1, dtype=np.int8)
    starts = runs[:, 0] - form.base
    steps[starts] += 1
    steps[starts + runs[:, 1]] -= 1
    pixels = steps[:-1].cumsum(dtype=np.int8).astype(np.uint8)
    return pixels.reshape(size, order="F" if form.order == "column" else "C")


def is_blank(cell: Cell) -> bool:
    """Whether a cell is None, NaN or white space."""
    return cell is None or cell != cell or (isinstance(cell, str) and not cell.strip())


def read_runs(text: Cell, empty: str = "") -> np.ndarray:
    """Pairs of start and length, int64 (N, 2); N is 0 for blank cells and marks of empty masks.

    Raises:
        DataError: the text contains something else than pairs of whole numbers.
    """
    if is_blank(text) or str(text).strip() in (*EMPTY_MARKS, empty):
        return np.zeros((0, 2), dtype=np.int64)
    advice = "give pairs of start and length; COCO's compressed form is not supported"
    if not isinstance(text, str):
        raise DataError(f"{shown(text)} is not a text of run lengths: {advice}")
    try:
        numbers = np.array(text.split(), dtype=np.int64)
    except (ValueError, OverflowError):
        raise DataError(f"{shown(text)} is not a list of whole numbers: {advice}") from None
    if len(numbers) % 2:
        raise DataError(f"{shown(text)} has {len(numbers)} numbers, which are not pairs: {advice}")
    return numbers.reshape(-1, 2)


def runs_problem(runs: np.ndarray, pixels: int | None, base: int = 0) -> str:
    """What is wrong with runs, "" if nothing is.

    Args:
        runs: int64 (N, 2).
        pixels: pixels of the image, None if they are not known.
        base: number of the first pixel.
    """
    starts, lengths = runs[:, 0], runs[:, 1]
    first_after = starts + lengths
    if (lengths < 1).any():
        return f"contain a run of length {lengths[lengths < 1][0]}"
    if (starts < base).any():
        return f"contain a run from pixel {starts[starts < base][0]}, and the first is {base}"
    if (np.diff(starts) < 0).any():
        return "are not sorted by start"
    if (starts[1:] < first_after[:-1]).any():
        return f"overlap at pixel {starts[1:][starts[1:] < first_after[:-1]][0]}"
    if pixels is not None and len(runs) and first_after[-1] - base > pixels:
        return f"end at pixel {first_after[-1] - 1}, and the last is {pixels + base - 1}"
    return ""


def shown(cell: Cell) -> str:
    """A cell in a message."""
    text = repr(cell)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}...{text[0]}"


def detect_format(
    cells: Sequence[Cell],
    sizes: Sequence[tuple[int, int]],
    sample_cells: Iterable[Cell] = (),
    masks: Iterable[np.ndarray | None] | None = None,
) -> tuple[RleFormat, str]:
    """The format of a table of run lengths, and a sentence that says what decided.

    Order and base are those with which the runs are the training masks. Without masks, a run from
    pixel 0 or to the last pixel decides the base; what nothing decides is column order from 1.

    Args:
        cells: run lengths of training images.
        sizes: their (height, width).
        sample_cells: the same column of the sample submission.
        masks: their masks (H, W), not 0 inside; None for an image without one.

    Raises:
        DataError: a cell is not a list of runs, or the runs fit no format.
    """
    runs = [read_runs(cell) for cell in cells]
    likely_base, why_base = _base_of(runs, cells, sizes)
    readings, why = _fit_masks(cells, sizes, masks or [None] * len(cells))
    orders, bases = {order for order, _ in readings}, {base for _, base in readings}
    if len(orders) > 1:
        why += ", nothing shows the order, which is taken as column"
    if len(bases) > 1:
        why += f", {why_base}"
    empty, why_empty = _empty_of(cells, sample_cells)
    form = RleFormat(
        order="column" if "column" in orders else "row",
        base=likely_base if likely_base in bases else bases.pop(),
        empty=empty,
    )
    mark = "a blank cell" if empty == "" else f"'{empty}'"
    return (
        form,
        f"run lengths in {form}: {why.removeprefix(', ')}; an empty mask is {mark}: {why_empty}",
    )


def _base_of(
    runs: Sequence[np.ndarray], cells: Sequence[Cell], sizes: Sequence[tuple[int, int]]
) -> tuple[Literal[0, 1], str]:
    """The number of the first pixel by the runs alone, and what shows it."""
    from_zero = to_last = None
    for cell, pairs, (height, width) in zip(cells, runs, sizes, strict=True):
        problem = runs_problem(pairs, height * width + 1)
        if problem:
            raise DataError(f"the run lengths {shown(cell)} {problem}: correct the table")
        if len(pairs) and pairs[0, 0] == 0:
            from_zero = cell
        if len(pairs) and pairs[-1].sum() == height * width + 1:
            to_last = cell
    if from_zero is not None and to_last is not None:
        raise DataError(
            f"one run starts at pixel 0 ({shown(from_zero)}), another ends beyond the image "
            f"({shown(to_last)}): correct the table, or the sizes of the images"
        )
    if from_zero is not None:
        return 0, f"a run starts at pixel 0 ({shown(from_zero)})"
    if to_last is not None:
        return 1, f"a run ends at pixel height x width ({shown(to_last)}), so the first is 1"
    return 1, "nothing shows the first pixel, which is taken as 1"


def _fit_masks(
    cells: Sequence[Cell], sizes: Sequence[tuple[int, int]], masks: Iterable[np.ndarray | None]
) -> tuple[list[Reading], str]:
    """The orders and first pixels with which the runs are the masks, and what shows them."""
    fits = dict.fromkeys(READINGS, 0)
    count = 0
    for cell, size, mask in zip(cells, sizes, masks, strict=True):
        if mask is None or (is_blank(cell) and not mask.any()):
            continue
        if mask.shape[:2] != tuple(size):
            raise DataError(
                f"a mask has the size {mask.shape[:2]}, its image {size}: correct the data"
            )
        count += 1
        inside = (mask if mask.ndim == 2 else mask[..., 0]) != 0
        for reading in READINGS:
            form = RleFormat(order=reading[0], base=reading[1])
            fits[reading] += _is_mask(cell, inside, form)
    most = max(fits.values())
    if most < _ENOUGH * count:
        raise DataError(
            f"the training masks are not those of the run lengths: at most {most:,} of {count:,} "
            "are the same, in any order of the pixels: check which mask belongs to which row"
        )
    best = [reading for reading in READINGS if fits[reading] == most]
    return best, f"{most:,} of {count:,} training masks are the same so" * (len(best) < 4)


def _is_mask(cell: Cell, inside: np.ndarray, form: RleFormat) -> bool:
    try:
        return bool((decode(cell, inside.shape, form) == inside).all())
    except DataError:
        return False


def _empty_of(cells: Iterable[Cell], sample_cells: Iterable[Cell]) -> tuple[str, str]:
    """How an empty mask is written, and what shows it."""
    for where, found in (
        ("sample submission", Counter(_empty_cells(sample_cells))),
        ("training table", Counter(_empty_cells(cells))),
    ):
        if found:
            return found.most_common(1)[0][0], f"the {where} has it"
    return "", "nothing shows another"


def _empty_cells(cells: Iterable[Cell]) -> Iterator[str]:
    for cell in cells:
        if is_blank(cell):
            yield ""
        elif str(cell).strip() in EMPTY_MARKS:
            yield str(cell).strip()
