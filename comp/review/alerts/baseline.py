"""The run is not better than one prediction for all samples."""

from __future__ import annotations

from comp.page.words import say
from comp.pipeline.compare_words import number
from comp.review.alerts.alert import Alert, Finding
from comp.review.alerts.predictions import for_rare_classes
from comp.review.commands import command, longer
from comp.review.evidence.baseline import Baseline, baseline
from comp.review.evidence.length import needs_time
from comp.review.evidence.missed import missed
from comp.review.facts import RunFacts


def _look(facts: RunFacts) -> Finding | None:
    found = baseline(facts)
    if found is None or not (found.is_better or found.is_equal):
        return None
    values = {
        "metric": facts.metric.name,
        "run": number(found.run_score),
        "what": found.what,
        "base": number(found.score),
        "samples": found.samples,
        **_interval(found),
    }
    if found.is_better:
        text = say(
            "{metric} is {run}, and {base} of a simple baseline, {what} ({samples:,} samples; "
            "difference {low} to {high}).",
            **values,
        )
    else:
        text = say(
            "{metric} is {run}, which is not surely better than the {base} of a simple baseline, "
            "{what} ({samples:,} samples; difference {low} to {high}).",
            **values,
        )
    if needs_time(facts):
        remedy, what = say("The training was too short: train longer."), longer(facts, 5)
    elif missed(facts):
        remedy, what = for_rare_classes(facts)
    else:
        remedy = say("Look for errors in labels and images first.")
        what = command(facts, "check", facts.competition.name)
    return Finding(
        text=text, remedy=remedy, command=what, tone="bad" if found.is_better else "warning"
    )


def _interval(found: Baseline) -> dict[str, str]:
    low, high = found.difference.low, found.difference.high
    return {"low": number(low or 0.0), "high": number(high or 0.0)}


BASELINE = Alert(
    code="not-better-than-a-baseline",
    title=say("Not better than a simple baseline"),
    look=_look,
)
