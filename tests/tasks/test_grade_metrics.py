"""Metrics that would score the indices of grades, or cannot score them, are refused."""

from __future__ import annotations

import pytest
from toys import toy

from comp.contract.metrics import METRICS, by_name, weighted
from comp.errors import CompetitionError
from comp.tasks.ordinal import ordinal

FROM_ONE = ("1", "2", "3", "4")
WIDE = ("0", "10", "100")


@pytest.mark.parametrize(
    ("grades", "metric"),
    [
        (FROM_ONE, "rmsle"),
        *((WIDE, name) for name in ("rmsle", "rmse", "mae", "r2", "mcrmse")),
    ],
)
def test_a_metric_of_numbers_needs_grades_that_are_their_indices(
    grades: tuple[str, ...], metric: str
) -> None:
    """RMSLE of 1 to 4 scored 0 to 3: another number than the leaderboard's."""
    with pytest.raises(CompetitionError, match=r"would score the indices 0 to .* choose qwk") as e:
        toy(ordinal(grades), metric=metric)
    assert str(e.value).startswith(f"the metric {METRICS[metric].name} does not fit ")


@pytest.mark.parametrize("metric", ["auc", "log-loss", "pf1", "map@3", "mean-auc"])
def test_a_metric_of_probabilities_is_refused(metric: str) -> None:
    with pytest.raises(CompetitionError, match="does not fit 5 grades: it compares probabilities"):
        toy(ordinal(5), metric=metric)


def test_a_part_of_a_weighted_sum_is_found() -> None:
    metric = weighted("sum", (by_name("rmse"), 1), (by_name("rmsle"), 1))
    with pytest.raises(CompetitionError, match="would score the indices"):
        toy(ordinal(FROM_ONE), metric=metric)


@pytest.mark.parametrize(
    ("grades", "metric"),
    [
        (FROM_ONE, "rmse"),
        (FROM_ONE, "mae"),
        (("0", "1", "2"), "rmsle"),
        (("low", "middle", "high"), "rmse"),
        (WIDE, "qwk"),
        (WIDE, "spearman"),
    ],
)
def test_a_metric_with_the_same_value_for_indices_is_taken(
    grades: tuple[str, ...], metric: str
) -> None:
    assert toy(ordinal(grades), metric=metric).metric is METRICS[metric]
