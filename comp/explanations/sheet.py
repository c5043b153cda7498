"""A sheet of explained samples: the image, Grad-CAM and occlusion side by side, with a caption."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np

from comp.explanations.explained import ExplainedSample
from comp.report.escaping import escape_unprintable

SIDE = 200
"""Height and width of a picture in pixels."""
COLUMNS = 2
"""Samples beside each other."""
_LINE, _LINES, _GAP = 16, 4, 12
"""Height of a line of text, lines below the pictures, pixels between samples."""
_LETTER = 9
"""Pixels of a letter, at least."""
_WHITE = 255


def draw_sheet(samples: Sequence[ExplainedSample]) -> np.ndarray:
    """A sheet of at least one sample: uint8 (H, W, 3). The numbers are those of the table."""
    tiles = [_tile(number, sample) for number, sample in enumerate(samples, start=1)]
    columns = min(COLUMNS, len(tiles))
    tiles += [np.full_like(tiles[0], _WHITE)] * (-len(tiles) % columns)
    rows = [
        np.concatenate(tiles[start : start + columns], axis=1)
        for start in range(0, len(tiles), columns)
    ]
    return np.concatenate(rows, axis=0)


def _tile(number: int, sample: ExplainedSample) -> np.ndarray:
    import cv2

    occluded = sample.occlusion_overlay
    pictures = [sample.image, sample.overlay, *([] if occluded is None else [occluded])]
    width = SIDE * len(pictures)
    canvas = np.full((SIDE + _LINES * _LINE + _GAP, width + _GAP, 3), _WHITE, dtype=np.uint8)
    for index, picture in enumerate(pictures):
        canvas[:SIDE, index * SIDE : (index + 1) * SIDE] = _fitted(picture)
    for row, text in enumerate(_caption(number, sample, width // _LETTER)):
        place = (2, SIDE + (row + 1) * _LINE - 3)
        cv2.putText(canvas, text, place, cv2.FONT_HERSHEY_PLAIN, 0.9, (0, 0, 0), 1, cv2.LINE_AA)
    return canvas


def _fitted(picture: np.ndarray) -> np.ndarray:
    """A picture in the middle of a grey square, uint8 (SIDE, SIDE, 3)."""
    import cv2

    height, width = picture.shape[:2]
    scale = SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    square = np.full((SIDE, SIDE, 3), 200, dtype=np.uint8)
    top, left = (SIDE - size[1]) // 2, (SIDE - size[0]) // 2
    resized = cv2.resize(picture, size, interpolation=how)
    square[top : top + size[1], left : left + size[0]] = resized
    return square


def _caption(number: int, sample: ExplainedSample, letters: int) -> list[str]:
    """Lines of ASCII, which the font of OpenCV has; the end of an id says most."""
    name = escape_unprintable(sample.id)
    head = f"{number}. {name}"
    if len(head) > letters:
        head = f"{number}. ...{name[-(letters - 10) :]}"
    truth = f"truth {sample.truth}, " if sample.truth else "test, "
    said = f"{truth}decided {sample.decision}" if sample.decision else truth.rstrip(", ")
    maps = f"maps: what speaks for {sample.target}{_number(sample.probability)}"
    agreement = f"map and occlusion {sample.agreement_words}" if sample.agreement_words else ""
    if sample.agreement is not None:
        agreement += f" ({sample.agreement:.2f})"
    if sample.empty:
        agreement = f"nothing speaks for {sample.target}"
    lines = [head, *(textwrap.shorten(escape_unprintable(t), letters) for t in (said, maps))]
    lines.append(textwrap.shorten(escape_unprintable(agreement), letters))
    return [line.encode("ascii", "replace").decode() for line in lines]


def _number(value: float | None) -> str:
    return "" if value is None else f" ({value:.4g})"
