"""A corner of the image decides: a mark or a letter tells the class."""

from __future__ import annotations

from comp.errors import CompError
from comp.explanations.corner import CornerFocus
from comp.page.words import say
from comp.review.alerts.alert import Alert, Finding
from comp.review.commands import command
from comp.review.explaining import has_time, in_time
from comp.review.facts import RunFacts


def corner_of(facts: RunFacts) -> CornerFocus | None:
    """The corner that stands out in the explanations of the run; None if it cannot be explained,
    or the report explains no samples."""
    return facts.once("corner", lambda: _corner_of(facts))


def _corner_of(facts: RunFacts) -> CornerFocus | None:
    from comp.explanations.corner import find_corner

    if not facts.explain or facts.oof is None or not facts.first_images or not has_time(facts):
        return None
    try:
        return find_corner(facts.oof, device="cpu", on_stage=in_time(facts))
    except CompError:  # the report says elsewhere why it explains nothing
        return None


def _look(facts: RunFacts) -> Finding | None:
    found = corner_of(facts)
    if found is None or not found.decides:
        return None
    return Finding(
        text=say(
            "For {label}, {share:.0%} of the explanation lies in the {corner} corner "
            "({expected:.0%} of the area; {pointing} of {samples} samples). Covering this corner "
            "lowers the mean probability from {before:.2f} to {covered:.2f}, covering another to "
            "{other:.2f}.",
            label=found.label,
            share=found.share,
            corner=_CORNERS[found.corner],
            expected=found.expected,
            pointing=found.pointing,
            samples=found.samples,
            before=found.probability,
            covered=found.covered,
            other=found.covered_other,
        ),
        remedy=say(
            "Look at that corner: a mark, a logo or a letter there may tell the class, and be "
            "missing in test. Cut it off, or paint over it in all images."
        ),
        command=command(facts, "explain", facts.run_id, "--surest"),
        tone="bad",
    )


_CORNERS = {
    "top left": say("top left"),
    "top right": say("top right"),
    "bottom left": say("bottom left"),
    "bottom right": say("bottom right"),
}

CORNER = Alert(code="a-corner-decides", title=say("A corner of the image decides"), look=_look)
