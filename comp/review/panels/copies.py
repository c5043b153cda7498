"""Images that look alike: over folds, in train and test, with tick boxes that export a list."""

from __future__ import annotations

from collections.abc import Sequence

from comp.data.dropped import mark_of
from comp.page.blocks import Block, Card, Gallery, Panel, Paragraph
from comp.page.thumbnails import thumbnail
from comp.page.words import Text, say
from comp.review.copies import Copies, Copy, find_copies
from comp.review.facts import RunFacts
from comp.review.figures.dropping import dropping
from comp.review.looks import read_image
from comp.review.sample_cards import shown_channels

MOST = 20
"""Pairs that are shown of each kind."""
FILE = "drop-copies.csv"


def panel(facts: RunFacts) -> Panel | None:
    """The panel; None without images of their own."""
    found = facts.once("copies", lambda: find_copies(facts))
    if found is None:
        return None
    return Panel(
        id="copies",
        title=say("Images that look alike"),
        blocks=_blocks(facts, found),
        how_to_read=say(
            "Two images that are copies, though resized, re-encoded or flipped, must not be in two "
            "folds: the model of one fold has then seen the other image, and the score is too "
            "good. Give such images one group, or train without one of them. A copy of a test "
            "image in train makes the score of the test too good. Different images can look alike "
            "too, such as pages of one form: look at each pair. Copies with different labels mean "
            "that one label is wrong."
        ),
    )


def _blocks(facts: RunFacts, found: Copies) -> list[Block]:
    blocks: list[Block] = [Paragraph(_compared(facts, found))]
    kinds: dict[str, list[Copy]] = {"folds": [], "test": [], "fold": []}
    for copy in found.pairs:
        kinds[copy.where].append(copy)
    words: dict[str, Text] = {
        "folds": say("{n} pairs in different folds", n=len(kinds["folds"])),
        "test": say("{n} pairs of a training and a test image", n=len(kinds["test"])),
        "fold": say("{n} pairs in one fold", n=len(kinds["fold"])),
    }
    if not found.pairs:
        return [*blocks, Paragraph(say("No two of them look alike."), "good")]
    for kind, pairs in kinds.items():
        if pairs:
            blocks.append(_gallery(facts, words[kind], pairs))
    return [
        *blocks,
        Paragraph(
            say(
                "A tick stands for one image of the pair, which is named first. Save the list and "
                "train without these images; to drop wrong labels as well, write both lists into "
                "one file:"
            )
        ),
        *dropping(facts, FILE),
    ]


def _compared(facts: RunFacts, found: Copies) -> Text:
    if found.all_compared:
        return say(
            "All {train:,} images of train and {test:,} of test were compared, as the network "
            "gets them.",
            train=found.train,
            test=found.test,
        )
    return say(
        "{train:,} of {all_train:,} images of train and {test:,} of {all_test:,} of test were "
        "compared, chosen at random, so most pairs are not seen. 'comp check {name}' compares all.",
        train=found.train,
        all_train=found.all_train,
        test=found.test,
        all_test=found.all_test,
        name=facts.competition.name,
    )


def _gallery(facts: RunFacts, title: Text, pairs: Sequence[Copy]) -> Gallery:
    shown = pairs[:MOST]
    if len(pairs) > len(shown):
        title = say("{title}, {n} shown", title=title, n=len(shown))
    return Gallery(
        title=title,
        cards=[_card(facts, copy) for copy in shown],
        ticks=True,
        file_name=FILE,
    )


def _card(facts: RunFacts, copy: Copy) -> Card:
    """A pair; its tick stands for the second image, or for the training image beside a test
    image."""
    dropped, other = (copy.first, copy.second)
    if copy.where != "test":
        dropped, other = copy.second, copy.first
    of_other = say("test {id}", id=other.id) if copy.where == "test" else other.id
    images = [read_image(facts, sample) for sample in (dropped, other)]
    pictures = [thumbnail(shown_channels(facts, image)) for image in images if image is not None]
    lines: list[Text] = [say("correlation {value:.3f}", value=copy.correlation)]
    if copy.flip:
        lines.append(_FLIPS[copy.flip])
    if copy.same_group:
        lines.append(say("of one group"))
    if copy.same_label is False:
        lines.append(say("with different labels"))
    if copy.where == "folds":
        assert facts.oof is not None
        numbers = [facts.oof.data.folds[sample.id] for sample in (dropped, other)]
        folds = [str(number) if number >= 0 else "-" for number in numbers]
        lines.append(say("folds {one} and {other}", one=folds[0], other=folds[1]))
    return Card(
        id=dropped.id,
        mark=mark_of(dropped),
        pictures=pictures,
        captions=[dropped.id, of_other] if len(pictures) == 2 else (),
        lines=lines,
    )


_FLIPS = {
    "mirrored": say("mirrored"),
    "upside down": say("upside down"),
    "half turn": say("turned by half"),
}
