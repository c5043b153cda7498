"""What the metric that Kaggle names says about the task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from comp.discovery.kaggle_metrics import our_metrics

_CLASSES = ("binary", "multiclass")
_NUMBERS = ("regression",)
_MASKS = ("masks",)
FITTING: Mapping[str, tuple[str, ...]] = {
    "auc": _CLASSES,
    "log-loss": _CLASSES,
    "mean-auc": ("multilabel",),
    "mean-log-loss": ("multilabel",),
    "accuracy": _CLASSES,
    "balanced-accuracy": _CLASSES,
    "f1": ("binary",),
    "f1-micro": ("multiclass", "multilabel"),
    "f1-macro": ("multiclass", "multilabel"),
    "f1-samples": ("multilabel",),
    "f2": ("binary",),
    "f2-samples": ("multilabel",),
    "qwk": ("ordinal",),
    "mcc": _CLASSES,
    "pf1": ("binary",),
    "rmse": ("regression", "images"),
    "rmsle": _NUMBERS,
    "mae": ("regression", "images"),
    "r2": _NUMBERS,
    "spearman": _NUMBERS,
    "mcrmse": _NUMBERS,
    "mcrmsle": _NUMBERS,
    "mape": _NUMBERS,
    "rmspe": _NUMBERS,
    "dice": _MASKS,
    "dice-micro": _MASKS,
    "iou": _MASKS,
    "map-of-iou": _MASKS,
}
"""Metric -> the kinds of tasks whose predictions it scores."""
_FAMILY = {
    "f1": ("f1-macro", "f1-samples"),
    "f1-samples": ("f1-micro", "f1"),
    "f2": ("f2-samples",),
}
"""Metrics that Kaggle calls by the same name when they score another kind of task."""


@dataclass(frozen=True)
class MetricHint:
    """A metric in Kaggle's words, and the metrics of comp that it may mean."""

    said: str = ""
    candidates: tuple[str, ...] = ()

    @property
    def why(self) -> str:
        """The reason for a metric that follows from the words."""
        other = ", which is 2 AUC - 1" if is_gini(self.said) else ""
        return f"Kaggle calls it '{self.said}'{other}"

    def of(self, kind: str) -> str | None:
        """The metric for a kind of task: a name of `comp.contract.metrics`, or "map@" if the number
        is not said; None if it scores no such task."""
        if is_gini(self.said) and kind != "binary":
            return None
        return next((name for name in self.candidates if kind in kinds_of(name)), None)


def kinds_of(metric: str) -> tuple[str, ...]:
    """The kinds of tasks that a metric scores."""
    if metric.startswith("map@"):
        return ("multiclass", "multilabel")
    return FITTING.get(metric, ())


def is_gini(said: str) -> bool:
    """Whether a name is that of the Gini index, which orders two classes as AUC does, and ranks
    numbers as no metric of comp does."""
    return "gini" in said.lower()


def metric_hint(said: str | None) -> MetricHint:
    """What a name of a metric says; without candidates if comp does not know it."""
    names = our_metrics(said) if said else ()
    names = names or ((said,) if said and said.lower() in FITTING else ())
    more = [other for name in names for other in _FAMILY.get(name, ())]
    return MetricHint(said or "", (*names, *more))
