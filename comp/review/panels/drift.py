"""Train against test: what the run measured, and how both sides look side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from comp.data.drift.drift import Drift
from comp.data.drift.words import COPIES, LITTLE
from comp.page.blocks import Block, Card, Cell, Figure, Gallery, Panel, Paragraph, Table, not_here
from comp.page.charts import Histogram
from comp.page.thumbnails import thumbnail
from comp.page.words import Text, say
from comp.review.facts import RunFacts
from comp.review.looks import read_image
from comp.review.main_columns import main_columns
from comp.review.sample_cards import shown_channels

BINS = 24
MOST = 4
"""Histograms."""
ROWS = 2000
"""Rows of a table of each side that a histogram counts."""
USUAL = ("brightness", "contrast", "width", "height")
"""Statistics of images that are shown after those that differ."""
LEAST = 5
"""Values of each side that make a histogram."""


def panel(facts: RunFacts) -> Panel | None:
    """The panel; None if the run has not recorded a comparison and its data is not here."""
    record = facts.record.get("drift")
    if not record and facts.oof is None:
        return None
    drift = _read(record)
    blocks: list[Block] = [_sentence(record, drift)]
    if drift:
        blocks += [*_table(drift), *_unlike(facts, drift)]
    return Panel(
        id="drift",
        title=say("Train against test"),
        blocks=[*blocks, *_histograms(facts, drift)],
        how_to_read=say(
            "A classifier tries to tell test from train. An AUC of 0.5 means that it cannot: the "
            "score out of fold should hold in test. The nearer to 1, the more they differ, in what "
            "the table names, and the less the score says about the leaderboard. Outlines that lie "
            "on each other are good. A difference need not hurt, if it is in something that does "
            "not matter for the target."
        ),
    )


def _read(record: Any) -> Drift | None:
    try:
        return Drift.from_record(record) if record and record.get("found") is not None else None
    except (KeyError, TypeError, AttributeError):
        return None


def _sentence(record: Mapping[str, Any] | None, drift: Drift | None) -> Paragraph:
    if drift is None:
        why: Text = str((record or {}).get("reason") or "")
        if not why:
            why = say("the run has not recorded whether they differ")
        return not_here(why)
    numbers = say(
        "AUC {auc:.2f}, {low:.2f} to {high:.2f}; 0.5 is chance, random halves of train have "
        "{halves:.2f}",
        auc=drift.auc,
        low=drift.low,
        high=drift.high,
        halves=drift.halves,
    )
    by = {
        "image statistics": say("image statistics"),
        "columns": say("columns"),
        "embeddings": say("embeddings"),
    }[drift.by]
    if drift.high < COPIES:
        words = say(
            "Test seems to have copies of training samples by {by} ({numbers}), which hide whether "
            "the others differ.",
            by=by,
            numbers=numbers,
        )
        return Paragraph(words, "warning")
    if not drift.found:
        words = say("Train and test look alike by {by} ({numbers}).", by=by, numbers=numbers)
        return Paragraph(words, "good")
    if drift.auc < LITTLE:
        words = say("Train and test differ a little by {by} ({numbers}).", by=by, numbers=numbers)
        return Paragraph(words, "warning")
    words = say(
        "Train and test differ by {by} ({numbers}). Scores out of fold may not hold in test.",
        by=by,
        numbers=numbers,
    )
    return Paragraph(words, "warning")


def _table(drift: Drift) -> list[Block]:
    if not drift.features:
        return []
    rows: list[list[Cell]] = [
        [each.name, each.auc, each.train, each.test] for each in drift.features
    ]
    return [
        Table(
            columns=[
                *(say("what differs"), say("AUC of it alone")),
                *(say("median in train"), say("median in test")),
            ],
            rows=rows,
            caption=say(
                "What differs most; an AUC above 0.5 means that it is larger in test. {train:,} "
                "samples of train and {test:,} of test were compared.",
                train=drift.train,
                test=drift.test,
            ),
        )
    ]


def _unlike(facts: RunFacts, drift: Drift) -> list[Block]:
    """The test images that are most unlike train, and those that are most like it."""
    if not drift.found or facts.oof is None or facts.reader is None:
        return []
    samples = {sample.id: sample for sample in facts.oof.data.test if sample.image is not None}
    blocks: list[Block] = []
    for title, ids in (
        (say("Test images that are most unlike train"), drift.like_test),
        (say("Test images that are most like train"), drift.like_train),
    ):
        cards = []
        for name in ids:
            image = read_image(facts, samples[name]) if name in samples else None
            if image is not None:
                cards.append(Card(id=name, pictures=[thumbnail(shown_channels(facts, image))]))
        if cards:
            blocks.append(Gallery(title=title, cards=cards))
    return blocks


def _histograms(facts: RunFacts, drift: Drift | None) -> list[Block]:
    """Of the numbers that differ most, and of the usual ones."""
    if facts.oof is None:
        return []
    sides = _of_images(facts, drift) if facts.reader else _of_columns(facts, drift)
    figures: list[Block] = []
    for name, train, test in sides:
        chart = histogram(name, train, test)
        if chart and len(figures) < MOST:
            figures.append(Figure(chart))
    if figures and facts.reader:
        words = say(
            "The outlines count {train:,} images of train and {test:,} of test, chosen at random.",
            train=len(facts.train_looks.ids),
            test=len(facts.test_looks.ids),
        )
        figures.append(Paragraph(words))
    return figures


def _of_images(facts: RunFacts, drift: Drift | None) -> list[tuple[str, np.ndarray, np.ndarray]]:
    train, test = facts.train_looks, facts.test_looks
    names = [*(each.name for each in (drift.features if drift else ())), *USUAL]
    return [(n, train.numbers(n), test.numbers(n)) for n in dict.fromkeys(names)]


def _of_columns(facts: RunFacts, drift: Drift | None) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Of main columns of numbers, those that differ first."""
    assert facts.oof is not None
    data = facts.oof.data
    rows = [[s.features for s in _some(samples)] for samples in (data.train, data.test)]
    differ = [each.name for each in (drift.features if drift else ())]
    columns = [column for column in main_columns(facts) if column.numeric]
    columns.sort(key=lambda column: column.name not in differ)
    return [(c.name, c.numbers(rows[0]), c.numbers(rows[1])) for c in columns]


def _some(samples: Sequence[Any]) -> list[Any]:
    order = np.random.default_rng(0).permutation(len(samples))[:ROWS]
    return [samples[index] for index in order]


def histogram(name: str, train: np.ndarray, test: np.ndarray) -> Histogram | None:
    """The shares of both sides in bins of equal width; the outermost bins hold all that is beyond
    the first and the last of a hundred values. None without enough values, or if all are equal."""
    train, test = train[np.isfinite(train)], test[np.isfinite(test)]
    if min(len(train), len(test)) < LEAST:
        return None
    both = np.concatenate([train, test])
    low, high = (float(end) for end in np.quantile(both, [0.01, 0.99]))
    if not high > low:
        low, high = float(both.min()), float(both.max())
    if not high > low:
        return None
    edges = np.linspace(low, high, BINS + 1)
    counts = [np.histogram(np.clip(v, low, high), edges)[0] / len(v) for v in (train, test)]
    return Histogram(
        title=name,
        edges=edges.tolist(),
        counts=[(say("train"), counts[0].tolist()), (say("test"), counts[1].tolist())],
        x_label=name,
        y_label=say("share"),
    )
