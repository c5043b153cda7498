"""Classes that exclude each other: curves, threshold, calibration, confusion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from comp.page.blocks import Block, Cell, Figure, Panel, Paragraph, Part, Table, not_here
from comp.page.charts import Histogram, LineChart, Series
from comp.page.words import Text, say
from comp.review.facts import NumberOof, RunFacts
from comp.review.figures import thresholds as at
from comp.review.figures.calibration import calibration_blocks
from comp.review.figures.confusion import confusion_blocks, matrix_of
from comp.review.figures.estimates import estimate_tables
from comp.review.figures.fitted_on import fitted_on
from comp.review.figures.rank_curves import (
    CURVES,
    RankCurves,
    areas,
    precision_figure,
    rank_curves,
    roc_figure,
)
from comp.review.figures.rows import finite_rows

BINS = 30
ROWS = 50
"""Classes of which areas are computed: those with the lowest F1."""


def panel(facts: RunFacts) -> Panel | None:
    """The panel of two or more exclusive classes; None for other tasks."""
    task, numbers = facts.task, facts.numbers
    if task.exclusive is None or numbers is None or task.output != "numbers":
        return None
    kept, blocks = finite_rows(numbers)
    if not len(kept.ids):
        return Panel(id="classes", title=say("Classes"), blocks=blocks)
    chances = task.exclusive.probabilities(kept.predictions)
    truth = kept.targets[:, 0].astype(np.int64)
    names = list(task.labels)
    two = len(names) == 2
    blocks += _two(facts, kept, truth, chances[:, 1], names) if two else []
    blocks += [] if two else _several(kept, truth, chances, names)
    blocks += _decided(facts, kept, truth, names)
    blocks += [*estimate_tables(facts.scores)]
    return Panel(id="classes", title=say("Classes"), blocks=blocks, how_to_read=_how(two))


def _two(
    facts: RunFacts, kept: NumberOof, truth: np.ndarray, chance: np.ndarray, names: Sequence[str]
) -> list[Block]:
    """The curves of two classes; `chance` is the probability of the second."""
    positive = truth == 1
    whole = rank_curves(positive, chance)
    lead = say(
        "{n} samples, {k} of them {name}. Positive is {name}.",
        n=len(truth),
        k=int(positive.sum()),
        name=names[1],
    )
    blocks: list[Block] = [Paragraph(lead), Part(title=say("Ranking"))]
    if whole is None:
        blocks.append(not_here(say("all samples are of one class, so there is nothing to rank.")))
    else:
        curves = [(say("all folds"), whole), *_of_folds(kept, positive, chance)]
        blocks += [roc_figure(curves), precision_figure(curves[:1], float(positive.mean()))]
    return [
        *blocks,
        Part(title=say("Threshold")),
        *_threshold(facts, kept, positive, chance, names),
        Part(title=say("Calibration")),
        *calibration_blocks(positive, chance, say("probability of {name}", name=names[1])),
    ]


def _of_folds(
    kept: NumberOof, positive: np.ndarray, chance: np.ndarray
) -> list[tuple[Text, RankCurves]]:
    """The curves of the first folds, if there are several."""
    folds = np.unique(kept.folds)
    found: list[tuple[Text, RankCurves]] = []
    for fold in folds[: CURVES - 1] if len(folds) > 1 else ():
        rows = kept.folds == fold
        curve = rank_curves(positive[rows], chance[rows])
        if curve:
            found.append((say("fold {fold}", fold=int(fold)), curve))
    return found


def _threshold(
    facts: RunFacts,
    kept: NumberOof,
    positive: np.ndarray,
    chance: np.ndarray,
    names: Sequence[str],
) -> list[Block]:
    used = list(kept.params[:1])
    tried = at.grid(chance, used)
    if tried[0] == tried[-1]:
        return [not_here(say("all probabilities are equal."))]
    words = say(
        "A sample is {name} if its probability is at least {value:.5g}.",
        name=names[1],
        value=used[0] if used else 0.5,
    )
    marks = [(value, say("submitted {value:.4g}", value=value)) for value in used]
    edges = np.linspace(float(tried[0]), float(tried[-1]), BINS + 1)
    return [
        Paragraph(words),
        Figure(
            LineChart(
                title=say("Scores against the threshold"),
                series=_threshold_lines(facts, positive, chance, names, tried),
                x_label=say("threshold of the probability of {name}", name=names[1]),
                y_label=say("score"),
                marks=marks,
            )
        ),
        Figure(
            Histogram(
                title=say("Probabilities by true class"),
                edges=edges.tolist(),
                counts=[
                    (names[k], np.histogram(chance[positive == bool(k)], edges)[0].tolist())
                    for k in (0, 1)
                ],
                x_label=say("probability of {name}", name=names[1]),
                y_label=say("samples"),
                marks=marks,
            )
        ),
    ]


def _threshold_lines(
    facts: RunFacts,
    positive: np.ndarray,
    chance: np.ndarray,
    names: Sequence[str],
    tried: np.ndarray,
) -> list[Series]:
    """Recall, precision and F1 at each threshold, and the metric, if it scores decisions."""
    found, x = at.counts(positive, chance, tried), tried.tolist()
    lines = [
        Series(name=say("recall of {name}", name=names[1]), x=x, y=found.recall.tolist()),
        Series(name=say("recall of {name}", name=names[0]), x=x, y=found.specificity.tolist()),
        Series(name=say("precision of {name}", name=names[1]), x=x, y=found.precision.tolist()),
        Series(name=say("F1 of {name}", name=names[1]), x=x, y=found.f1.tolist()),
    ]
    metric = facts.metric
    if metric.takes == "decisions" and metric.top is None:
        line = at.metric_at(metric, positive, chance, tried)
        if line:
            x, y = (values.tolist() for values in line)
            lines.append(Series(name=metric.name, x=x, y=y, dashed=True))
    return lines


def _several(
    kept: NumberOof, truth: np.ndarray, chances: np.ndarray, names: Sequence[str]
) -> list[Block]:
    """The table and the curves of three or more classes, each against all others."""
    decided = chances.argmax(1) if kept.decided is None else kept.decided[:, 0].astype(np.int64)
    rows = class_rows(truth, decided, chances, names)
    present = [(k, rank_curves(truth == k, chances[:, k])) for k, _ in rows]
    curves = [(names[k], curve) for k, curve in present if curve]
    curves.sort(key=lambda entry: entry[1].auc)
    table = Table(
        columns=[
            say("class"),
            say("samples"),
            say("decided"),
            say("recall"),
            say("precision"),
            "F1",
            say("area under ROC"),
            say("average precision"),
        ],
        rows=[[names[k], *cells] for k, cells in rows],
        caption=say("Classes, lowest F1 first"),
        decimals=3,
    )
    blocks: list[Block] = [Paragraph(_ranks(truth, chances)), table]
    if len(names) > len(rows):
        blocks.append(
            Paragraph(say("Only the {n} classes with the lowest F1 are shown.", n=len(rows)))
        )
    blocks.append(Part(title=say("Ranking: each class against all others")))
    if curves:
        blocks += [roc_figure(curves[:CURVES]), precision_figure(curves[:CURVES], None)]
        if len(curves) > CURVES:
            words = say("Shown are the {n} classes with the lowest area.", n=CURVES)
            blocks.append(Paragraph(words))
    else:
        blocks.append(not_here(say("all samples are of one class, so there is nothing to rank.")))
    sure = chances.max(1)
    hits = chances.argmax(1) == truth
    event = say("the most probable class is true")
    return [*blocks, Part(title=say("Calibration")), *calibration_blocks(hits, sure, event)]


def class_rows(
    truth: np.ndarray, decided: np.ndarray, chances: np.ndarray, names: Sequence[str]
) -> list[tuple[int, list[Cell]]]:
    """Of each class, lowest F1 first: its index, and samples, decisions, recall, precision, F1,
    area under ROC and average precision; at most 50 classes. A value that is not defined is NaN."""
    matrix = matrix_of(truth, decided, len(names)).astype(np.float64)
    hits, own, taken = np.diag(matrix), matrix.sum(1), matrix.sum(0)
    with np.errstate(invalid="ignore"):
        recall, precision, f1 = hits / own, hits / taken, 2 * hits / (own + taken)
    found: list[tuple[int, list[Cell]]] = []
    for k in np.argsort(np.nan_to_num(f1, nan=2.0), kind="stable")[:ROWS].tolist():
        scores = [recall[k], precision[k], f1[k], *areas(truth == k, chances[:, k])]
        found.append((k, [int(own[k]), int(taken[k]), *map(float, scores)]))
    return found


def _ranks(truth: np.ndarray, chances: np.ndarray) -> Text:
    own = chances[np.arange(len(truth)), truth][:, None]
    place = (chances > own).sum(1)
    return say(
        "{n} samples of {k} classes. The true class is the most probable one for {one:.1%} of the "
        "samples, and one of the first {few} for {more:.1%}.",
        n=len(truth),
        k=chances.shape[1],
        one=float((place < 1).mean()),
        few=3 if chances.shape[1] < 20 else 5,
        more=float((place < (3 if chances.shape[1] < 20 else 5)).mean()),
    )


def _decided(
    facts: RunFacts, kept: NumberOof, truth: np.ndarray, names: Sequence[str]
) -> list[Block]:
    blocks: list[Block] = [Part(title=say("Mistakes"))]
    if kept.decided is None:
        return [*blocks, not_here(say("the task makes no decisions."))]
    each = say("The threshold of each fold was fitted on the other folds.")
    blocks += fitted_on(facts, say("The threshold"), each)
    matrix = matrix_of(truth, kept.decided[:, 0].astype(np.int64), len(names))
    return [*blocks, *confusion_blocks(matrix, names, ordered=False)]


def _how(two: bool) -> Text:
    if two:
        return say(
            "The ROC curve shows how many positives are found if some negatives are taken for "
            "positives: a curve in the upper left corner is good, the diagonal is guessing. With "
            "few positives, precision and recall say more. The threshold chart shows what each "
            "threshold would score: a flat curve at the submitted threshold is good, because then "
            "its exact value does not matter. Points of the calibration below the diagonal mean "
            "probabilities that are too high. In the confusion matrix, the diagonal is right."
        )
    return say(
        "Start with the classes of the lowest F1. A low recall means that samples of the class are "
        "missed; a low precision means that samples of other classes are taken for it. The most "
        "confused pairs say which classes to look at together. Points of the calibration below the "
        "diagonal mean probabilities that are too high. In the confusion matrix, the diagonal is "
        "right."
    )
