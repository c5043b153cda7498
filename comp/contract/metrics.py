"""Metrics by name, as values for a plugin: `from comp.contract.metrics import QWK`.

The formulas, their ranges and when they are NaN are in `comp.contract.scoring`. No metric
broadcasts: a ValueError names the shapes of targets and predictions that cannot be compared.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import get_args

from comp.contract.metric import Metric, Pairs, own_arrays
from comp.contract.number_metrics import (
    MAE,
    MAPE,
    MEAN_COLUMNWISE_RMSE,
    MEAN_COLUMNWISE_RMSLE,
    R2,
    RMSE,
    RMSLE,
    RMSPE,
    SPEARMAN,
)
from comp.contract.scoring.classes import (
    Average,
    accuracy,
    auc,
    balanced_accuracy,
    f_beta_score,
    log_loss,
    matthews_correlation,
    probabilistic_f1,
    quadratic_weighted_kappa,
)
from comp.contract.scoring.labels import mean_auc, mean_average_precision, mean_log_loss
from comp.contract.scoring.masks import dice, dice_micro, iou, mean_precision_of_iou
from comp.contract.scoring.numbers import rmse
from comp.errors import CompetitionError

__all__ = [
    "ACCURACY", "AUC", "BALANCED_ACCURACY", "DICE", "DICE_MICRO", "F1", "F1_MACRO", "F1_MICRO",
    "F1_SAMPLES", "F2", "F2_SAMPLES", "IOU", "LOG_LOSS", "MAE", "MAPE", "MAP_AT_3", "MAP_AT_5",
    "MAP_OF_IOU", "MCC", "MEAN_AUC", "MEAN_COLUMNWISE_RMSE", "MEAN_COLUMNWISE_RMSLE",
    "MEAN_LOG_LOSS", "METRICS", "PF1", "QWK", "R2", "RMSE", "RMSLE", "RMSPE", "SPEARMAN",
    "accuracy", "auc", "by_name", "f_beta", "log_loss", "map_at_k", "rmse", "weighted",
]  # fmt: skip

_KAGGLE = "https://www.kaggle.com/competitions/"
_SKLEARN = "https://scikit-learn.org/stable/modules/generated/sklearn.metrics."


def f_beta(beta: float, average: Average) -> Metric:
    """F-beta of decisions, 0..1; larger is better.

    Args:
        beta: how many times as much as precision recall weighs, above 0.
        average: "binary" for class 1 of two; "micro" or "macro" for several classes or labels;
            "samples" for several labels, the mean over the samples.

    Raises:
        ValueError: `beta` or `average` is invalid.
    """
    if not 0 < beta < math.inf:
        raise ValueError(f"beta is {beta}: use a number above 0, such as 1")
    if average not in get_args(Average):
        raise ValueError(f"average is {average!r}: use one of {', '.join(get_args(Average))}")
    return Metric(
        name=f"F{beta:g}" if average == "binary" else f"F{beta:g} {average}",
        score=partial(f_beta_score, beta, average),
        direction="max",
        takes="decisions",
        source=_SKLEARN + "fbeta_score.html",
    )


def map_at_k(k: int) -> Metric:
    """Mean average precision at `k`, 0..1, of the predicted order of classes or labels; larger is
    better.

    Raises:
        ValueError: `k` is not a positive whole number.
    """
    if int(k) != k or k < 1:
        raise ValueError(f"k is {k}: use a whole number of 1 or more")
    return Metric(
        name=f"MAP@{k}",
        score=partial(mean_average_precision, int(k)),
        direction="max",
        source=_KAGGLE + "humpback-whale-identification/overview/evaluation",
        top=int(k),
    )


def weighted(name: str, *parts: tuple[Metric, float]) -> Metric:
    """The sum of other metrics, each multiplied by its weight; NaN if one of them is NaN.

    Raises:
        ValueError: the parts do not fit together, or a weight is not a number above 0.
    """
    if not parts:
        raise ValueError("a weighted metric needs parts: give (metric, weight), ...")
    for metric, weight in parts:
        if not 0 < weight < math.inf:
            raise ValueError(f"the weight of {metric.name} is {weight}: use a number above 0")
    first = parts[0][0]
    for metric, _ in parts:
        if metric.direction != first.direction:
            raise ValueError(
                f"{first.name} has direction {first.direction!r} and {metric.name} "
                f"{metric.direction!r}: weigh metrics of one direction"
            )
        if metric.takes != first.takes:
            raise ValueError(
                f"{first.name} takes {first.takes} and {metric.name} takes {metric.takes}: "
                "weigh metrics that take the same"
            )
    return Metric(
        name=name,
        score=partial(_weighted_sum, tuple((m.score, float(weight)) for m, weight in parts)),
        direction=first.direction,
        takes=first.takes,
        source=" + ".join(f"{weight:g} {m.name}" for m, weight in parts),
    )


def _weighted_sum(parts: tuple[tuple[Callable[[Pairs], float], float], ...], pairs: Pairs) -> float:
    """Pairs that can be iterated once only are stored as a list; each part gets copies of them."""
    if isinstance(pairs, Iterator):
        pairs = list(pairs)
    listed = isinstance(pairs, list | tuple)  # others make new arrays each time
    return float(
        sum(
            weight * score([own_arrays(pair) for pair in pairs] if listed else pairs)
            for score, weight in parts
        )
    )


AUC = Metric(name="AUC", score=auc, direction="max", source=_SKLEARN + "roc_auc_score.html")
"""Of two classes, or the mean over K classes of each against the rest."""
LOG_LOSS = Metric(
    name="log loss", score=log_loss, direction="min", source=_SKLEARN + "log_loss.html"
)
"""Of two or more classes."""
MEAN_AUC = Metric(
    name="mean AUC",
    score=mean_auc,
    direction="max",
    source=_KAGGLE + "ranzcr-clip-catheter-line-classification/overview/evaluation",
)
"""Of several labels, the mean over the labels."""
MEAN_LOG_LOSS = Metric(
    name="mean log loss",
    score=mean_log_loss,
    direction="min",
    source=_KAGGLE + "lish-moa/overview/evaluation",
)
"""Of several labels, the mean over the labels."""
ACCURACY = Metric(
    name="accuracy",
    score=accuracy,
    direction="max",
    takes="decisions",
    source=_SKLEARN + "accuracy_score.html",
)
"""Of two or more classes."""
BALANCED_ACCURACY = Metric(
    name="balanced accuracy",
    score=balanced_accuracy,
    direction="max",
    takes="decisions",
    source=_SKLEARN + "balanced_accuracy_score.html",
)
"""Of two or more classes, the mean recall."""
F1 = f_beta(1, "binary")
"""Of two classes; class 1 is the positive class."""
F1_MICRO = f_beta(1, "micro")
"""Of classes or several labels, pooled."""
F1_MACRO = f_beta(1, "macro")
"""Of classes or several labels, the mean over them."""
F1_SAMPLES = f_beta(1, "samples")
"""Of several labels, the mean over the samples."""
F2 = f_beta(2, "binary")
"""Of two classes; recall weighs twice as much as precision."""
F2_SAMPLES = f_beta(2, "samples")
"""Of several labels, the mean over the samples; recall weighs twice as much as precision."""
QWK = Metric(
    name="QWK",
    score=quadratic_weighted_kappa,
    direction="max",
    takes="decisions",
    source=_KAGGLE + "aptos2019-blindness-detection/overview/evaluation",
)
"""Quadratic weighted kappa of ordered grades."""
MCC = Metric(
    name="MCC",
    score=matthews_correlation,
    direction="max",
    takes="decisions",
    source=_SKLEARN + "matthews_corrcoef.html",
)
"""Matthews correlation of two or more classes."""
PF1 = Metric(
    name="pF1",
    score=probabilistic_f1,
    direction="max",
    source=_KAGGLE + "rsna-breast-cancer-detection/overview/evaluation",
)
"""Probabilistic F1 of two classes."""
MAP_AT_3 = map_at_k(3)
"""Of classes or several labels."""
MAP_AT_5 = map_at_k(5)
"""Of classes or several labels."""
DICE = Metric(
    name="Dice",
    score=dice,
    direction="max",
    takes="decisions",
    source=_KAGGLE + "severstal-steel-defect-detection/overview/evaluation",
)
"""Of masks, the mean over all planes of all images."""
DICE_MICRO = Metric(
    name="Dice micro",
    score=dice_micro,
    direction="max",
    takes="decisions",
    source=_KAGGLE + "google-research-identify-contrails-reduce-global-warming/overview/evaluation",
)
"""Of masks, over the pixels of all images together."""
IOU = Metric(
    name="IoU",
    score=iou,
    direction="max",
    takes="decisions",
    source=_SKLEARN + "jaccard_score.html",
)
"""Of masks, the mean over all planes of all images."""
MAP_OF_IOU = Metric(
    name="mAP of IoU",
    score=mean_precision_of_iou,
    direction="max",
    takes="decisions",
    source=_KAGGLE + "tgs-salt-identification-challenge/overview/evaluation",
)
"""Of masks, over the IoU thresholds 0.50 to 0.95."""

METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        metric.name.lower().replace(" ", "-"): metric
        for metric in (
            AUC, LOG_LOSS, MEAN_AUC, MEAN_LOG_LOSS, ACCURACY, BALANCED_ACCURACY, F1, F1_MICRO,
            F1_MACRO, F1_SAMPLES, F2, F2_SAMPLES, QWK, MCC, PF1, MAP_AT_3, MAP_AT_5, RMSE, RMSLE,
            MAE, MAPE, RMSPE, R2, SPEARMAN, MEAN_COLUMNWISE_RMSE, MEAN_COLUMNWISE_RMSLE, DICE,
            DICE_MICRO, IOU, MAP_OF_IOU,
        )
    }
)  # fmt: skip
"""All metrics by name, in lower case with dashes: "mean-auc"."""


def by_name(name: str) -> Metric:
    """The metric with a name of METRICS, or "map@K" for any K; spaces and capitals do not matter.

    Raises:
        CompetitionError: there is no such metric; the message contains the nearest name.
    """
    key = re.sub(r"[\s_-]+", "-", name.strip().lower())
    if key in METRICS:
        return METRICS[key]
    if match := re.fullmatch(r"map@([1-9]\d{0,3})", key):
        return map_at_k(int(match[1]))
    near = difflib.get_close_matches(key, METRICS, n=1)
    advice = f"did you mean {near[0]!r}? Metrics" if near else "metrics"
    raise CompetitionError(f"unknown metric {name!r}: {advice} by name: {', '.join(METRICS)}")
