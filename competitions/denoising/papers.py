"""The paper behind text pages, recovered from several pages on the same paper or estimated.

Several scans of one paper show the same stains and folds behind different text. `recover_papers`
finds such pages and takes, at each pixel, the value on which most of them agree: only a minority
has text at a given pixel, and the others show the paper. If too few pages share a paper, their
papers come from `estimate_paper`, which uses one page.
Pages are grey, 8-bit, of any size; papers are aligned at the top left corner.
"""

from collections.abc import Callable, Mapping, Sequence

import cv2
import numpy as np

from competitions.denoising.linkage import average_linkage

MIN_PAGES = 5  # smallest number of pages from which a paper is recovered
MAX_DIFFERENCE = 4.0  # grey levels: largest median difference between two pages on one paper
MAX_RINGING = 16  # grey levels by which ringing around ink may be brighter than the paper
ABSENT = -512  # value of pixels below the end of a shorter page


def estimate_paper(page: np.ndarray, stroke: int = 9, smooth: int = 11) -> np.ndarray:
    """Estimate the paper of one page: close the dark strokes, then smooth the result."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (stroke, stroke))
    closed = cv2.morphologyEx(page, cv2.MORPH_CLOSE, kernel)
    return np.asarray(cv2.medianBlur(closed, smooth))


def recover_papers(pages: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the paper of each page, in the page's own size."""
    return papers_of(pages, estimate_paper)


def papers_of(
    pages: Mapping[str, np.ndarray], estimate: Callable[[np.ndarray], np.ndarray]
) -> dict[str, np.ndarray]:
    """As `recover_papers`, with another function for pages that share no paper."""
    names = sorted(pages)
    papers: dict[str, np.ndarray] = {}
    for cluster in _clusters([pages[name] for name in names]):
        members = [names[index] for index in cluster]
        shared = len(members) >= MIN_PAGES
        if shared:
            paper = _shared_paper([pages[name] for name in members])
        for name in members:
            height, width = pages[name].shape
            papers[name] = paper[:height, :width].copy() if shared else estimate(pages[name])
    return papers


def _difference(first: np.ndarray, second: np.ndarray, step: int = 5) -> float:
    """Median absolute difference over a grid of the common area of two pages."""
    height, width = np.minimum(first.shape, second.shape)
    if 2 * height * width < min(first.size, second.size):
        return 255.0
    a = first[:height:step, :width:step].astype(np.int16)
    return float(np.median(np.abs(a - second[:height:step, :width:step])))


def _clusters(pages: Sequence[np.ndarray]) -> list[list[int]]:
    """Cluster pages by paper: average linkage of their median differences."""
    if len(pages) < MIN_PAGES:
        return [[index] for index in range(len(pages))]
    distances = np.full((len(pages), len(pages)), np.inf)
    for index, first in enumerate(pages):
        for other in range(index + 1, len(pages)):
            distances[index, other] = distances[other, index] = _difference(first, pages[other])
    return average_linkage(distances, MAX_DIFFERENCE)


def _shared_paper(pages: Sequence[np.ndarray]) -> np.ndarray:
    """At each pixel, the centre of the tightest quarter of the values."""
    height, width = np.max([page.shape for page in pages], axis=0)
    share = max(2, -(-len(pages) // 4))
    paper = np.empty((height, width), np.int16)
    for top in range(0, height, 64):  # in strips, to save memory
        rows = min(64, height - top)
        values = np.full((len(pages), rows, width), ABSENT, np.int16)
        for index, page in enumerate(pages):
            strip = page[top : top + rows]
            values[index, : strip.shape[0], : strip.shape[1]] = strip
        values.sort(axis=0)
        low, high = values[: len(pages) - share + 1], values[share - 1 :]
        # Tight and bright: overlapping strokes of many pages also agree, but are dark.
        cost = 4 * (high - low) + (values[-1] - high)
        # The last of the best windows is the brightest.
        best = len(cost) - 1 - cost[::-1].argmin(axis=0)
        middle = np.take_along_axis(values, (best + share // 2)[None], axis=0)[0]
        # Ink cannot make a page much brighter than the others; its paper can.
        brightest = values[-1]
        paper[top : top + rows] = np.where(brightest - middle > MAX_RINGING, brightest, middle)
    return paper.clip(0).astype(np.uint8)  # 0 in corners that no page shows
