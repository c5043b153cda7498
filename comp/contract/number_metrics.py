"""Metrics of numbers and of images by name; `comp.contract.metrics` lists them with the others."""

from __future__ import annotations

from comp.contract.metric import Metric
from comp.contract.scoring.numbers import (
    mae,
    mape,
    mean_columnwise_rmse,
    mean_columnwise_rmsle,
    r2,
    rmse,
    rmsle,
    rmspe,
    spearman,
)

_KAGGLE = "https://www.kaggle.com/competitions/"
_SKLEARN = "https://scikit-learn.org/stable/modules/generated/sklearn.metrics."

RMSE = Metric(
    name="RMSE",
    score=rmse,
    direction="min",
    source=_SKLEARN + "root_mean_squared_error.html",
)
"""Of numbers or images, over all values."""
RMSLE = Metric(
    name="RMSLE",
    score=rmsle,
    direction="min",
    source=_SKLEARN + "root_mean_squared_log_error.html",
)
"""Of numbers or images, over all values."""
MAE = Metric(name="MAE", score=mae, direction="min", source=_SKLEARN + "mean_absolute_error.html")
"""Of numbers or images, over all values."""
MAPE = Metric(
    name="MAPE",
    score=mape,
    direction="min",
    source=_SKLEARN + "mean_absolute_percentage_error.html",
)
"""Of numbers or images, over all values; a target of 0 is refused."""
RMSPE = Metric(
    name="RMSPE",
    score=rmspe,
    direction="min",
    source=_KAGGLE + "rossmann-store-sales/overview/evaluation",
)
"""Of numbers or images, over all values whose target is not 0."""
R2 = Metric(name="R2", score=r2, direction="max", source=_SKLEARN + "r2_score.html")
"""Of numbers, the mean over the columns."""
SPEARMAN = Metric(
    name="Spearman",
    score=spearman,
    direction="max",
    source=_KAGGLE + "google-quest-challenge/overview/evaluation",
)
"""Rank correlation of numbers, the mean over the columns."""
MEAN_COLUMNWISE_RMSE = Metric(
    name="MCRMSE",
    score=mean_columnwise_rmse,
    direction="min",
    source=_KAGGLE + "stanford-covid-vaccine/overview/evaluation",
)
"""Of numbers, the mean over the columns of their RMSE."""
MEAN_COLUMNWISE_RMSLE = Metric(
    name="MCRMSLE",
    score=mean_columnwise_rmsle,
    direction="min",
    source=_KAGGLE + "nomad2018-predict-transparent-conductors/overview/evaluation",
)
"""Of numbers, the mean over the columns of their RMSLE."""
