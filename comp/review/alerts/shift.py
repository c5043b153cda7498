"""Test differs from train, by what its samples look like or by what is decided on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from comp.data.drift.drift import Drift
from comp.inference.share_test import LEVEL
from comp.page.words import Say, say
from comp.review.alerts.alert import Alert, Finding
from comp.review.commands import command, first_that_works
from comp.review.facts import RunFacts


def drift_of(facts: RunFacts) -> Drift | None:
    """The comparison of train and test that the run made, if they differ."""
    record = facts.record.get("drift") or {}
    if not record.get("found"):
        return None
    try:
        return Drift.from_record(record)
    except (KeyError, TypeError):
        return None


def _shift(facts: RunFacts) -> Finding | None:
    found = drift_of(facts)
    if found is None:
        return None
    values = {
        "by": _BY[found.by],
        "auc": found.auc,
        "low": found.low,
        "high": found.high,
        "halves": found.halves,
    }
    text = say(
        "A classifier tells test from train by {by} with AUC {auc:.2f} (95 % interval {low:.2f} to "
        "{high:.2f}; chance is 0.5, random halves of train have {halves:.2f}). Scores out of fold "
        "may not hold in test.",
        **values,
    )
    if found.features:
        first = found.features[0]
        text = say(
            "{text} They differ most in {feature}: median {train:.4g} in train, {test:.4g} in "
            "test.",
            text=text,
            feature=first.name,
            train=first.train,
            test=first.test,
        )
    remedy, what = against_shift(facts)
    return Finding(text=text, remedy=remedy, command=what)


_BY = {
    "image statistics": say("image statistics"),
    "columns": say("columns"),
    "embeddings": say("embeddings"),
}


def against_shift(facts: RunFacts) -> tuple[Say, str]:
    """What to try if test differs from train, and the command."""
    found = first_that_works(
        facts,
        [
            (
                say("Make folds that are as different as train and test are, for honest scores."),
                ["scheme=domain"],
            ),
            (say("Augment more strongly."), ["augment.preset=strong"]),
        ]
        if list(facts.config.get("model") or ()) == ["network"]
        else [],
    )
    return found or (
        say("See in which columns train and test differ, and make folds as they were split."),
        command(facts, "check", facts.competition.name),
    )


def _shares(facts: RunFacts) -> Finding | None:
    record = facts.record.get("test_classes") or {}
    p_value, steps = record.get("p_value"), record.get("steps") or ()
    if not isinstance(p_value, int | float) or p_value >= LEVEL or len(steps) != 1:
        return None
    name, here, there = _largest(record)
    return Finding(
        text=say(
            "{name} is decided for {there:.1%} of the test and {here:.1%} of the held-out samples, "
            "which chance explains with p = {p:.2g} (Fisher's exact test by groups).",
            name=name,
            there=there,
            here=here,
            p=float(p_value),
        ),
        remedy=say(
            "The test images may look different, or have other classes: compare predictions that "
            "are adapted to them."
        ),
        command=command(facts, "predict", facts.run_id, "--set", _adaptation(facts)),
    )


def _adaptation(facts: RunFacts) -> str:
    networks = list(facts.config.get("model") or ()) == ["network"]
    return "predict.adapt=batchnorm" if networks else "predict.shares=em"


def _largest(record: Mapping[str, Any]) -> tuple[str, float, float]:
    """The class whose shares differ most, with its shares out of fold and in test."""
    held, test = record["out_of_fold"], record["steps"][-1]["shares"]
    index = max(range(len(held)), key=lambda k: abs(held[k] - test[k]))
    return str(record["classes"][index]), float(held[index]), float(test[index])


SHIFT = Alert(code="test-unlike-train", title=say("Test differs from train"), look=_shift)
SHARES = Alert(
    code="other-class-shares", title=say("The test has other shares of classes"), look=_shares
)
