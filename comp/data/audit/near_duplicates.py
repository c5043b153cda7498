"""Images that look alike: re-encoded, resized, mirrored or turned copies of one another.

A signature is a perceptual hash, the signs of the lowest frequencies of the cosine transform, with
a thumbnail. Signs are soft: a frequency that is hardly there has next to none, for noise would turn
it. Pairs whose signs agree are candidates, found block by block with a product of matrices; those
with nearly the same thumbnail are near-duplicates. Mirroring an image turns the sign of every odd
horizontal frequency, standing it on its head that of every odd vertical one, and half a turn is
both, so that such copies cost no other hash. Crops, even of a few pixels, and quarter turns are out
of its reach.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

SIDE = 64
"""Pixels of a thumbnail's side."""
LOWEST = 16
"""Frequencies in each direction whose signs make the hash."""
LEAST_CONTRAST = 2.0
"""Standard deviation of a thumbnail, in greys of 255, below which nothing can be told."""
FAINT = 4.0
"""A frequency of this strength, in greys of 255, has half a sign."""
LEAST_AGREEMENT = 0.9
"""Cosine of the soft signs of two images from which they are candidates; copies are above 0.98."""
FINE = 2.5
"""Pixels of a thumbnail: what is much wider does not count when thumbnails are compared."""
LEAST_ALIKE = 0.985
"""Correlation of the fine structure of two thumbnails from which images are near-duplicates.

Of 5,216 radiographs no two different ones are above 0.81, and different pages on one paper come to
0.978; copies of half the size or with a JPEG quality of 40 stay above 0.99."""
BLOCK = 1024
"""So many images are compared with so many others at once."""
MOST_PAIRS = 10
"""So many pairs an image are told: with images of its own side, of others, and of APART."""
APART = -1
"""The side of images that are not compared with each other."""


@dataclass(frozen=True)
class Signature:
    """What an image is recognised by, each of length 1: the soft signs of its cosine transform
    without the mean, float32 (255,), and the fine structure of its thumbnail, float16 (64, 64)."""

    signs: np.ndarray
    detail: np.ndarray


@dataclass(frozen=True)
class Pair:
    """Two images that look alike, by their places in a list; `turn`, of `TURNS`, is what makes the
    second of the first. `alike` is the correlation of their thumbnails, at most 1."""

    first: int
    second: int
    turn: str
    alike: float


def signature(pixels: np.ndarray) -> Signature | None:
    """The signature of an image, uint8 (H, W) or (H, W, 3); None where it shows hardly anything."""
    grey = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    if small.std() < LEAST_CONTRAST:
        return None
    waves = cv2.dct(small)[:LOWEST, :LOWEST].ravel()[1:]
    signs = waves / (np.abs(waves) + FAINT)
    detail = small - cv2.GaussianBlur(small, (0, 0), FINE)
    return Signature(_unit(signs), _unit(detail).astype(np.float16))


def _unit(values: np.ndarray) -> np.ndarray:
    length = float(np.linalg.norm(values))
    return np.asarray(values / (length or 1.0), dtype=np.float32)


_ODD = (1 - 2 * (np.arange(LOWEST) % 2)).astype(np.float32)
_ACROSS, _DOWN = np.tile(_ODD, LOWEST)[1:], np.repeat(_ODD, LOWEST)[1:]
TURNS: dict[str, tuple[np.ndarray, int, int]] = {
    "": (np.ones_like(_ACROSS), 1, 1),
    "mirrored": (_ACROSS, 1, -1),
    "upside down": (_DOWN, -1, 1),
    "half turn": (_ACROSS * _DOWN, -1, -1),
}
"""What turning an image does to its signs, and the steps through rows and columns that turn it.
What looks the same turned in several ways counts as turned in the first."""


def near_pairs(
    signatures: Sequence[Signature | None],
    sides: Sequence[int] | None = None,
    on_image: Callable[[int, int], None] | None = None,
) -> list[Pair]:
    """Pairs of images that look alike, each once; those without a signature are left out.

    Args:
        sides: the side on which each image stands, all on one unless given.
        on_image: called with how many images were compared with all after them, and how many there
            are.
    """
    places = [place for place, one in enumerate(signatures) if one is not None]
    told = [one for one in signatures if one is not None]
    if len(told) < 2:
        return []
    signs = np.stack([one.signs for one in told])
    side = np.array([sides[place] if sides else 0 for place in places])
    room = np.full((len(told), 3), MOST_PAIRS)
    found = []
    for start in range(0, len(told), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(told)))
        for begin in range(start, len(told), BLOCK):
            columns = np.arange(begin, min(begin + BLOCK, len(told)))
            found += _in_blocks(told, signs, side, room, rows, columns)
        if on_image:
            on_image(min(start + BLOCK, len(told)), len(told))
    return [Pair(places[i], places[j], turn, alike) for i, j, turn, alike in sorted(found)]


def _in_blocks(
    told: Sequence[Signature],
    signs: np.ndarray,
    side: np.ndarray,
    room: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
) -> list[tuple[int, int, str, float]]:
    """The pairs of two blocks, of each image those for which there is room, which they take."""
    one, other = side[rows][:, None], side[columns][None]
    kind = np.where((one == APART) != (other == APART), 2, one != other)
    wanted = (rows[:, None] < columns) & ((one != APART) | (other != APART))
    found = []
    for turn, (flips, down, across) in TURNS.items():
        wanted &= np.take_along_axis(room[rows], kind, axis=1) > 0
        if not wanted.any():
            break
        likely = wanted & (signs[rows] @ (signs[columns] * flips).T >= LEAST_AGREEMENT)
        high, wide = np.flatnonzero(likely.any(axis=1)), np.flatnonzero(likely.any(axis=0))
        if not len(high):
            continue
        first = np.stack([told[i].detail for i in rows[high]])
        second = np.stack([told[j].detail[::down, ::across] for j in columns[wide]])
        alike = _flat(first) @ _flat(second).T
        inner = np.ix_(high, wide)
        near = likely[inner] & (alike >= LEAST_ALIKE)
        wanted[inner] &= ~near
        near = _fitting(near, kind[inner], room, rows[high])
        for i, j in zip(*np.nonzero(near), strict=True):
            found.append((int(rows[high[i]]), int(columns[wide[j]]), turn, float(alike[i, j])))
    return found


def _flat(detail: np.ndarray) -> np.ndarray:
    return detail.reshape(len(detail), -1).astype(np.float32)


def _fitting(near: np.ndarray, kind: np.ndarray, room: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Of pairs, a row an image, the first of each kind for which there is room; it is taken."""
    kept = np.zeros_like(near)
    for one in range(room.shape[1]):
        own = near & (kind == one)
        own &= own.cumsum(axis=1) <= room[rows, one][:, None]
        room[rows, one] -= own.sum(axis=1)
        kept |= own
    return kept
