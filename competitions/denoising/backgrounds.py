"""Paper backgrounds of text pages: recovered from pages that share a paper, else guessed.

Several scans of one pad of paper show the same stains and folds behind different text.
`recover` finds such pages and takes, at each pixel, the value on which most of them agree:
text covers a given pixel on a minority of them, and on the others the paper is the same.
A page whose paper too few others share gets `estimate`, which uses that page alone.
Pages are grey, 8-bit, of any size; papers are aligned at the top left corner.
"""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

SHARED = 5  # fewest pages from which a paper is recovered
SAME = 4.0  # grey levels: largest median difference between two pages of one paper
GLARE = 16  # grey levels by which ringing around ink may outshine the paper
ABSENT = -512  # marks what a page shorter than its paper does not show


def estimate(page: np.ndarray, stroke: int = 9, smooth: int = 11) -> np.ndarray:
    """Guess the paper of a single page: close the dark strokes, then smooth what is left."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (stroke, stroke))
    closed = cv2.morphologyEx(page, cv2.MORPH_CLOSE, kernel)
    return np.asarray(cv2.medianBlur(closed, smooth))


def recover(pages: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the background of each page, of the page's own size."""
    names = sorted(pages)
    found: dict[str, np.ndarray] = {}
    for group in _group([pages[name] for name in names]):
        members = [names[index] for index in group]
        if len(members) >= SHARED:
            paper = _agree([pages[name] for name in members])
        for name in members:
            height, width = pages[name].shape
            shared = len(members) >= SHARED
            found[name] = paper[:height, :width].copy() if shared else estimate(pages[name])
    return found


def _difference(first: np.ndarray, second: np.ndarray, step: int = 5) -> float:
    """Median absolute difference over a grid of the area that both pages show."""
    height, width = np.minimum(first.shape, second.shape)
    if 2 * height * width < min(first.size, second.size):
        return 255.0
    a = first[:height:step, :width:step].astype(np.int16)
    return float(np.median(np.abs(a - second[:height:step, :width:step])))


def _group(pages: Sequence[np.ndarray]) -> list[list[int]]:
    """Cluster pages by paper: average linkage of their median differences."""
    from scipy.cluster.hierarchy import fcluster, linkage

    if len(pages) < SHARED:
        return [[index] for index in range(len(pages))]
    distances = [
        _difference(first, second)
        for index, first in enumerate(pages)
        for second in pages[index + 1 :]
    ]
    labels = fcluster(linkage(distances, "average"), SAME, "distance")
    return [np.flatnonzero(labels == label).tolist() for label in np.unique(labels)]


def _agree(pages: Sequence[np.ndarray]) -> np.ndarray:
    """Per pixel, the centre of the tightest quarter of the values."""
    height, width = np.max([page.shape for page in pages], axis=0)
    share = max(2, -(-len(pages) // 4))
    paper = np.empty((height, width), np.int16)
    for top in range(0, height, 64):  # in strips, to keep memory small
        rows = min(64, height - top)
        values = np.full((len(pages), rows, width), ABSENT, np.int16)
        for index, page in enumerate(pages):
            strip = page[top : top + rows]
            values[index, : strip.shape[0], : strip.shape[1]] = strip
        values.sort(axis=0)
        low, high = values[: len(pages) - share + 1], values[share - 1 :]
        # Tight and bright: strokes that overlap on many pages agree as well, but are dark.
        cost = 4 * (high - low) + (values[-1] - high)
        # The last of the best windows, which is the brightest.
        best = len(cost) - 1 - cost[::-1].argmin(axis=0)
        middle = np.take_along_axis(values, (best + share // 2)[None], axis=0)[0]
        # Only its paper, never ink, makes a page much brighter than the others.
        brightest = values[-1]
        paper[top : top + rows] = np.where(brightest - middle > GLARE, brightest, middle)
    return paper.clip(0).astype(np.uint8)  # 0 in corners that no page shows
