"""Predicted images: errors by image and by true value, error maps of worst, middling and best."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from comp.page.blocks import (
    Block,
    Card,
    Cell,
    Figure,
    Gallery,
    Panel,
    Paragraph,
    Part,
    Table,
    not_here,
)
from comp.page.charts import Bar, BarChart, Histogram
from comp.page.words import Text, say
from comp.review.facts import RunFacts
from comp.review.figures.image_errors import (
    LEVELS,
    ErrorSums,
    ImageRow,
    image_rows,
    worst_first,
)
from comp.review.figures.image_items import ImageItems, image_items
from comp.review.figures.pictures import error_picture, input_picture, value_picture
from comp.review.figures.scatter import decimals_of

CARDS = 4
"""Images of each kind in the gallery."""
ROWS = 20
SAME = 1e-4
"""Relative difference below which the score of an image is its RMSE."""
BINS = 30
BRIGHT = 0.995
"""Quantile of the errors of the worst image that has the full colour in all error maps."""


def panel(facts: RunFacts) -> Panel | None:
    """The panel of images that are submitted as they are; None for other tasks."""
    task, oof = facts.task, facts.oof
    if task.output != "image" or task.decision is not None or oof is None:
        return None
    items = image_items(oof)
    rows, sums = image_rows(items, facts.metric, task.restores)
    blocks = items.notes()
    if not rows:
        return Panel(id="images", title=say("Images"), blocks=blocks)
    order = worst_first(rows, facts.metric)
    blocks += [*_gain(rows), _histogram(rows, facts), _table(order, facts)]
    blocks += [Part(title=say("Errors of pixels")), *_pixels(sums)]
    blocks += [Part(title=say("Error maps")), _pictures(items, order)]
    return Panel(id="images", title=say("Images"), blocks=blocks, how_to_read=_how())


def _gain(rows: Sequence[ImageRow]) -> list[Block]:
    """What the predictions gain over the images as they are."""
    known = [(row.untouched, row.rmse) for row in rows if row.untouched is not None]
    if not known:
        return []
    before, after = np.array(known).T
    worse = int((after > before).sum())
    words = say(
        "The mean RMSE of an image falls from {before:.4f} before to {after:.4f} after. {worse} of "
        "{n} images are worse after than before.",
        before=float(before.mean()),
        after=float(after.mean()),
        worse=worse,
        n=len(known),
    )
    return [Paragraph(words, "warning" if worse else "plain")]


def _histogram(rows: Sequence[ImageRow], facts: RunFacts) -> Figure:
    scores = np.array([row.score for row in rows])
    finite = scores[np.isfinite(scores)]
    shown = finite if len(finite) else np.array([row.rmse for row in rows])
    counts, edges = np.histogram(shown, bins=min(BINS, max(5, len(shown) // 3)))
    return Figure(
        Histogram(
            title=say("Images by their own score"),
            edges=edges.tolist(),
            counts=[(say("images"), counts.tolist())],
            x_label=facts.metric.name if len(finite) else "RMSE",
            y_label=say("images"),
            marks=[(float(np.median(shown)), say("median"))],
        )
    )


def _table(order: Sequence[ImageRow], facts: RunFacts) -> Table:
    shown = order[:ROWS]
    columns: list[Text] = [say("image"), say("fold"), facts.metric.name]
    rows: list[list[Cell]] = [[row.id, str(row.fold), row.score] for row in shown]
    if any(abs(row.score - row.rmse) > SAME * row.rmse for row in shown):
        columns.append("RMSE")
        rows = [[*cells, row.rmse] for cells, row in zip(rows, shown, strict=True)]
    columns.append(say("mean error"))
    rows = [[*cells, row.bias] for cells, row in zip(rows, shown, strict=True)]
    if any(row.untouched is not None for row in shown):
        columns.append(say("RMSE before"))
        rows = [[*cells, row.untouched] for cells, row in zip(rows, shown, strict=True)]
    return Table(
        columns=columns,
        rows=rows,
        caption=say("The {n} images with the worst score of {m}", n=len(rows), m=len(order)),
        bars=2,
        decimals=decimals_of(max(row.rmse for row in order)),
    )


def _pixels(sums: ErrorSums) -> list[Block]:
    bars = []
    for level in range(LEVELS):
        low = sums.low + (sums.high - sums.low) * level / LEVELS
        high = sums.low + (sums.high - sums.low) * (level + 1) / LEVELS
        count = sums.count[level]
        if count:
            bars.append(
                Bar(
                    label=f"{low:.1f} .. {high:.1f}",
                    value=float((sums.square[level] / count) ** 0.5),
                    note=say("{share:.1%}", share=float(count / sums.count.sum())),
                )
            )
    shares = sums.histogram / sums.histogram.sum()
    used = np.flatnonzero(shares > 1e-4)
    first, last = (int(used[0]), int(used[-1])) if len(used) else (0, len(shares) - 1)
    words = [
        say(
            "Pixels with a true value of {low:.1f} to {high:.1f} are predicted {bias:+.4f} on "
            "average.",
            low=sums.low + (sums.high - sums.low) * level / LEVELS,
            high=sums.low + (sums.high - sums.low) * (level + 1) / LEVELS,
            bias=float(sums.total[level] / sums.count[level]),
        )
        for level in (0, LEVELS - 1)
        if sums.count[level]
    ]
    return [
        Figure(
            BarChart(
                title=say("RMSE by the true value of a pixel"),
                bars=bars,
                value_label=say("RMSE, and the share of the pixels"),
                reference=sums.rmse,
                decimals=4,
            )
        ),
        *map(Paragraph, words),
        Figure(
            Histogram(
                title=say("Errors of pixels"),
                edges=sums.edges[first : last + 2].tolist(),
                counts=[(say("pixels"), shares[first : last + 1].tolist())],
                x_label=say("prediction - truth"),
                y_label=say("share of the pixels"),
            )
        ),
    ]


def chosen_images(order: Sequence[ImageRow]) -> list[tuple[Text, ImageRow]]:
    """The worst, middling and best images, each once."""
    middle = max(0, len(order) // 2 - CARDS // 2)
    places = [
        (say("worst"), range(CARDS)),
        (say("middling"), range(middle, middle + CARDS)),
        (say("best"), range(len(order) - CARDS, len(order))),
    ]
    found: dict[str, tuple[Text, ImageRow]] = {}
    for why, indices in places:
        for index in indices:
            if 0 <= index < len(order):
                found.setdefault(order[index].id, (why, order[index]))
    return list(found.values())


def _pictures(items: ImageItems, order: Sequence[ImageRow]) -> Block:
    cards, largest = [], None
    for why, row in chosen_images(order):
        item = items.item(row.id)
        if item is None:
            continue
        error = item.prediction - item.target
        if largest is None:
            largest = float(np.quantile(np.abs(error), BRIGHT)) or 1.0
        cards.append(
            Card(
                id=item.id,
                pictures=[
                    input_picture(item.image, item.target.shape[2]),
                    value_picture(item.prediction),
                    value_picture(item.target),
                    error_picture(error, largest),
                ],
                captions=[say("image"), say("prediction"), say("truth"), say("error")],
                lines=[why, say("score {score:.4g}", score=row.score)],
                tags={"fold": str(item.fold)},
            )
        )
    if not cards:
        return not_here(say("no image can be read."))
    title = say(
        "Error maps: black is right, red is too high, blue is too low; full colour from an error "
        "of {largest:.3f}",
        largest=largest,
    )
    return Gallery(cards=cards, title=title, filters={"fold": say("fold")})


def _how() -> Text:
    return say(
        "Every image has its own score. A long tail in the histogram means that a few images cost "
        "much of the score: look at them first. The error maps show where the errors are: at "
        "edges, in dark or bright places, or everywhere. Errors everywhere with one sign are a "
        "shift of brightness. Bars by the true value show whether dark or bright pixels are harder."
    )
