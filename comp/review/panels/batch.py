"""A training batch as the network saw it, beside the images before augmentation."""

from __future__ import annotations

from comp.page.blocks import Block, Card, Gallery, Panel, Paragraph, not_here
from comp.page.thumbnails import thumbnail, unit_picture
from comp.page.words import Text, say
from comp.review.facts import RunFacts
from comp.review.sample_cards import names_of, shown_channels
from comp.review.seen_batch import NotShownError, SeenSample, first_batch, network_config

MOST, MOST_IMAGES = 12, 8
"""Cards, and fewer of images with a target image."""


def panel(facts: RunFacts) -> Panel | None:
    """The panel; None without images, or before a fold has started."""
    if facts.oof is None or facts.reader is None or not facts.folds:
        return None
    return Panel(
        id="batch",
        title=say("A batch as the network saw it"),
        blocks=_blocks(facts),
        how_to_read=say(
            "Left is the image, right what the network got for it, after augmentation. You should "
            "still be able to tell the class, or see the object, on the right: if you cannot, "
            "neither can the network, and the augmentation is too strong. If both are the same, "
            "it sees the same images in each epoch and may learn them by heart. A target image "
            "must have moved with its image."
        ),
    )


def _blocks(facts: RunFacts) -> list[Block]:
    fold = facts.folds[0].fold
    most = MOST_IMAGES if facts.task.output == "image" else MOST
    try:
        seen = first_batch(facts, fold, most)
    except NotShownError as error:
        return [not_here(error.why)]
    words = say(
        "The first {n} samples of the first batch of fold {fold}, drawn and augmented again with "
        "the seeds of the run.",
        n=len(seen),
        fold=fold,
    )
    return [
        Paragraph(words),
        *_mixing(facts),
        Gallery(cards=[_card(facts, each) for each in seen]),
    ]


def _mixing(facts: RunFacts) -> list[Block]:
    """Say that images are mixed afterwards, which the pictures do not show."""
    loader = network_config(facts).loader
    if loader.mixup and loader.cutmix:
        words = say(
            "Each batch is then mixed, by mixup (alpha {mixup:g}) or CutMix (alpha {cutmix:g}) in "
            "turn at random; the pictures show the images before they are mixed.",
            mixup=loader.mixup,
            cutmix=loader.cutmix,
        )
    elif loader.mixup:
        words = say(
            "Each batch is then mixed by mixup (alpha {alpha:g}): each image becomes a weighted "
            "mean of two. The pictures show the images before they are mixed.",
            alpha=loader.mixup,
        )
    elif loader.cutmix:
        words = say(
            "Each batch is then mixed by CutMix (alpha {alpha:g}): each image gets a rectangle of "
            "another one. The pictures show the images before they are mixed.",
            alpha=loader.cutmix,
        )
    else:
        return []
    return [Paragraph(words)]


def _card(facts: RunFacts, each: SeenSample) -> Card:
    images = (shown_channels(facts, image) for image in (each.file, each.seen))
    pictures = [thumbnail(image) for image in images]
    captions: list[Text] = [say("image"), say("as seen")]
    if each.target is not None:
        pictures.append(thumbnail(unit_picture(each.target)))
        captions.append(say("target"))
    names = facts.task.label_names(each.sample.target) if each.target is None else ()
    lines: list[Text] = [say("class: {name}", name=names_of(names))] if names else []
    height, width = each.seen.shape[:2]
    lines.append(say("{width} x {height} pixels", width=width, height=height))
    return Card(id=each.sample.id, pictures=pictures, captions=captions, lines=lines)
