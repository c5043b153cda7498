"""Masks: scores by size, empty masks, and what thresholds and least areas would score."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from comp.contract.task import Params, decide
from comp.page.blocks import Block, Card, Figure, Gallery, Panel, Paragraph, Part, not_here
from comp.page.charts import BarChart, Heatmap, LineChart, Series
from comp.page.words import Text, say
from comp.review.facts import RunFacts
from comp.review.figures.estimates import estimate_tables
from comp.review.figures.image_items import ImageItems, image_items
from comp.review.figures.intervals import part_bars
from comp.review.figures.mask_counts import (
    MaskTable,
    PlaneScore,
    by_area,
    by_threshold,
    count_masks,
    fits_planes,
    score_of_planes,
)
from comp.review.figures.parts import parts_of
from comp.review.figures.pictures import input_picture, mask_picture
from comp.review.figures.scatter import scatter_rows
from comp.tasks.mask_decision import THRESHOLDS, PixelCounts

PARTS = 6
MOST_MASKS = 3
"""Masks of an image with charts of their own."""
CARDS = 4
"""Pictures of each kind."""
AREAS = 40


def panel(facts: RunFacts) -> Panel | None:
    """The panel of masks; None for other tasks, or without predictions."""
    task, oof = facts.task, facts.oof
    if task.output != "image" or task.decision is None or oof is None or facts.decisions is None:
        return None
    items = image_items(oof)
    table, counts = count_masks(iter(items), task, facts.metric, facts.decisions, fits_planes(task))
    blocks = items.notes()
    if not table.ids:
        return Panel(id="masks", title=say("Masks"), blocks=blocks)
    name, of_planes = score_of_planes(facts.metric)
    scores = table.scores(of_planes)
    blocks += [Part(title=say("Size")), *_sizes(table, scores, name)]
    blocks += [Part(title=say("Empty masks")), *_empty(table)]
    if counts is not None:
        blocks += [Part(title=say("Threshold and least area"))]
        blocks += _decision(facts, counts, name, of_planes)
    blocks += [Part(title=say("Where the masks are wrong")), _pictures(facts, items, table, scores)]
    blocks += estimate_tables(facts.scores)
    return Panel(id="masks", title=say("Masks"), blocks=blocks, how_to_read=_how())


def _sizes(table: MaskTable, scores: np.ndarray, name: str) -> list[Block]:
    """Scores by the size of the true mask, and decided size against true size, of all masks."""
    share = 100 * table.target / table.pixels[:, None]
    masks, groups = (
        scores.shape[1],
        np.repeat(np.array(table.groups, dtype=object), scores.shape[1]),
    )
    size, score = share.ravel(), scores.ravel()
    full = np.flatnonzero(size > 0)
    parts: list[tuple[Text, np.ndarray]] = []
    if len(full) < len(size):
        parts.append((say("empty"), np.flatnonzero(size == 0)))
    for part in parts_of(size[full], PARTS) if len(full) else ():
        rows = full[part]
        parts.append((f"{size[rows].min():.3g} .. {size[rows].max():.3g} %", rows))
    decided = (100 * table.decided / table.pixels[:, None]).ravel()
    rows = scatter_rows(len(size))
    blocks: list[Block] = [
        Figure(
            BarChart(
                title=say("{name} by the size of the true mask", name=name),
                bars=part_bars(parts, score, groups.tolist()),
                value_label=say("mean, with its 95 % interval"),
                reference=float(score.mean()),
            )
        ),
        Figure(
            LineChart(
                title=say("Size of the decided mask against the true one"),
                series=[
                    Series(
                        name=say("masks"),
                        x=size[rows].tolist(),
                        y=decided[rows].tolist(),
                        dots=True,
                    )
                ],
                x_label=say("true mask, % of the image"),
                y_label=say("decided mask, % of the image"),
                diagonal=True,
            )
        ),
    ]
    if masks > 1:
        words = say("Each image has {n} masks. All of them are counted.", n=masks)
        blocks.insert(0, Paragraph(words))
    return blocks


def _empty(table: MaskTable) -> list[Block]:
    truth, decided = (table.target == 0).ravel(), (table.decided == 0).ravel()
    cells = [
        [int((truth & decided).sum()), int((truth & ~decided).sum())],
        [int((~truth & decided).sum()), int((~truth & ~decided).sum())],
    ]
    words = say(
        "{n} of {m} true masks are empty. Of these, {right} are decided as empty and {wrong} are "
        "not. Of the others, {missed} are missed completely.",
        n=int(truth.sum()),
        m=len(truth),
        right=cells[0][0],
        wrong=cells[0][1],
        missed=cells[1][0],
    )
    names = [say("empty"), say("not empty")]
    heatmap = Heatmap(
        title=say("Empty masks"),
        rows=names,
        columns=names,
        values=cells,
        row_label=say("truth"),
        column_label=say("decided"),
    )
    return [Paragraph(words), Figure(heatmap)]


def _decision(
    facts: RunFacts, counts: PixelCounts, name: str, of_planes: PlaneScore
) -> list[Block]:
    """The mean score against each parameter of the decision; the others as submitted."""
    assert facts.decisions is not None
    params, masks = facts.decisions.params, facts.task.outputs
    used: list[Params] = [tuple(params[3 * k : 3 * k + 3]) for k in range(masks)]
    shown = range(min(masks, MOST_MASKS))
    names: list[Text] = [*facts.task.labels] if masks > 1 else [name]
    largest = 0.1 * float(np.median(counts.pixels))
    areas = sorted({0.0, *np.linspace(0, max(largest, *(p[1] for p in used)), AREAS).round()})
    thresholds, of_areas = [], []
    for k in shown:
        scores = by_threshold(counts, k, of_planes, *used[k][1:])
        thresholds.append(Series(name=names[k], x=list(THRESHOLDS), y=scores.tolist()))
        scores = by_area(counts, k, of_planes, used[k], areas)
        of_areas.append(Series(name=names[k], x=areas, y=scores.tolist()))
    return [
        *(_submitted(names[k], used[k]) for k in shown),
        Figure(
            LineChart(
                title=say("{name} against the threshold", name=name),
                series=thresholds,
                x_label=say("threshold of the probability of a pixel"),
                y_label=name,
                marks=[(used[k][0], say("submitted")) for k in shown],
            )
        ),
        Figure(
            LineChart(
                title=say("{name} against the least area", name=name),
                series=of_areas,
                x_label=say("least area in pixels: smaller masks become empty"),
                y_label=name,
                marks=[(used[k][1], say("submitted")) for k in shown],
            )
        ),
    ]


def _submitted(name: Text, params: Params) -> Paragraph:
    """The submitted parameters of a mask."""
    words = say(
        "{name}: threshold {threshold:.4g}, least area {area:g} pixels, least confidence "
        "{confidence:.4g}.",
        name=name,
        threshold=params[0],
        area=params[1],
        confidence=params[2],
    )
    return Paragraph(words)


def chosen_masks(table: MaskTable, scores: np.ndarray) -> list[tuple[Text, int, int]]:
    """Masks to look at: (why, image, mask). First false alarms and missed masks, the largest first;
    then the lowest, middling and best scores of masks that are neither."""
    empty, none = table.target == 0, table.decided == 0
    share = (table.target + table.decided) / table.pixels[:, None]
    found: list[tuple[Text, int, int]] = []

    def add(why: Text, cells: Sequence[tuple[int, int]]) -> None:
        found.extend((why, int(row), int(mask)) for row, mask in cells)

    def largest(where: np.ndarray) -> list[tuple[int, int]]:
        cells = [(int(row), int(mask)) for row, mask in np.argwhere(where)]
        return sorted(cells, key=lambda cell: -share[cell])[:CARDS]

    add(say("false alarm"), largest(empty & ~none))
    add(say("missed"), largest(~empty & none))
    others = [(int(row), int(mask)) for row, mask in np.argwhere(~empty & ~none)]
    others.sort(key=lambda cell: scores[cell])
    middle = max(0, len(others) // 2 - CARDS // 2)
    add(say("worst"), others[:CARDS])
    add(say("middling"), [c for c in others[middle : middle + CARDS] if c not in others[:CARDS]])
    add(say("best"), [c for c in others[-CARDS:] if c not in others[: middle + CARDS]])
    return found


def _pictures(facts: RunFacts, items: ImageItems, table: MaskTable, scores: np.ndarray) -> Block:
    assert facts.decisions is not None
    assert facts.task.decision is not None
    cards = []
    for why, row, mask in chosen_masks(table, scores):
        item = items.item(table.ids[row])
        if item is None:
            continue
        params = facts.decisions.params
        if facts.metric.takes == "decisions":
            params = facts.decisions.by_fold.get(item.fold, params)
        decided = decide(facts.task.decision, item.prediction, params)[..., mask]
        lines = [why, say("score {score:.3f}", score=float(scores[row, mask]))]
        if facts.task.outputs > 1:
            lines.append(facts.task.labels[mask])
        cards.append(
            Card(
                id=item.id,
                pictures=[
                    input_picture(item.image, 0),
                    mask_picture(item.image, item.target[..., mask], decided),
                ],
                captions=[say("image"), say("mask")],
                lines=lines,
                tags={"fold": str(item.fold), "mask": facts.task.labels[mask]},
            )
        )
    if not cards:
        return not_here(say("no image can be read."))
    filters: dict[str, Text] = {"fold": say("fold")}
    if facts.task.outputs > 1:
        filters["mask"] = say("mask")
    title = say("Green is right, orange is decided wrongly, blue is missed")
    return Gallery(cards=cards, title=title, filters=filters)


def _how() -> Text:
    return say(
        "Small masks are hardest: a few wrong pixels are a large part of them. Points above the "
        "diagonal are masks that are decided too large. An empty true mask counts fully as right "
        "or wrong with many metrics, so look at false alarms first. A flat curve at the submitted "
        "threshold or area is good, because then the exact value does not matter."
    )
