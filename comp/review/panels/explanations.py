"""What in the image speaks for the answers to the worst samples, by the network that held each
out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from comp.page.blocks import Block, Card, Gallery, Panel, Paragraph, not_here
from comp.page.thumbnails import thumbnail
from comp.page.words import Text, say
from comp.review.explaining import has_time, in_time, no_time
from comp.review.facts import RunFacts
from comp.review.panels.samples import worst_ids

if TYPE_CHECKING:
    from comp.explanations.explained import Explained, ExplainedSample


def explained(facts: RunFacts) -> Explained | None:
    """The worst samples, explained; None if the report explains none, or there are no images."""
    return facts.once("explained", lambda: _explained(facts))


def _explained(facts: RunFacts) -> Explained | None:
    ids = worst_ids(facts)[: facts.explain]
    if facts.oof is None or not ids or not facts.first_images:
        return None
    if not has_time(facts):
        from comp.explanations.explained import Explained

        name = facts.competition.name
        return Explained(run_id=facts.run_id, competition=name, reason=no_time(facts))
    from comp.explanations.explain import explain_samples

    return explain_samples(facts.oof, ids, on_stage=in_time(facts))


def overlays(facts: RunFacts) -> Mapping[str, str]:
    """The explained samples under their maps, as data URIs by id."""
    found = explained(facts)
    return {sample.id: thumbnail(sample.overlay) for sample in found.samples} if found else {}


def panel(facts: RunFacts) -> Panel | None:
    """The panel; None without images."""
    found = explained(facts)
    if found is None:
        return None
    blocks: list[Block] = []
    if found.reason:
        blocks.append(not_here(found.reason))
    else:
        text = say(
            "{method} at the layer {layer}, for the {n} samples with the worst predictions. "
            "'comp explain {run}' also checks the maps: it covers parts of the images, and "
            "compares with random weights.",
            method=found.method,
            layer=found.layer,
            n=len(found.samples),
            run=facts.run_id,
        )
        blocks.append(Paragraph(text))
        filters: dict[str, Text] = {"fold": say("fold"), "answer": say("answer")}
        cards = [_card(sample, found.are_chances) for sample in found.samples]
        blocks.append(Gallery(cards=cards, filters=filters))
    blocks += [Paragraph(note) for note in found.notes]
    return Panel(
        id="explanations",
        title=say("What the network looks at"),
        blocks=blocks,
        how_to_read=say(
            "Warm colours are the parts of the image that speak for the answer. They should lie on "
            "the thing itself: on the animal, not on the fence. If they lie on a letter, a border "
            "or a corner, the network may have learned a shortcut. A map shows where, not why, and "
            "it may be wrong: do not trust one that the checks of 'comp explain' contradict."
        ),
    )


def _card(sample: ExplainedSample, are_chances: bool) -> Card:
    lines: list[Text] = [say("truth {truth}", truth=sample.truth or "-")]
    if sample.decision:
        lines.append(say("decided {decision}", decision=sample.decision))
    if sample.probability is not None and are_chances:
        lines.append(say("p({target}) = {p:.3f}", target=sample.target, p=sample.probability))
    if sample.empty:
        lines.append(say("nothing speaks for it"))
    return Card(
        id=sample.id,
        pictures=[thumbnail(sample.image), thumbnail(sample.overlay)],
        captions=[say("image"), say("for {target}", target=sample.target)],
        lines=lines,
        tags={"fold": str(sample.fold), "answer": sample.decision},
    )
