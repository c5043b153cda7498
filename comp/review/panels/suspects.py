"""Samples whose label is probably wrong, with tick boxes that export a list for `drop`."""

from __future__ import annotations

from comp.errors import CompError, RunError
from comp.page.blocks import Block, Card, Cell, Gallery, Panel, Paragraph, Table, not_here
from comp.page.words import Text, say
from comp.pipeline.suspects import MANY, suspects_of
from comp.review.facts import RunFacts
from comp.review.figures.dropping import dropping
from comp.review.plain_numbers import plain
from comp.review.sample_cards import SampleCards
from comp.runs.suspects import Suspect, SuspectList

MOST, MOST_IMAGES, MOST_ROWS = 40, 16, 20
"""Cards, and fewer of images with a target image, which have three pictures each, and of rows of a
table, which have many words."""
MOST_ERRORS = 1000
"""Images with a target image above which their errors are not ranked: each has to be read."""
FILE = "drop-labels.csv"


def panel(facts: RunFacts) -> Panel | None:
    """The panel; None without predictions."""
    if facts.oof is None:
        return None
    if facts.task.output == "image" and len(facts.oof.ids) > MOST_ERRORS:
        blocks: list[Block] = [_too_many(facts)]
    else:
        try:
            blocks = _blocks(facts, suspects_of(facts.oof))
        except RunError:
            blocks = [not_here(say("no prediction is finite, so no label can be judged"))]
        except (CompError, OSError) as error:  # a target image is missing
            blocks = [not_here(str(error))]
    return Panel(
        id="suspects",
        title=say("Labels that may be wrong"),
        blocks=blocks,
        how_to_read=say(
            "The model of a fold never saw these labels, and disagrees with them. Look at each: is "
            "the label wrong, or is the sample hard? Tick only labels that are wrong, save the "
            "list, and train again with it: the samples then do not train, but are still scored. "
            "Hard samples must stay: without them the model learns less, and the score cannot show "
            "it."
        ),
    )


def _too_many(facts: RunFacts) -> Paragraph:
    assert facts.oof is not None
    return not_here(
        say(
            "{n:,} target images are too many to rank them in a report. 'comp suspects {run}' "
            "does it.",
            n=len(facts.oof.ids),
            run=facts.run_id,
        )
    )


def _blocks(facts: RunFacts, found: SuspectList) -> list[Block]:
    most = MOST if facts.reader else MOST_ROWS
    most = MOST_IMAGES if facts.task.output == "image" else most
    suspects = list({one.id: one for one in reversed(found.suspects)}.values())[::-1]
    shown = sorted(suspects, key=lambda one: one.rank)[:most]
    blocks: list[Block] = [Paragraph(_count(facts, found))]
    wrong = found.estimated_wrong
    if wrong is not None and wrong > MANY * found.labels:
        words = say(
            "So many are more likely mistakes of the model than wrong labels: train a better run "
            "first, or look at the first ones only."
        )
        blocks.append(Paragraph(words, "warning"))
    if not shown:
        return blocks
    cards = SampleCards(facts)
    filters = {"fold": say("fold")}
    if any("class" in cards.tags(one.id) for one in shown):
        filters["class"] = say("class")
    blocks += [
        Gallery(
            title=say("Most suspect first"),
            cards=[_card(cards, one) for one in shown],
            filters=filters,
            ticks=True,
            file_name=FILE,
        ),
        Paragraph(say("Tick the labels that are wrong, save the list, and train without them:")),
        *dropping(facts, FILE),
    ]
    if len(suspects) > len(shown):
        words = say(
            "{n} of {all:,} are shown. 'comp suspects {run}' writes all of them to a file.",
            n=len(shown),
            all=len(suspects),
            run=facts.run_id,
        )
        blocks.append(Paragraph(words))
    return [*blocks, *_tables(found)]


def _count(facts: RunFacts, found: SuspectList) -> Text:
    if found.estimated_wrong is not None:
        return say(
            "{wrong:,} of {all:,} labels are estimated to be wrong ({share:.1%}), by confident "
            "learning from the probabilities out of fold.",
            wrong=found.estimated_wrong,
            all=found.labels,
            share=found.estimated_wrong / found.labels,
        )
    if facts.task.output == "image":
        return say(
            "{all:,} target images, ordered by the mean error of their pixels. This is no estimate "
            "of wrong targets: hard samples have large errors too.",
            all=found.labels,
        )
    return say(
        "{all:,} targets, ordered by their error. This is no estimate of wrong targets: hard "
        "samples have large errors too.",
        all=found.labels,
    )


def _card(cards: SampleCards, one: Suspect) -> Card:
    lines: list[Text] = []
    if one.label:
        lines.append(say("in question: {label}", label=one.label))
    if one.p_given is not None and one.p_suggested is not None:
        lines += [
            say("label: {name} ({p:.1%})", name=one.given, p=one.p_given),
            say("suggested: {name} ({p:.1%})", name=one.suggested, p=one.p_suggested),
        ]
    else:
        lines.append(say("error: {value}", value=plain(one.score)))
    first = [say("rank {n}", n=one.rank), *lines]
    return cards.card(one.id, first=first, words=one.p_given is None)


def _tables(found: SuspectList) -> list[Block]:
    """The labels that are estimated to be wrong by kind, and the groups with several."""
    blocks: list[Block] = []
    if len(found.swaps) > 1:
        rows: list[list[Cell]] = [
            [one.label, one.given, one.suggested, one.count] for one in found.swaps
        ]
        columns = [say("label"), say("given"), say("suggested"), say("samples")]
        if not any(one.label for one in found.swaps):
            rows, columns = [row[1:] for row in rows], columns[1:]
        caption = say("Labels estimated to be wrong, by kind")
        blocks.append(Table(columns=columns, rows=rows, caption=caption, bars=len(columns) - 1))
    if found.groups:
        several: list[list[Cell]] = [[one.name, one.suspects, one.samples] for one in found.groups]
        blocks.append(
            Table(
                columns=[found.group, say("suspects"), say("samples")],
                rows=several,
                caption=say("Groups with several suspects"),
                most=15,
            )
        )
    return blocks
