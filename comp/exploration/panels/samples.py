"""Panels of the samples themselves: contact sheets, classes, what images look like, copies."""

from __future__ import annotations

from comp.exploration.balance import Balance
from comp.exploration.copies import Copies, Copy
from comp.exploration.exploration import Exploration
from comp.exploration.looks import Looks, Measure
from comp.exploration.panels.cards import Cards
from comp.exploration.panels.names import named
from comp.exploration.panels.shares import shares_chart
from comp.page.blocks import Block, Card, Cell, Figure, Gallery, Panel, Paragraph, Part, Table
from comp.page.charts import Bar, BarChart
from comp.page.charts import Histogram as Chart
from comp.page.words import Text, say

MOST_CLASSES = 12
"""Classes that have a contact sheet, and bars of a chart."""
PER_CLASS = 12
WITHOUT_CLASSES = 36
OF_TEST = 16
PAIRS = 24
BARS = 30


def contact_sheets(found: Exploration, cards: Cards) -> Panel | None:
    """Random samples of each class, and of test."""
    if not cards.any:
        return None
    subjects, blocks = cards.subjects, list[Block]()
    train = subjects.rows_of("train")
    classes = [count.name for count in found.balance.classes] if found.balance else []
    shown = [name for name in classes if any(name in subjects.classes[row] for row in train)]
    for name in shown[:MOST_CLASSES]:
        rows = [row for row in train if name in subjects.classes[row]]
        label = subjects.several_labels
        sheet = [cards.card(s, label=label) for s in cards.sheet(rows, PER_CLASS)]
        title = say("{name}: {n} of {m}", name=name, n=len(sheet), m=f"{len(rows):,}")
        blocks.append(Gallery(cards=sheet, title=title))
    if len(shown) > MOST_CLASSES:
        words = say("The {n} largest of {m} classes.", n=MOST_CLASSES, m=len(shown))
        blocks.append(Paragraph(words))
    if not shown:
        sheet = [cards.card(s) for s in cards.sheet(train, WITHOUT_CLASSES)]
        if sheet:
            blocks.append(Gallery(cards=sheet, title=say("train")))
    rows = subjects.rows_of("test")
    test = [cards.card(s, label=False) for s in cards.sheet(rows, OF_TEST)]
    if test:
        blocks.append(Gallery(cards=test, title=say("test")))
    return Panel(
        id="samples",
        title=say("Samples"),
        blocks=blocks,
        how_to_read=say(
            "These are chosen at random. Look for marks, borders or light that go with a class: a "
            "network learns them, too."
        ),
    )


def classes(balance: Balance) -> Panel:
    """How many samples each class has, and the groups."""
    blocks: list[Block] = []
    if balance.classes:
        blocks.append(Figure(_class_bars(balance)))
        columns: list[Text] = [say("class"), say("samples"), say("share"), say("groups")]
        rows = [[c.name, c.samples, c.share, c.groups] for c in balance.classes]
        width = 4 if balance.groups else 3
        rows = [row[:width] for row in rows]
        blocks.append(Table(columns=columns[:width], rows=rows, decimals=3))
    if balance.several:
        words = say("{n} samples have more than one label.", n=f"{balance.several:,}")
        blocks.append(Paragraph(words))
    if balance.none:
        blocks.append(Paragraph(say("{n} samples have no label.", n=f"{balance.none:,}")))
    if balance.groups:
        groups = balance.groups
        words = say(
            "{n} groups ({noun}). Samples in the median one: {median}; in the largest, {name}: "
            "{largest}.",
            n=f"{groups.groups:,}",
            noun=groups.noun,
            median=f"{groups.median:g}",
            name=groups.largest_name,
            largest=f"{groups.largest:,}",
        )
        blocks.append(Paragraph(words))
    if balance.groups and balance.classes:
        mixed = f"{balance.groups.mixed:,}"
        blocks.append(Paragraph(say("Groups with samples of several classes: {n}.", n=mixed)))
    title = say("Strata") if balance.kind == "strata" else say("Classes")
    title = title if balance.classes else say("Groups")
    return Panel(
        id="classes",
        title=title,
        blocks=blocks,
        how_to_read=say(
            "Always the largest class is right in as many cases as its share says: a score of "
            "accuracy says something above it. All samples of a group stand in one fold."
        ),
    )


def _class_bars(balance: Balance) -> BarChart:
    bars = [Bar(label=c.name, value=float(c.samples)) for c in balance.classes[:BARS]]
    return BarChart(
        title=say("Training samples"), bars=bars, value_label=say("samples"), decimals=0
    )


def looks(found: Looks, cards: Cards) -> Panel:
    """Sizes, shapes and light of the images."""
    blocks: list[Block] = []
    if found.sizes:
        rows: list[list[Cell]] = [[f"{s.width} x {s.height}", s.images] for s in found.sizes]
        caption = say("The most frequent of {n} sizes", n=f"{found.different_sizes:,}")
        caption = caption if found.different_sizes > 1 else say("All images have one size")
        columns: list[Text] = [say("width x height"), say("images")]
        blocks.append(Table(columns=columns, rows=rows, caption=caption, bars=1))
    telling = found.telling
    if telling:
        words = say(
            "{measures} of an image says something about its class. If this comes from how the "
            "pictures were made, a network may learn it instead of what you want.",
            measures=_telling(telling),
        )
        blocks.append(Paragraph(words, "warning"))
    varied = [measure for measure in found.measures if measure.varies]
    blocks += [Figure(chart) for measure in varied if (chart := _measure_chart(measure))]
    same = [measure for measure in found.measures if not measure.varies]
    if same:
        entries = [[named(m.name), m.low] for m in same]
        caption = say("The same in all images")
        columns = [say("measure"), say("value")]
        blocks.append(Table(columns=columns, rows=entries, decimals=2, caption=caption))
    blocks += _ends(found, cards)
    return Panel(
        id="looks",
        title=say("Sizes and light"),
        blocks=blocks,
        how_to_read=say(
            "Brightness is the mean grey level of an image, 0 to 255, and contrast the distance "
            "between its dark and its light parts. Sharpness is high if an image has much fine "
            "detail or noise."
        ),
    )


def _telling(measures: list[Measure]) -> Text:
    words: Text = _told(measures[0])
    for measure in measures[1:4]:
        words = say("{first}, {second}", first=words, second=_told(measure))
    return words


def _told(measure: Measure) -> Text:
    share = f"{measure.explained or 0:.0%}"
    return say("{measure} ({share} of its variance)", measure=named(measure.name), share=share)


def _measure_chart(measure: Measure) -> Chart | None:
    if not measure.histogram:
        return None
    return shares_chart(named(measure.name), measure.histogram, named(measure.name))


def _ends(found: Looks, cards: Cards) -> list[Block]:
    """The images at the ends of the measures."""
    blocks: list[Block] = []
    for measure in found.measures:
        for samples, title in (
            (measure.lowest, say("The lowest {measure}", measure=named(measure.name))),
            (measure.highest, say("The highest {measure}", measure=named(measure.name))),
        ):
            if samples:
                blocks.append(Gallery(cards=[cards.card(s) for s in samples], title=title))
    return [Part(title=say("Images at the ends")), *blocks] if blocks else []


def copies(found: Copies, cards: Cards) -> Panel:
    """Pairs of equal and similar images."""
    rows: list[list[Text | int]] = [
        [say("pairs of identical images"), found.identical],
        [say("pairs that look alike"), found.near],
        [say("pairs of a training and a test image"), found.leaks],
        [say("training pairs with different targets"), found.other_label],
        [say("training pairs that folds may separate"), found.apart],
    ]
    blocks: list[Block] = []
    if not found.pairs:
        words = say("No copies among {n} images.", n=f"{found.images:,}")
        blocks.append(Paragraph(words, "good"))
    else:
        blocks.append(Table(columns=[say("copies"), say("pairs")], rows=rows))
        blocks += _pairs(found, cards)
    return Panel(
        id="copies",
        title=say("Copies and near-copies"),
        blocks=blocks,
        how_to_read=say(
            "A copy in train and in test, or in two folds, makes a score too good. A copy with "
            "another target is a mistake. Tick those that shall go, save the list, and give it to "
            "a run as drop = FILE. Copies are found if they were saved again, resized, mirrored or "
            "turned by 180 degrees, but not if they were cropped."
        ),
    )


def _pairs(found: Copies, cards: Cards) -> list[Block]:
    """The worst pairs with tick boxes, and those of test, which no drop list can have."""
    in_test = [c for c in found.pairs if {c.first.split, c.second.split} == {"test"}]
    others = [c for c in found.pairs if {c.first.split, c.second.split} != {"test"}]
    blocks: list[Block] = []
    for pairs, title in (
        (others, say("Pairs with training samples")),
        (in_test, say("Pairs of test")),
    ):
        if pairs:
            shown = [_pair(copy, cards) for copy in pairs[:PAIRS]]
            blocks.append(Gallery(cards=shown, title=title, ticks=pairs is others))
        if len(pairs) > PAIRS:
            blocks.append(Paragraph(say("The worst {n} of {m}.", n=PAIRS, m=f"{len(pairs):,}")))
    return blocks


def _pair(copy: Copy, cards: Cards) -> Card:
    """A card with the id of the training sample that may go: the second, if both train."""
    lines: list[Text] = []
    if copy.kind == "identical":
        lines.append(say("identical"))
    else:
        lines.append(say("similarity {value}", value=f"{copy.similarity:.3f}"))
    if copy.flip:
        lines.append(named(copy.flip))
    if copy.leak:
        lines.append(say("in train and in test"))
    if copy.other_label:
        lines.append(say("different targets"))
    goes = copy.second if copy.second.split == "train" else copy.first
    return cards.pair(copy.first, copy.second, lines, goes)
