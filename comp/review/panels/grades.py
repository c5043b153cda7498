"""Ordered grades: the predicted value, the cut points, and the confusion of grades."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from comp.page.blocks import Block, Cell, Figure, Panel, Paragraph, Part, Table, not_here
from comp.page.charts import Bar, BarChart, Histogram, LineChart, Series
from comp.page.words import Text, say
from comp.review.facts import NumberOof, RunFacts
from comp.review.figures.confusion import confusion_blocks, matrix_of
from comp.review.figures.estimates import estimate_tables
from comp.review.figures.fitted_on import fitted_on
from comp.review.figures.rows import finite_rows
from comp.review.figures.scatter import jittered, scatter_rows

BINS = 60
MOST_GRADES = 8
"""Grades of one histogram."""
QUANTILES = (0.1, 0.5, 0.9)


def panel(facts: RunFacts) -> Panel | None:
    """The panel of grades, whose decision has a cut below each grade but the first; None for other
    tasks."""
    task, numbers = facts.task, facts.numbers
    cuts = len(task.decision.default) if task.decision else 0
    fits = task.exclusive is None and task.suspects == "errors" and task.outputs == 1
    if not fits or numbers is None or cuts < 2 or cuts != len(task.labels) - 1:
        return None
    kept, blocks = finite_rows(numbers)
    if not len(kept.ids):
        return Panel(id="grades", title=say("Grades"), blocks=blocks)
    truth, values = kept.targets[:, 0].astype(np.int64), kept.predictions[:, 0]
    names = list(task.labels)
    blocks += [Part(title=say("Predicted value")), _by_grade(truth, values, names)]
    blocks += _histogram(truth, values, names, kept.params)
    blocks += [Part(title=say("Cut points")), *_cuts(facts, kept, names)]
    blocks += [Part(title=say("Mistakes")), *_mistakes(facts, kept, truth, names)]
    blocks += estimate_tables(facts.scores)
    return Panel(id="grades", title=say("Grades"), blocks=blocks, how_to_read=_how())


def spread(truth: np.ndarray, values: np.ndarray, count: int) -> list[tuple[int, np.ndarray]]:
    """The quantiles 10, 50 and 90 % of the predicted values of each grade that has samples."""
    return [
        (k, np.quantile(values[truth == k], QUANTILES)) for k in range(count) if (truth == k).any()
    ]


def _by_grade(truth: np.ndarray, values: np.ndarray, names: Sequence[str]) -> Figure:
    found = spread(truth, values, len(names))
    grades = [float(k) for k, _ in found]
    lines = [say("90 % are below"), say("median"), say("10 % are below")]
    quantiles = [
        Series(
            name=name,
            x=grades,
            y=[float(points[index]) for _, points in found],
            dashed=index != 1,
            colour=1,
        )
        for name, index in zip(lines, (2, 1, 0), strict=True)
    ]
    rows = scatter_rows(len(truth))
    dots = Series(
        name=say("samples"),
        x=jittered(truth[rows].astype(np.float64)).tolist(),
        y=values[rows].tolist(),
        dots=True,
        colour=0,
    )
    return Figure(
        LineChart(
            title=say("Predicted value against the grade"),
            series=[dots, *quantiles],
            x_label=say(
                "grade, 0 is {first} and {k} is {last}",
                first=names[0],
                k=len(names) - 1,
                last=names[-1],
            ),
            y_label=say("predicted value"),
            diagonal=True,
        )
    )


def _histogram(
    truth: np.ndarray, values: np.ndarray, names: Sequence[str], cuts: Sequence[float]
) -> list[Block]:
    """Predicted values of each grade, with the cut points that are submitted."""
    if len(names) > MOST_GRADES:
        return []
    low, high = float(min(values.min(), 0)), float(max(values.max(), len(names) - 1))
    edges = np.linspace(low, high, BINS + 1)
    return [
        Figure(
            Histogram(
                title=say("Predicted values by true grade, with the cut points"),
                edges=edges.tolist(),
                counts=[
                    (name, np.histogram(values[truth == k], edges)[0].tolist())
                    for k, name in enumerate(names)
                ],
                x_label=say("predicted value"),
                y_label=say("samples"),
                marks=[(cut, f"{cut:.3g}") for cut in cuts],
            )
        )
    ]


def _cuts(facts: RunFacts, kept: NumberOof, names: Sequence[str]) -> list[Block]:
    decision, fitted = facts.task.decision, facts.decisions
    if decision is None or fitted is None or not kept.params:
        return [not_here(say("there are no cut points."))]
    scored = facts.metric.takes == "decisions"
    folds = np.array(list(fitted.by_fold.values())) if scored else np.zeros((0, 0))
    rows: list[list[Cell]] = []
    for index, (submitted, default) in enumerate(zip(kept.params, decision.default, strict=True)):
        column = folds[:, index] if folds.size else np.array([np.nan])
        ends = [float(column.min()), float(column.max())] if folds.size else [None, None]
        rows.append([names[index + 1], float(default), float(submitted), *ends])
    same = tuple(kept.params) == tuple(decision.default)
    words = (
        say(
            "The cut points are the default: fitted ones were not better, or the metric needs none."
        )
        if same
        else say("The cut points are fitted for {metric} on all folds.", metric=facts.metric.name)
    )
    table = Table(
        columns=[
            say("cut below the grade"),
            say("default"),
            say("submitted"),
            say("lowest of the folds"),
            say("highest of the folds"),
        ],
        rows=rows,
        decimals=3,
    )
    return [Paragraph(words), table]


def _mistakes(
    facts: RunFacts, kept: NumberOof, truth: np.ndarray, names: Sequence[str]
) -> list[Block]:
    if kept.decided is None:
        return [not_here(say("the task makes no decisions."))]
    each = say("The cut points of each fold were fitted on the other folds.")
    blocks = fitted_on(facts, say("The list of cut points"), each)
    decided = kept.decided[:, 0].astype(np.int64)
    blocks += confusion_blocks(matrix_of(truth, decided, len(names)), names, ordered=True)
    gap = decided - truth
    bars = [
        Bar(label=_gap(k), value=float((gap == k).sum()))
        for k in range(int(gap.min()), int(gap.max()) + 1)
    ]
    return [
        *blocks,
        Figure(
            BarChart(
                title=say("By how many grades the decision is off"),
                bars=bars,
                value_label=say("samples"),
                decimals=0,
            )
        ),
    ]


def _gap(grades: int) -> Text:
    if grades == 0:
        return say("right")
    return say("{n} too high", n=grades) if grades > 0 else say("{n} too low", n=-grades)


def _how() -> Text:
    return say(
        "The medians should follow the diagonal. A line that is flatter than the diagonal means "
        "that low grades are predicted too high and high grades too low; cut points can correct "
        "this. Cut points stand well where the histograms of two neighbouring grades cross. Cut "
        "points that differ a lot between the folds are not sure. In the confusion of grades, "
        "mistakes far from the diagonal cost most with a weighted kappa."
    )
