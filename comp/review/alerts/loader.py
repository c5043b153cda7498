"""The training waits for its batches."""

from __future__ import annotations

from comp.page.words import say
from comp.review.alerts.alert import Alert, Finding
from comp.review.commands import first_that_works
from comp.review.facts import RunFacts

SHARE = 0.3
"""Share of the training spent waiting from which a remedy is worth a try."""
LEAST_S = 60.0
"""Seconds that all folds waited, at least: less is not worth a word. Both are judgements."""


def _look(facts: RunFacts) -> Finding | None:
    done = [fold.meta for fold in facts.folds if fold.meta]
    trained = [float(meta.get("fit_s") or 0) - float(meta.get("validate_s") or 0) for meta in done]
    shares = [float(meta.get("wait_share") or 0) for meta in done]
    waited = sum(share * max(0.0, seconds) for share, seconds in zip(shares, trained, strict=True))
    total = sum(max(0.0, seconds) for seconds in trained)
    if waited < LEAST_S or waited < SHARE * total:
        return None
    on_cpu = str(facts.record.get("device") or "").startswith("cpu")
    workers = int((facts.config.get("loader") or {}).get("workers") or 0)
    more = (say("Use more processes to load images."), [f"loader.workers={max(4, 2 * workers)}"])
    cached = (say("Keep the decoded images on disk."), ["image.cache=true"])
    lighter = (say("Augment less: its changes of images take the time."), ["augment.preset=light"])
    found = first_that_works(facts, [cached, lighter] if on_cpu else [cached, more])
    what = found or (say("Smaller images, or less augmentation, load faster."), "")
    return Finding(
        text=say(
            "The training waited for batches in {share:.0%} of its time, {waited:.0f} of {all:.0f} "
            "seconds.",
            share=waited / total,
            waited=waited,
            all=total,
        ),
        remedy=what[0],
        command=what[1],
        tone="plain" if on_cpu else "warning",
    )


LOADER = Alert(code="loader-too-slow", title=say("The loader is too slow"), look=_look)
