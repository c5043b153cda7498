"""Find images that look alike: re-encoded, resized, mirrored or rotated copies of one another.

A signature is a perceptual hash, the signs of the lowest frequencies of the cosine transform, and a
thumbnail. The signs are soft: noise could change the sign of a weak frequency, so its value is near
zero. Pairs whose signs agree are candidates, found block by block with a matrix product; candidates
with nearly the same thumbnail are near-duplicates. A horizontal flip changes the sign of every odd
horizontal frequency, a vertical flip that of every odd vertical one, and a half turn both, so such
copies need no second hash. Cropped copies and quarter turns are not found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

THUMBNAIL = 64
"""Pixels of a thumbnail's side."""
FREQUENCIES = 16
"""Number of lowest frequencies in each direction whose signs form the hash."""
MIN_CONTRAST = 2.0
"""Smallest standard deviation of a thumbnail, in grey levels of 255, that gives a signature."""
WEAK_FREQUENCY = 4.0
"""A frequency of this strength, in grey levels of 255, has a soft sign of 0.5."""
MIN_AGREEMENT = 0.9
"""Smallest cosine of the soft signs of candidates; for copies it is above 0.98."""
DETAIL_SIGMA = 2.5
"""Structures much wider than this, in thumbnail pixels, are removed before the comparison."""
MIN_CORRELATION = 0.985
"""Smallest correlation of the fine structure of two near-duplicates.

Of 5,216 radiographs no two different ones exceed 0.81, and different pages on the same paper reach
0.978; copies of half the size or with a JPEG quality of 40 stay above 0.99."""
BLOCK = 1024
"""Number of images that are compared with the same number of others at a time."""
MAX_PAIRS = 10
"""Limit of the pairs of an image, for each kind: same set, different sets, and with UNCOMPARED."""
UNCOMPARED = -1
"""The set of images that are not compared with each other."""


@dataclass(frozen=True)
class Signature:
    """What identifies an image, each of length 1: the soft signs of its cosine transform without
    the mean, float32 (255,), and the fine structure of its thumbnail, float16 (64, 64)."""

    signs: np.ndarray
    detail: np.ndarray


@dataclass(frozen=True)
class NearPair:
    """Two images that look alike, by their indices in a list. `flip`, a key of `FLIPS`, turns the
    first into the second. `correlation`, at most 1, is that of their thumbnails."""

    first: int
    second: int
    flip: str
    correlation: float


def compute_signature(pixels: np.ndarray) -> Signature | None:
    """The signature of an image, uint8 (H, W) or (H, W, 3); None if it has too little contrast."""
    grey = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    size = (THUMBNAIL, THUMBNAIL)
    thumbnail = cv2.resize(grey, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    if thumbnail.std() < MIN_CONTRAST:
        return None
    waves = cv2.dct(thumbnail)[:FREQUENCIES, :FREQUENCIES].ravel()[1:]
    signs = waves / (np.abs(waves) + WEAK_FREQUENCY)
    detail = thumbnail - cv2.GaussianBlur(thumbnail, (0, 0), DETAIL_SIGMA)
    return Signature(_unit_length(signs), _unit_length(detail).astype(np.float16))


def _unit_length(values: np.ndarray) -> np.ndarray:
    length = float(np.linalg.norm(values))
    return np.asarray(values / (length or 1.0), dtype=np.float32)


_ALTERNATING = (1 - 2 * (np.arange(FREQUENCIES) % 2)).astype(np.float32)
_ACROSS = np.tile(_ALTERNATING, FREQUENCIES)[1:]
_DOWN = np.repeat(_ALTERNATING, FREQUENCIES)[1:]
FLIPS: dict[str, tuple[np.ndarray, int, int]] = {
    "": (np.ones_like(_ACROSS), 1, 1),
    "mirrored": (_ACROSS, 1, -1),
    "upside down": (_DOWN, -1, 1),
    "half turn": (_ACROSS * _DOWN, -1, -1),
}
"""Name of a flip -> factors of the signs, and steps through rows and columns. If an image looks the
same after several flips, the first one counts."""


def find_near_pairs(
    signatures: Sequence[Signature | None],
    sets: Sequence[int] | None = None,
    on_image: Callable[[int, int], None] | None = None,
) -> list[NearPair]:
    """All pairs of images that look alike; images without a signature are left out.

    Args:
        sets: the set of each image, such as its group; by default all are in one set.
        on_image: called with the number of images that were compared with all later ones, and the
            total.
    """
    indices = [index for index, signature in enumerate(signatures) if signature is not None]
    known = [signature for signature in signatures if signature is not None]
    if len(known) < 2:
        return []
    signs = np.stack([signature.signs for signature in known])
    set_of = np.array([sets[index] if sets else 0 for index in indices])
    quota = np.full((len(known), 3), MAX_PAIRS)
    pairs = []
    for start in range(0, len(known), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(known)))
        for begin in range(start, len(known), BLOCK):
            columns = np.arange(begin, min(begin + BLOCK, len(known)))
            pairs += _pairs_of_blocks(known, signs, set_of, quota, rows, columns)
        if on_image:
            on_image(min(start + BLOCK, len(known)), len(known))
    return [NearPair(indices[i], indices[j], flip, value) for i, j, flip, value in sorted(pairs)]


def _pairs_of_blocks(
    signatures: Sequence[Signature],
    signs: np.ndarray,
    set_of: np.ndarray,
    quota: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
) -> list[tuple[int, int, str, float]]:
    """The pairs of two blocks of images, within the quota of each image, which they reduce."""
    first_set, second_set = set_of[rows][:, None], set_of[columns][None]
    first_uncompared, second_uncompared = first_set == UNCOMPARED, second_set == UNCOMPARED
    kind = np.where(first_uncompared != second_uncompared, 2, first_set != second_set)
    open_pairs = (rows[:, None] < columns) & ~(first_uncompared & second_uncompared)
    pairs = []
    for flip, (factors, down, across) in FLIPS.items():
        open_pairs &= np.take_along_axis(quota[rows], kind, axis=1) > 0
        if not open_pairs.any():
            break
        candidates = open_pairs & (signs[rows] @ (signs[columns] * factors).T >= MIN_AGREEMENT)
        high = np.flatnonzero(candidates.any(axis=1))
        wide = np.flatnonzero(candidates.any(axis=0))
        if not len(high):
            continue
        first = np.stack([signatures[i].detail for i in rows[high]])
        second = np.stack([signatures[j].detail[::down, ::across] for j in columns[wide]])
        correlation = _flat(first) @ _flat(second).T
        block = np.ix_(high, wide)
        near = candidates[block] & (correlation >= MIN_CORRELATION)
        open_pairs[block] &= ~near
        near = _within_quota(near, kind[block], quota, rows[high])
        for i, j in zip(*np.nonzero(near), strict=True):
            value = float(correlation[i, j])
            pairs.append((int(rows[high[i]]), int(columns[wide[j]]), flip, value))
    return pairs


def _flat(detail: np.ndarray) -> np.ndarray:
    return detail.reshape(len(detail), -1).astype(np.float32)


def _within_quota(
    near: np.ndarray, kinds: np.ndarray, quota: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """The first pairs of each row and kind within the quota of the image, which is reduced."""
    allowed = np.zeros_like(near)
    for kind in range(quota.shape[1]):
        of_kind = near & (kinds == kind)
        of_kind &= of_kind.cumsum(axis=1) <= quota[rows, kind][:, None]
        quota[rows, kind] -= of_kind.sum(axis=1)
        allowed |= of_kind
    return allowed
