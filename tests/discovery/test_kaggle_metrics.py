"""Names of metrics, as Kaggle writes them."""

from __future__ import annotations

import pytest

from comp.contract.metrics import by_name
from comp.discovery.kaggle_metrics import KNOWN, our_metrics


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("AUC", "auc"),
        ("Area Under Receiver Operating Characteristic Curve", "auc"),
        ("Mean Columnwise AUC", "mean-auc"),
        ("MulticlassLoss", "log-loss"),
        ("Multiclass Loss", "log-loss"),
        ("LogLoss", "log-loss"),
        ("Logloss", "log-loss"),
        ("Quadratic weighted kappa", "qwk"),
        ("QuadraticWeightedKappa", "qwk"),
        ("Categorization Accuracy", "accuracy"),
        ("Mean F Score", "f1-samples"),
        ("MeanFScore", "f1-samples"),
        ("Macro F-Score", "f1-macro"),
        ("Root Mean Squared Error (RMSE)", "rmse"),
        ("Root Mean Squared Logarithmic Error", "rmsle"),
        ("Mean Columnwise Root Mean Squared Logarithmic Error", "mcrmsle"),
        ("Mean Absolute Percentage Error", "mape"),
        ("Root Mean Square Percentage Error", "rmspe"),
        ("R2 Score", "r2"),
        ("Dice", "dice"),
        ("IoU", "iou"),
        ("MAP@{K}", "map@"),
        ("MAP@5", "map@5"),
        ("Mean Average Precision @ 3", "map@3"),
        ("Custom Metric", ""),
        ("MeanFScoreBeta", ""),
        ("MAP@0", ""),
        ("", ""),
    ],
)
def test_a_name_means_a_metric_or_nothing(name: str, first: str) -> None:
    assert next(iter(our_metrics(name)), "") == first


def test_every_known_name_means_metrics_that_exist_and_is_found() -> None:
    for name, metrics in KNOWN.items():
        assert [by_name(metric) for metric in metrics]
        assert (
            our_metrics(name) == our_metrics(name.upper()) == our_metrics(name.title()) == metrics
        )
