"""Names of metrics as Kaggle and people write them, and the metrics of comp that they mean."""

from __future__ import annotations

import re
from collections.abc import Mapping

_LABELS = "mean-auc"
KNOWN: Mapping[str, tuple[str, ...]] = {
    "accuracy": ("accuracy",),
    "accuracy score": ("accuracy",),
    "categorization accuracy": ("accuracy",),
    "classification accuracy": ("accuracy",),
    "multiclass accuracy": ("accuracy",),
    "balanced accuracy": ("balanced-accuracy",),
    "balanced accuracy score": ("balanced-accuracy",),
    "auc": ("auc", _LABELS),
    "roc auc": ("auc", _LABELS),
    "auc roc": ("auc", _LABELS),
    "auroc": ("auc", _LABELS),
    "roc auc score": ("auc", _LABELS),
    "area under curve": ("auc", _LABELS),
    "area under the curve": ("auc", _LABELS),
    "area under receiver operating characteristic curve": ("auc", _LABELS),
    "area under the receiver operating characteristic curve": ("auc", _LABELS),
    "area under the roc curve": ("auc", _LABELS),
    "gini": ("auc",),
    "gini index": ("auc",),
    "normalized gini": ("auc",),
    "normalized gini index": ("auc",),
    "normalized gini coefficient": ("auc",),
    "mean auc": (_LABELS, "auc"),
    "mc auc": (_LABELS, "auc"),
    "mean column wise auc": (_LABELS, "auc"),
    "mean columnwise auc": (_LABELS, "auc"),
    "mean column wise area under receiver operating characteristic curve": (_LABELS, "auc"),
    "mean columnwise area under receiver operating characteristic curve": (_LABELS, "auc"),
    "mean column wise roc auc": (_LABELS, "auc"),
    "mean columnwise roc auc": (_LABELS, "auc"),
    "log loss": ("log-loss", "mean-log-loss"),
    "logarithmic loss": ("log-loss", "mean-log-loss"),
    "binary log loss": ("log-loss", "mean-log-loss"),
    "binary cross entropy": ("log-loss", "mean-log-loss"),
    "cross entropy": ("log-loss", "mean-log-loss"),
    "multiclass loss": ("log-loss",),
    "multi class loss": ("log-loss",),
    "multiclass log loss": ("log-loss",),
    "multi class log loss": ("log-loss",),
    "multi class logarithmic loss": ("log-loss",),
    "multiclass logarithmic loss": ("log-loss",),
    "mean log loss": ("mean-log-loss", "log-loss"),
    "mean column wise log loss": ("mean-log-loss",),
    "mean columnwise log loss": ("mean-log-loss",),
    "quadratic weighted kappa": ("qwk",),
    "quadratic kappa": ("qwk",),
    "qwk": ("qwk",),
    "f1": ("f1",),
    "f score": ("f1",),
    "f1 score": ("f1",),
    "binary f1 score": ("f1",),
    "mean f score": ("f1-samples",),
    "mean f1 score": ("f1-samples",),
    "mean f1": ("f1-samples",),
    "mean f score beta 1": ("f1-samples",),
    "samples f1": ("f1-samples",),
    "f1 samples": ("f1-samples",),
    "micro f1": ("f1-micro",),
    "micro f1 score": ("f1-micro",),
    "micro f score": ("f1-micro",),
    "micro averaged f1 score": ("f1-micro",),
    "f1 micro": ("f1-micro",),
    "macro f1": ("f1-macro",),
    "macro f1 score": ("f1-macro",),
    "macro f score": ("f1-macro",),
    "macro averaged f1 score": ("f1-macro",),
    "f1 macro": ("f1-macro",),
    "f2": ("f2", "f2-samples"),
    "f2 score": ("f2", "f2-samples"),
    "mean f2 score": ("f2-samples",),
    "mean f score beta 2": ("f2-samples",),
    "matthews correlation coefficient": ("mcc",),
    "mcc": ("mcc",),
    "probabilistic f1": ("pf1",),
    "probabilistic f1 score": ("pf1",),
    "pf1": ("pf1",),
    "rmse": ("rmse",),
    "root mean squared error": ("rmse",),
    "root mean square error": ("rmse",),
    "rmsle": ("rmsle",),
    "root mean squared logarithmic error": ("rmsle",),
    "root mean squared log error": ("rmsle",),
    "mean columnwise root mean squared error": ("mcrmse",),
    "mean column wise root mean squared error": ("mcrmse",),
    "mcrmse": ("mcrmse",),
    "mean columnwise root mean squared logarithmic error": ("mcrmsle",),
    "mean column wise root mean squared logarithmic error": ("mcrmsle",),
    "mcrmsle": ("mcrmsle",),
    "mape": ("mape",),
    "mean absolute percentage error": ("mape",),
    "rmspe": ("rmspe",),
    "root mean square percentage error": ("rmspe",),
    "root mean squared percentage error": ("rmspe",),
    "mae": ("mae",),
    "mean absolute error": ("mae",),
    "r2": ("r2",),
    "r2 score": ("r2",),
    "r squared": ("r2",),
    "coefficient of determination": ("r2",),
    "spearman": ("spearman",),
    "spearman correlation": ("spearman",),
    "spearman s correlation": ("spearman",),
    "spearman rank correlation": ("spearman",),
    "mean column wise spearman s correlation": ("spearman",),
    "mean columnwise spearman correlation": ("spearman",),
    "dice": ("dice",),
    "dice coefficient": ("dice",),
    "dice score": ("dice",),
    "mean dice coefficient": ("dice",),
    "global dice coefficient": ("dice-micro",),
    "iou": ("iou",),
    "mean iou": ("iou",),
    "jaccard": ("iou",),
    "jaccard index": ("iou",),
    "intersection over union": ("iou",),
    "mean intersection over union": ("iou",),
    "intersection over union object segmentation": ("map-of-iou",),
    "mean average precision at different intersection over union iou thresholds": ("map-of-iou",),
    "map of iou": ("map-of-iou",),
}
"""A name in lower case words: metrics by name, of which the first that fits the task is meant."""
_AT = re.compile(r"(?:mean average precision|map|mean average precision at|map at) ?@? ?(\d{1,4})")
_RANKING = re.compile(r"(?:mean average precision|map) ?(?:@|at) ?k?")


def our_metrics(name: str) -> tuple[str, ...]:
    """The metrics of comp that a name may mean, the most likely first; () if none is known.

    "MAP@{K}", without a number, is "map@": the number of names in a row of the sample submission
    says which.
    """
    without_brackets = re.sub(r"\([^)]*\)", " ", name)
    for words in (_words(name), _words(without_brackets)):
        if match := _AT.fullmatch(words):
            return (f"map@{int(match[1])}",) if int(match[1]) else ()
        if found := KNOWN.get(words) or _JOINED.get(words.replace(" ", "")):
            return found
        if _RANKING.fullmatch(words):
            return ("map@",)
    return ()


_JOINED = {key.replace(" ", ""): metrics for key, metrics in KNOWN.items()}


def _words(name: str) -> str:
    """The words of a name in lower case: "MulticlassLoss" becomes "multiclass loss"."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return " ".join(re.findall(r"[a-z0-9]+|@", spaced.lower()))
