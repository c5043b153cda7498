"""Samples with pictures: the worst, those of which the run is sure and wrong, middling, best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from comp.page.blocks import Block, Gallery, Panel, Paragraph, not_here
from comp.page.words import Text, say
from comp.review.facts import RunFacts
from comp.review.plain_numbers import plain
from comp.review.sample_cards import SampleCards
from comp.review.sample_errors import SampleErrors

WORST, OTHERS = 16, 12
"""Cards of the worst samples, and of each other kind."""
REST = 8
"""Further cards: the worst sample of each class and fold that has none among the worst."""
FEWER = 2
"""Images with a target image have more pictures each, and get a part of the cards."""


def panel(facts: RunFacts, overlays: Mapping[str, str] | None = None) -> Panel | None:
    """The panel; None if the run has no predictions yet.

    Args:
        overlays: a further picture of some samples by id, such as an explanation.
    """
    errors = facts.errors
    if errors is None:
        done = any(fold.meta for fold in facts.folds)
        return _of([not_here(facts.oof_missing)]) if done and facts.oof_missing else None
    if not errors.ids:
        return _of([not_here(say("no prediction is finite"))])
    cards = SampleCards(facts, overlays)
    return _of([Paragraph(_order_words(facts, errors)), *_galleries(facts, errors, cards)])


def worst_ids(facts: RunFacts) -> list[str]:
    """The ids of the worst samples, the worst first, such as for explanations."""
    errors = facts.errors
    return [] if errors is None else [errors.ids[row] for row in errors.order[:WORST]]


def _of(blocks: Sequence[Block]) -> Panel:
    return Panel(
        id="samples",
        title=say("Samples, from worst to best"),
        blocks=blocks,
        how_to_read=say(
            "Each sample was predicted by a model that did not train on it. Look for what the "
            "worst ones have in common: a kind of image, a class, a crop, a wrong label. A "
            "sample of which the model is sure and wrong often has a wrong label, or shows "
            "something that the training samples do not have. The best ones show what the model "
            "finds easy; if they share a mark or a border, it may have learned that instead."
        ),
    )


def _order_words(facts: RunFacts, errors: SampleErrors) -> Text:
    words = say("Ordered by the {name}, out of fold.", name=errors.name)
    if facts.task.exclusive is not None and errors.sure_wrong is None:
        words = say(
            "{words} With two classes, the worst are those of which the run is most sure and "
            "wrong.",
            words=words,
        )
    if len(errors.ids) + errors.not_finite < errors.of:
        words = say(
            "{words} Of {all:,} samples, {n:,} were chosen at random and ordered, to save time.",
            words=words,
            all=errors.of,
            n=len(errors.ids) + errors.not_finite,
        )
    if errors.not_finite:
        words = say(
            "{words} {n:,} are left out: their prediction is not finite, or its score is not "
            "defined.",
            words=words,
            n=errors.not_finite,
        )
    return words


def _galleries(facts: RunFacts, errors: SampleErrors, cards: SampleCards) -> list[Block]:
    share = FEWER if facts.task.output == "image" else 1
    value_of = dict(zip(errors.ids, errors.values.tolist(), strict=True))
    filters = {"fold": say("fold")}
    if facts.numbers is not None and facts.task.labels and _has_classes(facts):
        filters["class"] = say("class")

    def gallery(
        title: Text, names: Sequence[str], sure_of: Mapping[str, float] | None = None
    ) -> Gallery:
        made = []
        for name in names:
            more = [_value(errors, value_of[name])]
            if sure_of:
                more.append(say("p(wrong): {p:.3f}", p=sure_of[name]))
            made.append(cards.card(name, more=more))
        return Gallery(title=title, cards=made, filters=filters)

    order, count = errors.order, len(errors.ids)
    worst = [errors.ids[row] for row in order[: WORST // share]]
    sure = sure_and_wrong(errors, OTHERS)
    middle = order[max(0, count // 2 - OTHERS // share // 2) :][: OTHERS // share]
    best = order[::-1][: OTHERS // share]
    blocks: list[Block] = [gallery(say("The worst"), worst)]
    rest = worst_of_the_rest(errors, worst, [cards.tags(name) for name in errors.ids])
    if rest:
        title = say("The worst of folds and classes that are not among them")
        blocks.append(gallery(title, rest[: REST // share]))
    if sure:
        blocks.append(gallery(say("Sure and wrong"), list(sure), sure))
    if count > WORST // share:
        blocks.append(gallery(say("Middling"), [errors.ids[row] for row in middle]))
        blocks.append(gallery(say("The best"), [errors.ids[row] for row in best]))
    return blocks


def _has_classes(facts: RunFacts) -> bool:
    assert facts.oof is not None
    first = next(iter(facts.oof.samples.values()))
    return bool(facts.task.label_names(first.target)) or facts.task.suspects == "labels"


def _value(errors: SampleErrors, value: float) -> Text:
    shown = f"{value:.4g}" if abs(value) < 1000 else plain(value)
    return say("{name}: {value}", name=errors.short, value=shown)


def sure_and_wrong(errors: SampleErrors, most: int) -> dict[str, float]:
    """The samples of which the run is most sure and wrong, the surest first, and how sure it is."""
    if errors.sure_wrong is None:
        return {}
    wrong = np.flatnonzero(np.isfinite(errors.sure_wrong))
    order = wrong[np.argsort(-errors.sure_wrong[wrong], kind="stable")]
    return {errors.ids[row]: float(errors.sure_wrong[row]) for row in order[:most].tolist()}


def worst_of_the_rest(
    errors: SampleErrors, shown: Sequence[str], tags: Sequence[Mapping[str, str]]
) -> list[str]:
    """The worst sample of each fold and class that no shown sample has, the worst first.

    Args:
        tags: of each sample of `errors`.
    """
    place = {name: row for row, name in enumerate(errors.ids)}
    seen = {tag for name in shown for tag in tags[place[name]].items()}
    found = []
    for row in errors.order.tolist():
        new = set(tags[row].items()) - seen
        if new:
            found.append(errors.ids[row])
            seen |= set(tags[row].items())
    return [name for name in found if name not in set(shown)]
