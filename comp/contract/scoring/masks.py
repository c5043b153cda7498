"""Scores of segmentations, one image in memory at a time.

Target and decision are masks, (H, W, K) of 0 and 1, one plane per class. All scores are 0..1, and
NaN if there are no pairs, or a decision is not finite.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from comp.contract.metric import Pairs
from comp.contract.scoring.arrays import NAN, check_same_shape

if TYPE_CHECKING:
    import numpy as np


class Overlap(NamedTuple):
    """Pixels of each plane of one image, int64 (K,): in both masks, the target, the decision."""

    common: np.ndarray
    target: np.ndarray
    decision: np.ndarray

    @property
    def union(self) -> np.ndarray:
        """Pixels in the target or the decision, int64 (K,)."""
        pixels: np.ndarray = self.target + self.decision - self.common
        return pixels


def dice(pairs: Pairs) -> float:
    """Dice coefficient, 2 |A and B| / (|A| + |B|), the mean over all planes of all images; 1 if
    both masks are empty."""
    return _mean_over_planes(_dice, pairs)


def iou(pairs: Pairs) -> float:
    """Intersection over union, the mean over all planes of all images; 1 if both are empty."""
    return _mean_over_planes(_iou, pairs)


def dice_micro(pairs: Pairs) -> float:
    """Dice coefficient of the pixels of all planes of all images together; 1 if all masks are
    empty."""
    common, size, images = 0, 0, 0
    for target, decision in pairs:
        overlap = _overlap(target, decision)
        if overlap is None:
            return NAN
        common += int(overlap.common.sum())
        size += int((overlap.target + overlap.decision).sum())
        images += 1
    if not images:
        return NAN
    return 2 * common / size if size else 1.0


def mean_precision_of_iou(pairs: Pairs) -> float:
    """Share of the thresholds 0.50, 0.55, ..., 0.95 that the intersection over union of a mask
    exceeds, the mean over all planes of all images. If the target is empty, 1 for an empty
    decision and else 0."""
    return _mean_over_planes(_share_of_thresholds, pairs)


def _dice(overlap: Overlap) -> np.ndarray:
    return _ratio(2 * overlap.common, overlap.target + overlap.decision)


def _iou(overlap: Overlap) -> np.ndarray:
    return _ratio(overlap.common, overlap.union)


def _share_of_thresholds(overlap: Overlap) -> np.ndarray:
    import numpy as np

    # In whole numbers, since 0.05 is not exact: common / union > n / 20.
    thresholds = np.arange(10, 20)[:, None]
    shares: np.ndarray = (20 * overlap.common > thresholds * overlap.union).mean(0)
    return np.where(overlap.union == 0, 1.0, shares)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, 1 if both are 0."""
    import numpy as np

    ratios: np.ndarray = np.divide(part, whole, out=np.ones(whole.shape), where=whole > 0)
    return ratios


def _mean_over_planes(score: Callable[[Overlap], np.ndarray], pairs: Pairs) -> float:
    total, planes = 0.0, 0
    for target, decision in pairs:
        overlap = _overlap(target, decision)
        if overlap is None:
            return NAN
        scores = score(overlap)
        total += float(scores.sum())
        planes += scores.size
    return total / planes if planes else NAN


def _overlap(target: np.ndarray, decision: np.ndarray) -> Overlap | None:
    """The pixels of both masks; None if the decision is not finite.

    Raises:
        ValueError: the shapes differ or are not (H, W, K), or a value is not 0 or 1.
    """
    import numpy as np

    target, decision = np.asarray(target), np.asarray(decision)
    check_same_shape(target, decision)
    if target.ndim != 3:
        raise ValueError(
            f"a target has shape {target.shape}, and this metric compares masks (H, W, K): "
            "choose a metric of classes or labels, such as f1"
        )
    expected = _mask(target, "target")
    if not np.isfinite(decision).all():
        return None
    decided = _mask(decision, "decision")
    area = (0, 1)
    return Overlap((expected & decided).sum(area), expected.sum(area), decided.sum(area))


def _mask(values: np.ndarray, role: str) -> np.ndarray:
    """The mask as bool."""
    mask = values.astype(bool)
    invalid = values[values != mask]
    if invalid.size:
        advice = "decide with a threshold before you score" if role == "decision" else "encode it"
        raise ValueError(f"a pixel of a {role} is {invalid[0]:g}, not 0 or 1: {advice}")
    return mask


PLANE_SCORES: Mapping[Callable[[Pairs], float], Callable[[Overlap], np.ndarray]] = {
    dice: _dice,
    iou: _iou,
    mean_precision_of_iou: _share_of_thresholds,
}
"""Score that is a mean over planes -> its value for each plane, from counts of any number of
planes; a search for thresholds counts once and scores many times."""
