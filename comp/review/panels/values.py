"""Numbers: predicted against true, residuals, and errors by the size of the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from comp.page.blocks import Block, Figure, Panel, Paragraph, Part, Table
from comp.page.charts import BarChart, Histogram, LineChart, Series
from comp.page.geometry import short
from comp.page.words import Text, say
from comp.review.facts import NumberOof, RunFacts
from comp.review.figures.estimates import estimate_tables
from comp.review.figures.intervals import part_bars
from comp.review.figures.parts import parts_of
from comp.review.figures.rows import finite_rows
from comp.review.figures.scatter import decimals_of, scatter_rows, spans_decades

BINS = 50
PARTS = 10
"""Parts of the samples by the size of the target."""
NAMED = 20
"""Samples of a chart whose ids are shown."""
MOST_OUTPUTS = 3
"""Outputs with charts: those with the lowest R2."""
MOST_WHOLE = 1e9
"""Larger numbers are shown with an exponent."""
CEILING = 0.01
"""Share of the samples that have the largest or the smallest target, from which this is told."""


@dataclass(frozen=True, kw_only=True)
class OutputRow:
    """The errors of one output; `r2` is NaN of a constant target."""

    output: int
    rmse: float
    mae: float
    bias: float
    """The mean of prediction - target."""
    r2: float
    slope: float
    """Of the line from targets to predictions; below 1 the predictions stay near the mean."""
    largest: float
    """The largest absolute error."""


def panel(facts: RunFacts) -> Panel | None:
    """The panel of numbers that are submitted as they are; None for other tasks."""
    task, numbers = facts.task, facts.numbers
    if numbers is None or task.decision is not None or task.exclusive is not None:
        return None
    if numbers.targets.shape != numbers.predictions.shape or task.suspects != "errors":
        return None
    kept, blocks = finite_rows(numbers)
    if not len(kept.ids):
        return Panel(id="values", title=say("Numbers"), blocks=blocks)
    names = list(task.labels) or [str(k) for k in range(kept.targets.shape[1])]
    rows = output_rows(kept.targets, kept.predictions)
    blocks.append(_table(rows, names))
    for row in rows[:MOST_OUTPUTS]:
        blocks += _output(kept, row.output, names)
    blocks += estimate_tables(facts.scores)
    return Panel(id="values", title=say("Numbers"), blocks=blocks, how_to_read=_how())


def output_rows(targets: np.ndarray, predictions: np.ndarray) -> list[OutputRow]:
    """The errors of each output (N, K), lowest R2 first."""
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    rows = []
    for k, (truth, value) in enumerate(zip(targets.T, predictions.T, strict=True)):
        varies = len(truth) > 1 and truth.min() != truth.max()
        rows.append(
            OutputRow(
                output=k,
                rmse=float(root_mean_squared_error(truth, value)),
                mae=float(mean_absolute_error(truth, value)),
                bias=float((value - truth).mean()),
                r2=float(r2_score(truth, value)) if varies else float("nan"),
                slope=float(np.polyfit(truth - truth.mean(), value, 1)[0])
                if varies
                else float("nan"),
                largest=float(np.abs(value - truth).max()),
            )
        )
    return sorted(rows, key=lambda row: (row.r2 != row.r2, row.r2))


def _table(rows: Sequence[OutputRow], names: Sequence[str]) -> Table:
    whole = decimals_of(max(row.largest for row in rows)) == 0

    def amount(value: float) -> int | float:
        return round(value) if whole and abs(value) < MOST_WHOLE else value

    return Table(
        columns=[
            say("output"),
            "RMSE",
            "MAE",
            say("mean of prediction - truth"),
            "R2",
            say("slope"),
            say("largest error"),
        ],
        rows=[
            [
                names[row.output],
                *(amount(value) for value in (row.rmse, row.mae, row.bias)),
                row.r2,
                row.slope,
                amount(row.largest),
            ]
            for row in rows
        ],
        caption=say("Errors, lowest R2 first"),
    )


def _output(kept: NumberOof, k: int, names: Sequence[str]) -> list[Block]:
    truth, value = kept.targets[:, k], kept.predictions[:, k]
    blocks: list[Block] = [Part(title=names[k])] if len(names) > 1 else []
    return [
        *blocks,
        *_ends(truth),
        _scatter(kept, truth, value),
        _residuals(truth, value),
        _histogram(value - truth),
        *_by_size(truth, value, kept.groups),
    ]


def _ends(truth: np.ndarray) -> list[Block]:
    """A note if many targets have the largest or the smallest value, as if they were cut off."""
    if len(np.unique(truth)) <= 2 * PARTS:
        return []
    found: list[Block] = []
    for end in (float(truth.max()), float(truth.min())):
        n = int((truth == end).sum())
        if n > 1 and n / len(truth) >= CEILING:
            words = say(
                "{n} samples ({share:.1%}) have the target {end:,.6g}, the end of the range. If "
                "values are cut off there, their true errors are not known.",
                n=n,
                share=n / len(truth),
                end=end,
            )
            found.append(Paragraph(words))
    return found


def _scatter(kept: NumberOof, truth: np.ndarray, value: np.ndarray) -> Figure:
    """Predicted against true; the samples with the largest errors have their ids."""
    rows = scatter_rows(len(truth))
    worst = np.argsort(-np.abs(value - truth), kind="stable")[:NAMED]
    log = spans_decades(truth) and bool(value.min() > 0)
    dots = Series(name=say("samples"), x=truth[rows].tolist(), y=value[rows].tolist(), dots=True)
    named = Series(
        name=say("the {n} largest errors, with their ids under the mouse", n=len(worst)),
        x=truth[worst].tolist(),
        y=value[worst].tolist(),
        dots=True,
        labels=[kept.ids[row] for row in worst.tolist()],
    )
    return Figure(
        LineChart(
            title=say("Predicted against true"),
            series=[dots, named],
            x_label=say("true value"),
            y_label=say("predicted value"),
            log_x=log,
            log_y=log,
            diagonal=True,
        )
    )


def _residuals(truth: np.ndarray, value: np.ndarray) -> Figure:
    """Residuals against the prediction, with the median of each part."""
    rows, residual = scatter_rows(len(truth)), value - truth
    log = spans_decades(value)
    parts = parts_of(value, PARTS)
    middle = [(float(np.median(value[part])), float(np.median(residual[part]))) for part in parts]
    ends = [float(value.min()), float(value.max())]
    return Figure(
        LineChart(
            title=say("Residuals against the prediction"),
            series=[
                Series(
                    name=say("samples"),
                    x=value[rows].tolist(),
                    y=residual[rows].tolist(),
                    dots=True,
                ),
                Series(name=say("median"), x=[x for x, _ in middle], y=[y for _, y in middle]),
                Series(name=say("no error"), x=ends, y=[0.0, 0.0], dashed=True, colour=7),
            ],
            x_label=say("predicted value"),
            y_label=say("prediction - truth"),
            log_x=log,
        )
    )


def _histogram(residual: np.ndarray) -> Figure:
    low, high = np.quantile(residual, [0.005, 0.995]).tolist()
    if low == high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, BINS + 1)
    return Figure(
        Histogram(
            title=say("Residuals: the middle 99 %"),
            edges=edges.tolist(),
            counts=[(say("samples"), np.histogram(residual, edges)[0].tolist())],
            x_label=say("prediction - truth"),
            y_label=say("samples"),
            marks=[(0.0, "0")] if low <= 0 <= high else [],
        )
    )


def _by_size(truth: np.ndarray, value: np.ndarray, groups: Sequence[str]) -> list[Block]:
    """The mean absolute error of each part of the targets, with an interval over groups."""
    parts, error = parts_of(truth, PARTS), np.abs(value - truth)
    if len(parts) < 2:
        return []
    named: list[tuple[Text, np.ndarray]] = [
        (f"{short(float(truth[rows].min()))} .. {short(float(truth[rows].max()))}", rows)
        for rows in parts
    ]
    return [
        Figure(
            BarChart(
                title=say("Error by the size of the target"),
                bars=part_bars(named, error, groups),
                value_label=say("mean absolute error, with its 95 % interval"),
                reference=float(error.mean()),
                decimals=decimals_of(float(error.max())),
            )
        )
    ]


def _how() -> Text:
    return say(
        "Points on the diagonal are right. A slope well below 1 means that the predictions stay "
        "near the mean: large values are predicted too low, small ones too high. The median of the "
        "residuals should stay near 0 everywhere; if it bends, the model misses something. Errors "
        "that grow with the target are usual for prices and counts: then the logarithm of the "
        "target may be easier to learn."
    )
