"""The ready metrics: their names, what they have in common, and weighted sums of them."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys

import numpy as np
import pytest

from comp.contract import metrics
from comp.contract.metric import Metric, Pair
from comp.contract.metrics import (
    ACCURACY,
    AUC,
    DICE,
    F1,
    F1_MACRO,
    IOU,
    LOG_LOSS,
    MAE,
    MAP_AT_5,
    METRICS,
    QWK,
    RMSE,
    auc,
    by_name,
    f_beta,
    log_loss,
    map_at_k,
    rmse,
    weighted,
)
from comp.errors import CompetitionError

ALL = pytest.mark.parametrize("metric", METRICS.values(), ids=list(METRICS))
MASKS = {"dice", "dice-micro", "iou", "map-of-iou"}
LABELS = {"mean-auc", "mean-log-loss", "f1-samples", "f2-samples"}
LOSSES = {"log-loss", "mean-log-loss"}
SMALLER_IS_BETTER = {"log-loss", "mean-log-loss", "rmse", "rmsle", "mae", "mcrmse"}
SMALLER_IS_BETTER |= {"mape", "rmspe", "mcrmsle"}


def vectors(targets, predictions):
    return [(np.float32(t), np.float32(p)) for t, p in zip(targets, predictions, strict=True)]


def example(metric: Metric):
    """Pairs that the metric can compare and that are neither right nor hopeless."""
    key = metric.name.lower().replace(" ", "-")
    if key in MASKS:
        masks = np.random.default_rng(0).random((2, 6, 4, 4, 1)) < [[[[[[0.5]]]]], [[[[[0.9]]]]]][0]
        return [(mask * 1.0, (mask | other) * 1.0) for mask, other in zip(*masks, strict=True)]
    if key in LABELS:
        return vectors([[1, 0], [0, 1], [1, 1], [0, 0]], [[1, 0], [1, 1], [0, 1], [0, 0]])
    if key in ("mape", "rmspe"):
        return vectors([[1], [2], [4], [1]], [[1], [1], [4], [2]])
    if metric.takes == "decisions" or key in SMALLER_IS_BETTER - LOSSES | {"r2", "spearman"}:
        return vectors([[0], [1], [1], [0], [1]], [[0], [1], [0], [0], [1]])
    return vectors([[0], [1], [1], [0], [1]], [[0.25], [0.75], [0.5], [0.75], [0.875]])


def test_metrics_are_found_by_their_names():
    expected = {
        "auc", "log-loss", "mean-auc", "mean-log-loss", "accuracy", "balanced-accuracy", "f1",
        "f1-micro", "f1-macro", "f1-samples", "f2", "f2-samples", "qwk", "mcc", "pf1", "map@3",
        "map@5", "rmse", "rmsle", "mae", "mape", "rmspe", "r2", "spearman", "mcrmse", "mcrmsle",
        "dice", "dice-micro", "iou", "map-of-iou",
    }  # fmt: skip
    assert set(METRICS) == expected
    assert METRICS["qwk"] is QWK
    values = [value for value in vars(metrics).values() if isinstance(value, Metric)]
    assert len(values) == len(METRICS)
    assert {id(value) for value in values} == {id(value) for value in METRICS.values()}


def test_all_that_a_plugin_imports_is_listed():
    public = {
        name
        for name, value in vars(metrics).items()
        if isinstance(value, Metric) or getattr(value, "__module__", None) == metrics.__name__
    }
    assert {name for name in public if not name.startswith("_")} <= set(metrics.__all__)


@ALL
def test_every_metric_says_where_it_comes_from(metric: Metric):
    assert metric.source.startswith("https://")


@ALL
def test_every_metric_has_a_direction(metric: Metric):
    key = metric.name.lower().replace(" ", "-")
    perfect = [(target, np.asarray(target)) for target, _ in example(metric)]

    assert metric.direction == ("min" if key in SMALLER_IS_BETTER else "max")
    assert metric.better(metric.score(perfect), metric.score(example(metric)))


@ALL
def test_every_metric_takes_an_iterator_in_any_order(metric: Metric):
    pairs = example(metric)
    wrapped = [Pair(*pair, id=str(i), group="g") for i, pair in enumerate(pairs)]

    assert math.isfinite(metric.score(pairs))
    assert type(metric.score(pairs)) is float
    assert metric.score(iter(wrapped[::-1])) == pytest.approx(metric.score(pairs))


@ALL
def test_every_metric_of_nothing_is_nan(metric: Metric):
    assert math.isnan(metric.score([]))
    assert math.isnan(metric.score(iter([])))


@ALL
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_every_metric_is_nan_if_a_prediction_is_not_finite(metric: Metric, value: float):
    pairs = [(target, np.array(prediction)) for target, prediction in example(metric)]
    pairs[1][1].flat[0] = value

    assert math.isnan(metric.score(pairs))


@ALL
def test_no_metric_broadcasts(metric: Metric):
    with pytest.raises(ValueError, match=r"\(3, 1\)"):
        metric.score([(np.zeros(3), np.zeros((3, 1)))])


@ALL
def test_every_score_can_be_pickled(metric: Metric):
    score = pickle.loads(pickle.dumps(metric.score))  # noqa: S301

    assert score(example(metric)) == metric.score(example(metric))


def test_the_module_loads_no_numerical_library():
    code = (
        "import sys, comp.contract.metrics; "
        "print([m for m in ('numpy', 'scipy', 'sklearn', 'torch') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert result.stdout.strip() == "[]", result.stderr


def test_probabilities_and_decisions():
    assert {key for key, metric in METRICS.items() if metric.takes == "decisions"} == {
        "accuracy", "balanced-accuracy", "f1", "f1-micro", "f1-macro", "f1-samples", "f2",
        "f2-samples", "qwk", "mcc", "dice", "dice-micro", "iou", "map-of-iou",
    }  # fmt: skip


def test_the_functions_are_those_of_the_metrics():
    assert (AUC.score, LOG_LOSS.score, RMSE.score) == (auc, log_loss, rmse)


@pytest.mark.parametrize("name", ["f1-macro", "F1 macro", "f1_macro", " F1-Macro "])
def test_by_name_does_not_mind_how_the_name_is_written(name: str):
    assert by_name(name) is F1_MACRO


def test_by_name_knows_map_at_any_k():
    assert by_name("map@5") is MAP_AT_5
    seven = by_name("MAP@7")
    chances = np.linspace(1, 0, 10)
    assert seven.name == "MAP@7"
    assert seven.score([(np.float32([6]), chances)]) == pytest.approx(1 / 7)
    assert seven.score([(np.float32([7]), chances)]) == 0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("qvk", "unknown metric 'qvk': did you mean 'qwk'? Metrics by name: auc, log-loss"),
        ("meanauc", "unknown metric 'meanauc': did you mean 'mean-auc'?"),
        ("xyzzy", "unknown metric 'xyzzy': metrics by name: auc, log-loss"),
        ("map@0", "unknown metric 'map@0': did you mean"),
        ("", "unknown metric '': metrics by name: auc"),
    ],
)
def test_by_name_suggests_the_nearest_name(name: str, message: str):
    with pytest.raises(CompetitionError) as error:
        by_name(name)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_f_beta_names_its_metric():
    assert f_beta(0.5, "macro").name == "F0.5 macro"
    assert f_beta(1, "binary").name == F1.name == "F1"
    pairs = vectors([[1], [1], [0]], [[1], [0], [0]])
    assert f_beta(2, "binary").score(pairs) == pytest.approx(5 / (5 + 4))


@pytest.mark.parametrize("beta", [0, -1, math.nan, math.inf])
def test_f_beta_refuses_a_beta(beta: float):
    with pytest.raises(ValueError, match=r"beta is .*: use a number above 0"):
        f_beta(beta, "macro")


def test_f_beta_refuses_an_average():
    with pytest.raises(ValueError, match="average is 'mean': use one of binary, micro, macro, sam"):
        f_beta(1, "mean")  # type: ignore[arg-type]


@pytest.mark.parametrize("k", [0, -1, 2.5])
def test_map_at_k_refuses_a_k(k):
    with pytest.raises(ValueError, match=r"k is .*: use a whole number of 1 or more"):
        map_at_k(k)


NUMBERS = vectors([[0], [4]], [[1], [1]])


def test_a_weighted_metric_is_the_sum_of_its_parts():
    both = weighted("mix", (MAE, 0.25), (RMSE, 3))

    assert both.score(iter(NUMBERS)) == pytest.approx(0.25 * 2 + 3 * math.sqrt(5))
    assert (both.name, both.direction, both.takes) == ("mix", "min", "predictions")
    assert both.source == "0.25 MAE + 3 RMSE"


def test_a_weighted_metric_of_decisions_and_of_a_weighted_metric():
    inner = weighted("inner", (DICE, 1), (IOU, 1))
    outer = weighted("outer", (inner, 0.5), (DICE, 2))
    target, decision = np.zeros((2, 2, 1)), np.zeros((2, 2, 1))
    target[0], decision[0, 0] = 1, 1

    assert outer.takes == "decisions"
    assert outer.score(iter([(target, decision)])) == pytest.approx(
        0.5 * (2 / 3 + 1 / 2) + 2 * 2 / 3
    )


def test_a_weighted_metric_is_nan_if_a_part_is_nan():
    both = weighted("mix", (ACCURACY, 1), (QWK, 1))

    assert math.isnan(both.score(vectors([[2], [2]], [[2], [2]])))


@pytest.mark.parametrize("kind", [list, iter, tuple])
def test_a_part_of_a_weighted_metric_may_work_in_place(kind):
    def own(pairs):
        return float(np.mean([np.abs(np.subtract(t, p, out=p)).mean() for t, p in pairs]))

    part = Metric(name="own", score=own, direction="min")
    both = weighted("mix", (part, 1), (part, 1), (MAE, 1))
    for _ in range(2):
        assert both.score(kind(NUMBERS)) == pytest.approx(3 * MAE.score(NUMBERS))


def test_a_weighted_metric_keeps_ids_and_groups():
    seen = []

    def spy(pairs):
        seen.append([(pair.id, pair.group) for pair in pairs])
        return 1.0

    part = Metric(name="spy", score=spy, direction="max")
    weighted("mix", (part, 1), (part, 1)).score(iter([Pair(1, 2, "a", "g")]))

    assert seen == [[("a", "g")]] * 2


def test_a_weighted_metric_reads_pairs_again_that_can_be_read_again():
    class Pairs:
        reads = 0

        def __iter__(self):
            self.reads += 1
            return iter(NUMBERS)

    pairs = Pairs()

    assert weighted("mix", (MAE, 1), (RMSE, 1)).score(pairs) == pytest.approx(2 + math.sqrt(5))
    assert pairs.reads == 2


def test_a_weighted_score_can_be_pickled():
    score = weighted("mix", (MAE, 1), (RMSE, 1)).score

    assert pickle.loads(pickle.dumps(score))(NUMBERS) == score(NUMBERS)  # noqa: S301


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([(MAE, 1), (AUC, 1)], "MAE has direction 'min' and AUC 'max': weigh metrics of one dir"),
        ([(AUC, 1), (F1, 1)], "AUC takes predictions and F1 takes decisions: weigh metrics that"),
        ([(MAE, 0)], "the weight of MAE is 0: use a number above 0"),
        ([(MAE, 1), (RMSE, -1)], "the weight of RMSE is -1: use a number above 0"),
        ([(MAE, math.nan)], "the weight of MAE is nan: use a number above 0"),
        ([], "a weighted metric needs parts: give"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(parts, message: str):
    with pytest.raises(ValueError, match=message):
        weighted("mix", *parts)
