"""ROC and precision-recall curves of classes and labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from comp.page.blocks import Figure
from comp.page.charts import LineChart, Series
from comp.page.words import Text, say

POINTS = 250
"""Points of a curve that are drawn."""
CURVES = 6
"""Curves of one chart."""


@dataclass(frozen=True, kw_only=True)
class RankCurves:
    """How well scores rank positive samples above negative ones."""

    false_rate: np.ndarray
    """False positive rate, rising; `true_rate` belongs to it."""
    true_rate: np.ndarray
    auc: float
    recall: np.ndarray
    """Falling; `precision` belongs to it."""
    precision: np.ndarray
    average_precision: float


def rank_curves(positive: np.ndarray, scores: np.ndarray) -> RankCurves | None:
    """The curves of scores (N,); None if all samples are positive, or none is.

    Args:
        positive: bool (N,).
    """
    from sklearn.metrics import (
        auc,
        average_precision_score,
        precision_recall_curve,
        roc_curve,
    )

    if positive.all() or not positive.any():
        return None
    false_rate, true_rate, _ = roc_curve(positive, scores)
    precision, recall, _ = precision_recall_curve(positive, scores)
    return RankCurves(
        false_rate=false_rate,
        true_rate=true_rate,
        auc=float(auc(false_rate, true_rate)),
        recall=recall,
        precision=precision,
        average_precision=float(average_precision_score(positive, scores)),
    )


def areas(positive: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """Area under the ROC curve and average precision; NaN if all samples are positive, or none."""
    found = rank_curves(positive, scores)
    return (found.auc, found.average_precision) if found else (float("nan"), float("nan"))


def roc_figure(curves: Sequence[tuple[Text, RankCurves]]) -> Figure:
    """ROC curves with their areas."""
    return Figure(
        LineChart(
            title=say("ROC curve"),
            series=[
                _line(
                    say("{name}, area {area:.4f}", name=name, area=curve.auc),
                    curve.false_rate,
                    curve.true_rate,
                )
                for name, curve in curves
            ],
            x_label=say("false positive rate: negatives that are taken for positives"),
            y_label=say("true positive rate"),
            x_range=(0.0, 1.0),
            y_range=(0.0, 1.0),
            diagonal=True,
        )
    )


def precision_figure(curves: Sequence[tuple[Text, RankCurves]], share: float | None) -> Figure:
    """Precision-recall curves with their average precision.

    Args:
        share: of the positive samples, which is the precision of a guess; None draws no line.
    """
    lines = [
        _line(
            say("{name}, average precision {area:.4f}", name=name, area=curve.average_precision),
            curve.recall,
            curve.precision,
        )
        for name, curve in curves
    ]
    if share is not None:
        guess = say("a guess, {share:.4f}", share=share)
        lines.append(Series(name=guess, x=[0.0, 1.0], y=[share, share], dashed=True, colour=7))
    return Figure(
        LineChart(
            title=say("Precision and recall"),
            series=lines,
            x_label=say("recall: positives that are found"),
            y_label=say("precision"),
            x_range=(0.0, 1.0),
            y_range=(0.0, 1.0),
        )
    )


def _line(name: Text, x: np.ndarray, y: np.ndarray) -> Series:
    rows = along(x, y)
    return Series(name=name, x=x[rows].round(5).tolist(), y=y[rows].round(5).tolist())


def along(x: np.ndarray, y: np.ndarray, points: int = POINTS) -> np.ndarray:
    """Indices of at most `points` points of a curve, evenly spaced along its length."""
    if len(x) <= points:
        return np.arange(len(x))
    steps = np.abs(np.diff(x)) + np.abs(np.diff(y))
    length = np.concatenate([[0.0], np.cumsum(steps)])
    wanted = np.linspace(0, length[-1], points)
    found: np.ndarray = np.unique(np.searchsorted(length, wanted).clip(0, len(x) - 1))
    return found
