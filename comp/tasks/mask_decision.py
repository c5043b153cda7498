"""From probabilities of pixels to masks: a threshold, a least area and a least confidence.

Each class has its own. A mask with fewer pixels than the least area, or whose pixels have a lower
mean probability than the least confidence, becomes empty. Metrics that count images punish a few
stray pixels in an empty image as much as a wrong mask. All three are fitted for the metric on
out-of-fold predictions.
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

NAMES = ("threshold", "least area", "least confidence")
DEFAULT: Params = (0.5, 0.0, 0.0)
"""The parameters of each class, `NAMES`, before they are fitted."""
THRESHOLDS = tuple(i / 40 for i in range(4, 37))
"""Candidates: 0.1 to 0.9."""
CONFIDENCES = (0.0, *(i / 40 for i in range(4, 40)))
"""Candidates for the least confidence: 0, and 0.1 to 0.975."""
AREAS = 16
"""Candidates for the least area, up to `LARGEST` of the median image; 0 is one more."""
LARGEST = 0.1
_SLOW_THRESHOLDS, _SLOW_AREAS, _SLOW_CONFIDENCES = THRESHOLDS[::4], 5, CONFIDENCES[19::4]


def decide_masks(prediction: np.ndarray, params: Params) -> np.ndarray:
    """Masks float32 (H, W, K) of 0 and 1: probability >= threshold, empty below the least area or
    the least confidence.

    A pixel whose probability is not finite stays not finite, so that a metric notices it.

    Args:
        prediction: probabilities (H, W, K).
        params: threshold, least area in pixels and least mean probability of each class, in turn.
    """
    import numpy as np

    chances = np.asarray(prediction, dtype=np.float32)
    threshold, area, confidence = (np.array(params[i :: len(NAMES)]) for i in range(len(NAMES)))
    inside = chances >= threshold.astype(np.float32)
    sizes = inside.sum((0, 1))
    sums = chances.sum((0, 1), dtype=np.float64, where=inside)
    masks = inside.astype(np.float32)
    masks[..., (sizes < area) | (_confidence(sums, sizes) < confidence)] = 0
    masks[~np.isfinite(chances)] = np.nan
    return np.asarray(masks)


def _confidence(sums: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """The mean probability of the pixels of masks; 0 of an empty one."""
    import numpy as np

    mean: np.ndarray = np.divide(sums, sizes, out=np.zeros(sums.shape), where=sizes > 0)
    return mean


def decide_exclusive(prediction: np.ndarray, _params: Params) -> np.ndarray:
    """The most probable class of each pixel, as float32 (H, W, K) of 0 and 1."""
    import numpy as np

    chances = np.asarray(prediction, dtype=np.float32)
    masks = (chances.argmax(2)[..., None] == np.arange(chances.shape[2])).astype(np.float32)
    masks[~np.isfinite(chances)] = np.nan
    return np.asarray(masks)


def fit_masks(pairs: Pairs, metric: Metric, seed: int, classes: int) -> Params:
    """The threshold, least area and least confidence of each class with the best metric.

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
    """Pixels of N images and K classes at T thresholds: what overlaps are made of. The numbers of
    pixels are int64."""

    target: np.ndarray
    """(N, K), in the target."""
    decided: np.ndarray
    """(N, K, T), with a probability of at least the threshold."""
    common: np.ndarray
    """(N, K, T), in both."""
    confidence: np.ndarray
    """(N, K, T), the mean probability of the decided pixels, in 0..1; 0 without one."""
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
        inside, chances = np.asarray(target) > 0, np.asarray(prediction, dtype=np.float32)
        level = np.searchsorted(edges, chances, side="right")
        planes = [(level[..., k], inside[..., k], chances[..., k]) for k in range(level.shape[2])]
        decided = np.stack([_at_least(levels) for levels, _, _ in planes])
        common = np.stack([_at_least(levels[where]) for levels, where, _ in planes])
        sums = np.stack([_at_least(levels, values) for levels, _, values in planes])
        confidence = _confidence(sums, decided)
        rows.append((inside.sum((0, 1)), decided, common, confidence, inside[..., 0].size))
        groups.append(getattr(pair, "group", None) or name)
    columns = zip(*rows, strict=True) if rows else [()] * 5
    target, decided, common, confidence, pixels = (np.array(column) for column in columns)
    return PixelCounts(target, decided, common, confidence, pixels, groups)


def _at_least(levels: np.ndarray, values: np.ndarray | None = None) -> np.ndarray:
    """How many pixels reach each threshold, or the sum of their values, from the number of
    thresholds that each pixel reaches."""
    import numpy as np

    weights = None if values is None else values.ravel()
    counts = np.bincount(levels.ravel(), weights, minlength=len(THRESHOLDS) + 1)
    return counts[::-1].cumsum()[::-1][1:]


def _fit_class(counts: PixelCounts, index: int, score: Any, seed: int) -> Params:
    import numpy as np

    from comp.inference.decisions import gain_is_real

    areas = _areas(float(np.median(counts.pixels)))
    smooth = _smoothed(
        np.array([_means(counts, index, score, t, areas) for t in range(len(THRESHOLDS))])
    )
    ties = np.argwhere(smooth >= smooth.max() - 1e-12)
    place = min(ties, key=lambda tie: (*tie[1:], abs(THRESHOLDS[tie[0]] - DEFAULT[0])))
    params = THRESHOLDS[place[0]], float(areas[place[1]]), CONFIDENCES[place[2]]
    best, default = (_of_images(counts, index, score, p) for p in (params, DEFAULT))
    real = gain_is_real(lambda i: (best[i].mean(), default[i].mean()), counts.groups, seed)
    return params if real else DEFAULT


def _areas(pixels: float) -> list[int]:
    import numpy as np

    largest = max(1.0, LARGEST * pixels)
    return [0, *np.unique(np.geomspace(min(4.0, largest), largest, AREAS).round().astype(int))]


def _of_images(counts: PixelCounts, index: int, score: Any, params: Params) -> np.ndarray:
    """The score of each image, (N,)."""
    threshold, area, confidence = THRESHOLDS.index(params[0]), *params[1:]
    kept = counts.decided[:, index, threshold] >= area
    kept &= counts.confidence[:, index, threshold] >= confidence
    return _scores(counts, index, score, threshold, kept)


def _scores(
    counts: PixelCounts, index: int, score: Any, threshold: int, kept: np.ndarray
) -> np.ndarray:
    """The score of each image, (N,); the masks of those that are not `kept` become empty."""
    from comp.contract.scoring.masks import Overlap

    decided, common = counts.decided[:, index, threshold], counts.common[:, index, threshold]
    scores: np.ndarray = score(Overlap(common * kept, counts.target[:, index], decided * kept))
    return scores


def _means(
    counts: PixelCounts, index: int, score: Any, threshold: int, areas: Sequence[int]
) -> np.ndarray:
    """The mean score at a threshold for each least area and each of `CONFIDENCES`."""
    import numpy as np

    every = np.ones(len(counts.groups), dtype=bool)
    empty = _scores(counts, index, score, threshold, ~every)
    gains = _scores(counts, index, score, threshold, every) - empty
    order = np.argsort(-counts.confidence[:, index, threshold], kind="stable")
    confidence = counts.confidence[order, index, threshold]
    kept = np.searchsorted(-confidence, -np.array(CONFIDENCES), side="right")
    sizes, gains = counts.decided[order, index, threshold], gains[order]
    sums = [np.concatenate([[0.0], np.cumsum(gains * (sizes >= area))])[kept] for area in areas]
    mean: np.ndarray = empty.mean() + np.array(sums) / len(gains)
    return mean


def _smoothed(scores: np.ndarray) -> np.ndarray:
    """The mean of each cell and all that touch it; cells at the border are repeated."""
    from scipy.ndimage import uniform_filter

    mean: np.ndarray = uniform_filter(scores, 3, mode="nearest")
    return mean


def _fit_by_decisions(pairs: Pairs, metric: Metric, classes: int) -> Params:
    """The best of a few values of each parameter, one after the other; the pairs are read each
    time."""
    import numpy as np

    shape = next((np.shape(prediction) for _, prediction in pairs), None)
    if shape is None:
        return DEFAULT * classes
    areas = _areas(shape[0] * shape[1])[1 :: AREAS // _SLOW_AREAS]
    best = DEFAULT
    kept = metric.score((y, decide_masks(p, best * classes)) for y, p in pairs)
    for index, candidates in enumerate((_SLOW_THRESHOLDS, areas, _SLOW_CONFIDENCES)):
        start = best
        for candidate in candidates:
            tried = (*start[:index], float(candidate), *start[index + 1 :])
            value = metric.score((y, decide_masks(p, tried * classes)) for y, p in pairs)
            if metric.better(value, None if kept != kept else kept):
                best, kept = tried, value
    return best * classes
