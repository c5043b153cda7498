"""The samples that only one of two runs decides right, or in which they differ most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from comp.contract.task import Task
from comp.page.blocks import Block, Card, Gallery, Panel, Paragraph
from comp.page.thumbnails import thumbnail, unit_picture
from comp.page.words import Say, Text, say
from comp.review.pair.both import Both
from comp.review.sample_cards import SampleCards

MOST_CARDS = 24
"""Samples of a gallery."""


def panel(both: Both) -> Panel | None:
    """The panel; None if the runs do not differ in any sample."""
    found = both.found
    blocks = _sides(both) if found.sides else _largest(both)
    if not blocks:
        return None
    return Panel(
        id="samples",
        title=say("Samples"),
        blocks=blocks,
        how_to_read=say(
            "Look for what the samples of one gallery have in common: it is what one run has "
            "learned and the other has not. If both galleries are equally long and look alike, the "
            "runs differ by chance, and the mean of both is often better than either."
        ),
    )


def _sides(both: Both) -> list[Block]:
    sides = both.found.sides
    assert sides
    counts = say(
        "Right in both: {both:,}; wrong in both: {neither:,}; right in A only: {first:,}; right in "
        "B only: {second:,}.",
        both=sides.both,
        neither=sides.neither,
        first=len(sides.only_first),
        second=len(sides.only_second),
    )
    blocks: list[Block] = [Paragraph(counts)]
    cards = [SampleCards(facts) for facts in (both.first, both.second)]
    galleries = [
        (say("Right in A, wrong in B"), sides.only_first),
        (say("Wrong in A, right in B"), sides.only_second),
    ]
    for title, ids in galleries:
        if ids:
            chosen = most_changed(both, ids)[:MOST_CARDS]
            if len(ids) > len(chosen):
                title = say(
                    "{title}, the {n} of {m} that differ most",
                    title=title,
                    n=len(chosen),
                    m=len(ids),
                )
            blocks.append(_gallery(both, title, chosen, partial(_decided_lines, both, cards)))
    return blocks


def _largest(both: Both) -> list[Block]:
    changes = {change.id: change for change in both.found.changes}
    if not changes:
        return []

    def lines(name: str) -> list[Text]:
        change = changes[name]
        return [
            say("A: {value:.5g}", value=change.first),
            say("B: {value:.5g}", value=change.second),
            say("A - B: {value:+.5g}", value=change.difference),
        ]

    measure = say("absolute error")
    if both.first.task.output == "image":
        measure = say("{metric} of the image", metric=both.found.metric)
    title = say("Largest differences: {measure}", measure=measure)
    return [_gallery(both, title, list(changes), lines)]


def _gallery(
    both: Both, title: Text, ids: Sequence[str], lines: Callable[[str], Sequence[Text]]
) -> Gallery:
    """The cards of some samples; if no sample has a picture, cards of text."""
    made, cards = SampleCards(both.first), []
    for name in ids:
        shown = _pictures(both, name)
        cards.append(
            Card(
                id=name,
                pictures=[picture for _, picture in shown],
                captions=[caption for caption, _ in shown],
                lines=lines(name),
                tags=made.tags(name),
            )
        )
    filters: dict[str, Text] = {"fold": say("fold")}
    if any("class" in card.tags for card in cards):
        filters["class"] = say("class")
    return Gallery(title=title, cards=cards, filters=filters)


def _pictures(both: Both, name: str) -> list[tuple[Text, str]]:
    """Captions and pictures: the image and, of tasks of images, the target and both predictions."""
    image = both.first.image(name)
    if image is None:
        image = both.second.image(name)
    shown: list[tuple[Text, str]] = [] if image is None else [(say("image"), thumbnail(image))]
    if both.first.task.output != "image":
        return shown
    for letter, facts in both.named:
        if facts.oof is None:
            continue
        target, prediction = next(iter(facts.oof.pairs([name])))
        if letter == "A":
            shown.append((say("target"), thumbnail(as_picture(target))))
        shown.append((letter, thumbnail(as_picture(prediction))))
    return shown


def as_picture(values: np.ndarray) -> np.ndarray:
    """A target or a prediction (H, W, K) as uint8; of other than 1 or 3 planes, the largest of
    each pixel."""
    if values.dtype == np.uint8:
        return values
    planes = values if values.shape[2] in (1, 3) else values.max(axis=2, keepdims=True)
    return unit_picture(planes)


def most_changed(both: Both, ids: Sequence[str]) -> list[str]:
    """Ids, first those whose predictions differ most."""
    assert both.first.oof
    assert both.second.oof
    one, other = both.first.oof.predictions, both.second.oof.predictions
    gaps = {name: float(np.abs(one[name] - other[name]).max()) for name in ids}
    return sorted(ids, key=lambda name: -np.nan_to_num(gaps[name], nan=np.inf))


def _decided_lines(both: Both, cards: Sequence[SampleCards], name: str) -> list[Text]:
    oof, task = both.first.oof, both.first.task
    assert oof
    truth = ", ".join(task.label_names(oof.samples[name].target)) or say("none")
    lines: list[Text] = [say("true: {value}", value=truth)]
    for (letter, facts), made in zip(both.named, cards, strict=True):
        if facts.oof:
            decided, prediction = made.decided(name), facts.oof.predictions[name]
            lines.append(_line(task, letter, decided, prediction))
    return lines


def _line(task: Task, letter: str, decided: str, prediction: np.ndarray) -> Say:
    """What a run decided and, of classes that exclude each other, how probable it was."""
    if task.exclusive is None or decided not in task.labels or not np.isfinite(prediction).all():
        return say("{run}: {decided}", run=letter, decided=decided)
    shares = task.exclusive.probabilities(np.asarray(prediction, dtype=np.float64)[None])[0]
    share = float(shares[task.labels.index(decided)])
    return say("{run}: {decided} ({share:.0%})", run=letter, decided=decided, share=share)
