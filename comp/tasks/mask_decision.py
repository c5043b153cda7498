"""From probabilities of pixels to masks: a threshold and a least area per class.

A mask with fewer pixels than the least area becomes empty: metrics that count images punish a few
stray pixels as much as a wrong mask. Both are fitted for the metric on out-of-fold predictions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from comp.contract.metric import Metric, Pairs
from comp.contract.task import Params
from comp.errors import RunError

if TYPE_CHECKING:
    import numpy as np

DEFAULT: Params = (0.5, 0.0)
"""Threshold and least area of each class before they are fitted."""
THRESHOLDS = tuple(i / 40 for i in range(4, 37))
"""Candidates: 0.1 to 0.9."""
AREAS = 16
"""Candidates for the least area, up to `LARGEST` of the median image; 0 is one more."""
LARGEST = 0.1
_SLOW_THRESHOLDS, _SLOW_AREAS = THRESHOLDS[::4], 5


def decide_masks(prediction: np.ndarray, params: Params) -> np.ndarray:
    """Masks float32 (H, W, K) of 0 and 1: probability >= threshold, empty below the least area.

    A pixel whose probability is not finite stays not finite, so that a metric notices it.

    Args:
        prediction: probabilities (H, W, K).
        params: threshold and least area in pixels of each class, in turn.
    """
    import numpy as np

    chances = np.asarray(prediction, dtype=np.float32)
    masks = (chances >= np.array(params[0::2], dtype=np.float32)).astype(np.float32)
    masks[..., masks.sum((0, 1)) < np.array(params[1::2])] = 0
    masks[~np.isfinite(chances)] = np.nan
    return np.asarray(masks)


def decide_exclusive(prediction: np.ndarray, _params: Params) -> np.ndarray:
    """The most probable class of each pixel, as float32 (H, W, K) of 0 and 1."""
    import numpy as np

    chances = np.asarray(prediction, dtype=np.float32)
    masks = (chances.argmax(2)[..., None] == np.arange(chances.shape[2])).astype(np.float32)
    masks[~np.isfinite(chances)] = np.nan
    return np.asarray(masks)


def fit_masks(pairs: Pairs, metric: Metric, seed: int, classes: int) -> Params:
    """The threshold and the least area of each class with the best metric.

    Metrics that are means over planes are computed from counts, collected in one pass. The score of
    a candidate is the mean over it and its neighbours, which a single lucky image moves less. The
    result is the default unless its gain is larger than one standard error (`gain_is_real`). A
    metric of predictions is replaced by Dice. Other metrics of decisions are computed for a few
    candidates, the same for all classes.

    Raises:
        RunError: a prediction is not finite.
    """
    from comp.contract.scoring.masks import PLANE_SCORES, dice

    score = metric.score if metric.takes == "decisions" else dice
    score = getattr(score, "of_planes", score)  # each class is fitted by itself
    if score not in PLANE_SCORES:
        return _fit_by_decisions(pairs, metric, classes)
    counts = count_pixels(pairs)
    if not len(counts.groups):
        return DEFAULT * classes
    params: list[float] = []
    for index in range(classes):
        params += _fit_class(counts, index, PLANE_SCORES[score], seed)
    return tuple(params)


@dataclass(frozen=True)
class PixelCounts:
    """Pixels of N images and K classes at T thresholds, int64: what overlaps are made of."""

    target: np.ndarray
    """(N, K), in the target."""
    decided: np.ndarray
    """(N, K, T), with a probability of at least the threshold."""
    common: np.ndarray
    """(N, K, T), in both."""
    pixels: np.ndarray
    """(N,), of the image."""
    groups: Sequence[str]


def count_pixels(pairs: Pairs) -> PixelCounts:
    """Count the pixels of all pairs in one pass; nothing else of an image is kept.

    Raises:
        RunError: a prediction is not finite.
    """
    import numpy as np

    edges = np.array(THRESHOLDS, dtype=np.float32)
    rows: list[Any] = []
    groups: list[str] = []
    for pair in pairs:
        target, prediction = pair
        name = getattr(pair, "id", "") or str(len(groups))
        if not np.isfinite(prediction).all():
            raise RunError(
                f"the prediction of {name} is not finite: training diverged, lower optim.lr"
            )
        inside = np.asarray(target) > 0
        level = np.searchsorted(edges, np.asarray(prediction, dtype=np.float32), side="right")
        decided, common = (
            np.stack([_at_least(level[..., k][where[..., k]]) for k in range(level.shape[2])])
            for where in (np.ones_like(inside), inside)
        )
        rows.append((inside.sum((0, 1)), decided, common, inside[..., 0].size))
        groups.append(getattr(pair, "group", None) or name)
    columns = zip(*rows, strict=True) if rows else [()] * 4
    target, decided, common, pixels = (np.array(column) for column in columns)
    return PixelCounts(target, decided, common, pixels, groups)


def _at_least(levels: np.ndarray) -> np.ndarray:
    """How many pixels reach each threshold, from the number of thresholds that each reaches."""
    import numpy as np

    counts = np.bincount(levels, minlength=len(THRESHOLDS) + 1)
    return counts[::-1].cumsum()[::-1][1:]


def _fit_class(counts: PixelCounts, index: int, score: Any, seed: int) -> Params:
    import numpy as np

    from comp.inference.decisions import gain_is_real

    areas = _areas(float(np.median(counts.pixels)))
    scores = [
        [_mean(counts, index, score, t, area) for t in range(len(THRESHOLDS))] for area in areas
    ]
    smooth = _smoothed(np.array(scores))
    ties = np.argwhere(smooth >= smooth.max() - 1e-12)
    row, column = min(ties, key=lambda tie: (tie[0], abs(THRESHOLDS[tie[1]] - DEFAULT[0])))
    best = _of_images(counts, index, score, column, areas[row])
    default = _of_images(counts, index, score, THRESHOLDS.index(DEFAULT[0]), DEFAULT[1])
    real = gain_is_real(lambda i: (best[i].mean(), default[i].mean()), counts.groups, seed)
    return (THRESHOLDS[column], float(areas[row])) if real else DEFAULT


def _areas(pixels: float) -> list[int]:
    import numpy as np

    largest = max(1.0, LARGEST * pixels)
    return [0, *np.unique(np.geomspace(min(4.0, largest), largest, AREAS).round().astype(int))]


def _of_images(
    counts: PixelCounts, index: int, score: Any, threshold: int, area: float
) -> np.ndarray:
    """The score of each image, (N,)."""
    from comp.contract.scoring.masks import Overlap

    decided, common = counts.decided[:, index, threshold], counts.common[:, index, threshold]
    kept = decided >= area
    scores: np.ndarray = score(Overlap(common * kept, counts.target[:, index], decided * kept))
    return scores


def _mean(counts: PixelCounts, index: int, score: Any, threshold: int, area: float) -> float:
    return float(_of_images(counts, index, score, threshold, area).mean())


def _smoothed(scores: np.ndarray) -> np.ndarray:
    """The mean of each cell and its eight neighbours; cells at the border are repeated."""
    import numpy as np

    padded = np.pad(scores, 1, mode="edge")
    rows, columns = scores.shape
    parts = [padded[i : i + rows, j : j + columns] for i in range(3) for j in range(3)]
    mean: np.ndarray = np.mean(parts, axis=0)
    return mean


def _fit_by_decisions(pairs: Pairs, metric: Metric, classes: int) -> Params:
    """The best of a few thresholds, then of a few least areas; the pairs are read each time."""
    import numpy as np

    shape = next((np.shape(prediction) for _, prediction in pairs), None)
    if shape is None:
        return DEFAULT * classes
    areas = _areas(shape[0] * shape[1])[1 :: AREAS // _SLOW_AREAS]
    best = DEFAULT * classes
    for candidates in (
        [(t, 0.0) for t in _SLOW_THRESHOLDS],
        [(None, float(area)) for area in areas],
    ):
        kept = metric.score((y, decide_masks(p, best)) for y, p in pairs)
        for threshold, area in candidates:
            tried = (best[0] if threshold is None else threshold, area) * classes
            value = metric.score((y, decide_masks(p, tried)) for y, p in pairs)
            if metric.better(value, None if kept != kept else kept):
                best, kept = tried, value
    return best
