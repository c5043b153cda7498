"""Suspects of a wrong label as tables, and as a sheet of their images."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from rich.console import RenderableType
from rich.table import Table

if TYPE_CHECKING:
    from comp.runs.suspects import LabelSwap, Suspect, SuspectGroup, SuspectList

SHOWN = 20
"""Suspects and groups in the tables; the CSV file has all."""
COLUMNS = 6
SIDE = 180
"""Width of a tile in pixels, and the height of its image."""
_LINE, _LETTERS, _LINES, _GAP = 14, 26, 4, 8
"""Height of a line of text, letters in a line, lines below an image, pixels between tiles."""


def suspect_parts(found: SuspectList) -> Iterator[RenderableType]:
    """What to print: the tables, the notes, and the sentence."""
    if found.suspects:
        yield _suspects_table(found)
    if found.swaps:
        yield _swaps_table(found.swaps)
    if found.groups:
        yield _groups_table(found.group, found.groups)
    if found.synthetic:
        yield "synthetic data: its labels say nothing about the competition"
    for note in found.notes:
        yield f"note: {note}"
    yield found.words


def _suspects_table(found: SuspectList) -> Table:
    several = any(one.label for one in found.suspects)
    estimated = found.estimated_wrong is not None
    grouped = any(one.group for one in found.suspects)
    more = f", first {SHOWN} of {len(found.suspects):,}" if len(found.suspects) > SHOWN else ""
    table = Table(title=f"{found.competition}, run {found.run_id}{more}")
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("sample", overflow="fold")
    for name in ["label"] * several + ["given", "suggested"]:
        table.add_column(name, overflow="fold")
    for name in ["p given", "p suggested"] * estimated + ["score", "fold"]:
        table.add_column(name, justify="right", no_wrap=True)
    if grouped:
        table.add_column(found.group, overflow="fold")
    for one in found.suspects[:SHOWN]:
        chances = [_number(one.p_given), _number(one.p_suggested)] * estimated
        table.add_row(
            str(one.rank),
            one.id,
            *[one.label] * several,
            one.given,
            one.suggested,
            *chances,
            f"{one.score:.4g}",
            str(one.fold),
            *[one.group] * grouped,
        )
    return table


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _swaps_table(swaps: Sequence[LabelSwap]) -> Table:
    several = any(swap.label for swap in swaps)
    table = Table(title="estimated to be wrong")
    for name in ["label"] * several + ["given", "suggested"]:
        table.add_column(name, overflow="fold")
    table.add_column("labels", justify="right", no_wrap=True)
    for swap in swaps[:SHOWN]:
        table.add_row(*[swap.label] * several, swap.given, swap.suggested, f"{swap.count:,}")
    return table


def _groups_table(noun: str, groups: Sequence[SuspectGroup]) -> Table:
    table = Table(title=f"several suspects of one {noun}")
    table.add_column(noun, overflow="fold")
    table.add_column("suspects", justify="right", no_wrap=True)
    table.add_column("samples", justify="right", no_wrap=True)
    for group in groups[:SHOWN]:
        table.add_row(group.name, f"{group.suspects:,}", f"{group.samples:,}")
    return table


@dataclass(frozen=True, kw_only=True)
class SuspectTile:
    """A suspect with its pictures: its image or, of dense targets, image, target and prediction."""

    suspect: Suspect
    panels: Sequence[np.ndarray]
    """uint8 (H, W, C)."""


def draw_sheet(tiles: Sequence[SuspectTile]) -> np.ndarray:
    """A sheet of suspects with id, given and suggested label: uint8 (H, W, 3).

    Args:
        tiles: at least one; all have the same number of panels.
    """
    drawn = [_tile(tile) for tile in tiles]
    columns = max(1, min(len(drawn), COLUMNS // len(tiles[0].panels)))
    blank = np.full_like(drawn[0], 255)
    drawn += [blank] * (-len(drawn) % columns)
    rows = [
        np.concatenate(drawn[start : start + columns], axis=1)
        for start in range(0, len(drawn), columns)
    ]
    return np.concatenate(rows, axis=0)


def _tile(tile: SuspectTile) -> np.ndarray:
    import cv2

    width = SIDE * len(tile.panels)
    canvas = np.full((SIDE + _LINES * _LINE + _GAP, width + _GAP, 3), 255, dtype=np.uint8)
    for index, panel in enumerate(tile.panels):
        canvas[:SIDE, index * SIDE : (index + 1) * SIDE] = _fitted(panel)
    for row, text in enumerate(_caption(tile.suspect, _LETTERS * len(tile.panels))):
        place = (2, SIDE + (row + 1) * _LINE - 2)
        cv2.putText(canvas, text, place, cv2.FONT_HERSHEY_PLAIN, 0.8, (0, 0, 0), 1, cv2.LINE_AA)
    return canvas


def _fitted(image: np.ndarray) -> np.ndarray:
    """An image of any size in the middle of a grey square, uint8 (SIDE, SIDE, 3)."""
    import cv2

    colour = image[..., :3] if image.shape[2] >= 3 else np.repeat(image[..., :1], 3, axis=2)
    height, width = colour.shape[:2]
    scale = SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    resized = cv2.resize(np.ascontiguousarray(colour), size, interpolation=how)
    square = np.full((SIDE, SIDE, 3), 200, dtype=np.uint8)
    top, left = (SIDE - size[1]) // 2, (SIDE - size[0]) // 2
    square[top : top + size[1], left : left + size[0]] = resized
    return square


def _caption(suspect: Suspect, letters: int) -> list[str]:
    """At most four lines of ASCII, which the font of OpenCV has; the end of an id says most."""
    head = f"{suspect.rank}. {suspect.id}"
    if len(head) > 2 * letters:
        head = f"{suspect.rank}. ...{suspect.id[-(2 * letters - 10) :]}"
    label = f"{suspect.label}: " if suspect.label else ""
    change = f"{label}{suspect.given} -> {suspect.suggested}"
    lines = [*textwrap.wrap(head, letters)[:2], *textwrap.wrap(change, letters)[:1]]
    lines.append(f"score {suspect.score:.3g}")
    return [line.encode("ascii", "replace").decode() for line in lines]
