"""Pixels of decided masks and of the truth, and scores made from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from comp.contract.metric import Metric, Pair
from comp.contract.scoring.masks import PLANE_SCORES, Overlap, dice
from comp.contract.task import Params, Task, decide
from comp.inference.decisions import FittedDecisions
from comp.review.figures.image_items import ImageItem
from comp.tasks.mask_decision import NAMES, THRESHOLDS, PixelCounts, count_pixels

PlaneScore = Callable[[Overlap], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class MaskTable:
    """N images with K masks each: pixels in the target, in the decision and in both, int64."""

    ids: Sequence[str]
    groups: Sequence[str]
    target: np.ndarray
    """(N, K)."""
    decided: np.ndarray
    """(N, K)."""
    common: np.ndarray
    """(N, K)."""
    pixels: np.ndarray
    """(N,), of the image."""

    def scores(self, of_planes: PlaneScore) -> np.ndarray:
        """The score of each mask, float64 (N, K)."""
        overlap = Overlap(self.common.ravel(), self.target.ravel(), self.decided.ravel())
        return of_planes(overlap).reshape(self.target.shape)


def score_of_planes(metric: Metric) -> tuple[str, PlaneScore]:
    """The name and the score of a single mask that the metric is a mean of; else Dice."""
    score = getattr(metric.score, "of_planes", metric.score)
    if metric.takes == "decisions" and score in PLANE_SCORES:
        return metric.name, PLANE_SCORES[score]
    return "Dice", PLANE_SCORES[dice]


def fits_planes(task: Task) -> bool:
    """Whether the decision has a threshold, a least area and a least confidence for each mask."""
    decision = task.decision
    if decision is None or decision.fit is None:
        return False
    return len(decision.names) == len(NAMES) * task.outputs and decision.names[0].startswith(
        NAMES[0]
    )


def count_masks(
    items: Iterator[ImageItem],
    task: Task,
    metric: Metric,
    fitted: FittedDecisions,
    planes: bool,
) -> tuple[MaskTable, PixelCounts | None]:
    """Read the images once and count their pixels.

    Args:
        planes: also count at every threshold.
    """
    rows: list[tuple[np.ndarray, np.ndarray, np.ndarray, int]] = []
    ids: list[str] = []
    groups: list[str] = []
    assert task.decision is not None

    def counted() -> Iterator[Pair]:
        for item in items:
            params: Params = fitted.params
            if metric.takes == "decisions":
                params = fitted.by_fold.get(item.fold, params)
            inside = item.target > 0
            mask = decide(task.decision, item.prediction, params) > 0  # type: ignore[arg-type]
            sizes = [part.sum((0, 1)) for part in (inside, mask, inside & mask)]
            rows.append((sizes[0], sizes[1], sizes[2], inside[..., 0].size))
            ids.append(item.id)
            groups.append(item.group)
            yield Pair(item.target, item.prediction, item.id, item.group)

    counts = None
    if planes:
        counts = count_pixels(counted())
    else:
        for _pair in counted():
            pass
    target, decided, common, pixels = (np.array([row[index] for row in rows]) for index in range(4))
    table = MaskTable(
        ids=ids, groups=groups, target=target, decided=decided, common=common, pixels=pixels
    )
    return table, counts


def by_threshold(
    counts: PixelCounts, index: int, of_planes: PlaneScore, area: float, confidence: float
) -> np.ndarray:
    """The mean score of one of the masks at each of `THRESHOLDS`."""
    return np.array(
        [_mean(counts, index, of_planes, t, area, confidence) for t in range(len(THRESHOLDS))]
    )


def by_area(
    counts: PixelCounts,
    index: int,
    of_planes: PlaneScore,
    params: Params,
    areas: Sequence[float],
) -> np.ndarray:
    """The mean score of one of the masks at each least area, with the other parameters fixed."""
    threshold = int(np.abs(np.array(THRESHOLDS) - params[0]).argmin())
    return np.array([_mean(counts, index, of_planes, threshold, area, params[2]) for area in areas])


def _mean(
    counts: PixelCounts,
    index: int,
    of_planes: PlaneScore,
    threshold: int,
    area: float,
    confidence: float,
) -> float:
    decided, common = counts.decided[:, index, threshold], counts.common[:, index, threshold]
    kept = (decided >= area) & (counts.confidence[:, index, threshold] >= confidence)
    overlap = Overlap(common * kept, counts.target[:, index], decided * kept)
    return float(of_planes(overlap).mean())
