"""Rules about the training: too short, too fast, overfitting, underfitting."""

from __future__ import annotations

from comp.page.words import say
from comp.pipeline.compare_words import number
from comp.review.alerts.curves import against_overfitting, by_heart, declining, improving
from comp.review.alerts.rate import too_low
from comp.review.coach.note import Note
from comp.review.commands import can_start_pretrained, change, command, longer, repeat
from comp.review.evidence.baseline import baseline
from comp.review.evidence.curves import tail
from comp.review.evidence.length import EPOCHS, needs_time, passes, short
from comp.review.evidence.memory import Explained, explained
from comp.review.evidence.rare import rare_class
from comp.review.evidence.rate import broke_down, loss_rises
from comp.review.facts import RunFacts


def learned_nothing(facts: RunFacts) -> Note | None:
    """The run is no better than a simple baseline, and no other rule knows why."""
    found = baseline(facts)
    if found is None or not (found.is_better or found.is_equal):
        return None
    if rate_too_high(facts) or too_low(facts) or declining(facts) or by_heart(facts):
        return None
    if rare_class(facts) or frozen_at_random(facts):
        return None
    values = {
        "metric": facts.metric.name,
        "run": number(found.run_score),
        "what": found.what,
        "base": number(found.score),
    }
    if short(facts):
        text = say(
            "Too few steps: the run saw each sample less than {epochs} times, and its {metric} of "
            "{run} is no better than {what} ({base}).",
            epochs=EPOCHS,
            **values,
        )
        return Note(text=text, command=longer(facts, 5))
    if needs_time(facts):
        text = say(
            "Too few steps: the {metric} of {run} is no better than {what} ({base}), but still "
            "became better at the end.",
            **values,
        )
        return Note(text=text, command=longer(facts, 5))
    text = say(
        "The run has learned nothing that helps: its {metric} of {run} is no better than {what} "
        "({base}); check that labels and samples belong together.",
        **values,
    )
    return Note(text=text, command=command(facts, "check", facts.competition.name))


def rate_too_high(facts: RunFacts) -> Note | None:
    """The training loss rises, or grew without bound."""
    risen = loss_rises(facts)
    rate = (facts.config.get("optim") or {}).get("lr")
    if not isinstance(rate, int | float) or not (risen or broke_down(facts)):
        return None
    if risen:
        text = say(
            "The learning rate {rate:g} is too high: the training loss rose from {first} to "
            "{last}.",
            rate=rate,
            first=number(risen[0]),
            last=number(risen[1]),
        )
    else:
        text = say(
            "The learning rate {rate:g} is too high: the loss grew without bound.", rate=rate
        )
    return Note(text=text, command=change(facts, f"optim.lr={rate / 10:g}"))


def rate_too_low(facts: RunFacts) -> Note | None:
    """The training loss stands still, and the run is no better than a baseline."""
    found = too_low(facts)
    if found is None:
        return None
    text = say(
        "The learning rate {rate:g} does not fit: the training loss stood still ({first} at the "
        "start, {last} at the end).",
        rate=float(facts.config["optim"]["lr"]),
        first=number(found[0]),
        last=number(found[1]),
    )
    return Note(text=text, command=command(facts, "lr-find", facts.competition.name))


def too_few_steps(facts: RunFacts) -> Note | None:
    """The network has not seen each sample once, or the score still rises at the end, beyond
    noise."""
    seen = passes(facts)
    if seen is not None and seen < 1:
        words = say(
            "Too few steps: the training saw only {share:.0%} of its samples once.", share=seen
        )
        return Note(text=words, command=longer(facts, 5))
    found = improving(facts)
    if found is None:
        return None
    end, error = found
    text = say(
        "Too few steps: in the last part of the training {metric} still improved by {gain}, more "
        "than the noise of the score ({error}).",
        metric=facts.metric.name,
        gain=number(end.gain),
        error=number(error),
    )
    return Note(text=text, command=longer(facts))


def overfits(facts: RunFacts) -> Note | None:
    """The score falls while the training loss falls, or the training samples are known by heart."""
    fall, heart = declining(facts), by_heart(facts)
    if fall is None and heart is None:
        return None
    samples = len(facts.oof.ids) if facts.oof else 0
    if fall:
        end, error = fall
        text = say(
            "Overfitting: from step {step:,} on the training loss fell, but {metric} became worse "
            "by {fall}, more than the noise of the score ({error}).",
            step=end.steps[0],
            metric=facts.metric.name,
            fall=number(end.fall),
            error=number(error),
        )
    else:
        assert heart
        text = say(
            "Too little data for this network: it explains {train:.0%} of its training labels, and "
            "{held:.0%} (at most {high:.0%}) of those that it did not see, with {samples:,} "
            "samples.",
            train=heart.train,
            held=heart.held_out,
            high=heart.high,
            samples=samples,
        )
    if can_start_pretrained(facts):
        return Note(text=text, command=repeat(facts, "--pretrained"))
    return Note(text=text, command=against_overfitting(facts)[1])


def frozen_at_random(facts: RunFacts) -> Note | None:
    """Stages are frozen that have random weights, so they never learn anything."""
    freeze, weights = facts.config.get("freeze"), facts.record.get("weights") or {}
    never = (facts.config.get("thaw") or {}).get("how", "never") == "never"
    networks = list(facts.config.get("model") or ()) == ["network"]
    if freeze in (None, "none", 0) or weights.get("kind") != "none" or not (never and networks):
        return None
    text = say(
        "Frozen stages with random weights (freeze = {freeze}, no pretrained weights): they never "
        "learn, so the rest of the network sees random features.",
        freeze=str(freeze),
    )
    return Note(text=text, command=change(facts, "freeze=none"))


def frozen_too_much(facts: RunFacts) -> Note | None:
    """Frozen stages, and a network that fits not even its training samples."""
    found = _underfit(facts)
    freeze = facts.config.get("freeze")
    never = (facts.config.get("thaw") or {}).get("how", "never") == "never"
    if found is None or freeze in (None, "none", 0) or not never or _goes_on(facts):
        return None
    text = say(
        "Too much is frozen (freeze = {freeze}): the network explains only {train:.0%} of its "
        "training labels, and {held:.0%} (at most {high:.0%}) of the others.",
        freeze=str(freeze),
        train=found.train,
        held=found.held_out,
        high=found.high,
    )
    return Note(text=text, command=change(facts, "thaw.how=staged"))


def underfits(facts: RunFacts) -> Note | None:
    """The network fits not even its training samples; its loss still falls, or no longer."""
    found = _underfit(facts)
    if found is None or facts.config.get("freeze") not in (None, "none", 0):
        return None
    values = {"train": found.train, "held": found.held_out, "high": found.high}
    goes_on = _goes_on(facts)
    if goes_on:
        text = say(
            "Too few steps: the network explains only {train:.0%} of its training labels and "
            "{held:.0%} (at most {high:.0%}) of the others, and its training loss still falls.",
            **values,
        )
    else:
        text = say(
            "Underfitting: the network explains only {train:.0%} of its training labels and "
            "{held:.0%} (at most {high:.0%}) of the others, and no longer improves: it is too "
            "weak, or the samples do not say more.",
            **values,
        )
    if can_start_pretrained(facts):
        return Note(text=text, command=repeat(facts, "--pretrained"))
    if goes_on:
        return Note(text=text, command=longer(facts))
    if list(facts.config.get("model") or ()) != ["network"]:
        return Note(text=text)
    return Note(text=text, command=command(facts, "race", facts.competition.name, writes=True))


def _underfit(facts: RunFacts) -> Explained | None:
    """What the network explains, if it is little of its training samples too, and no simpler
    reason is known."""
    found = explained(facts)
    if found is None or tail(facts) is None or not found.too_little:
        return None
    known = (improving, declining, learned_nothing, rate_too_high, rate_too_low, frozen_at_random)
    return None if short(facts) or any(rule(facts) for rule in known) else found


def _goes_on(facts: RunFacts) -> bool:
    """Whether the score still rises, or the training loss still falls, beyond chance."""
    end = tail(facts)
    return bool(end and (end.score_rises or end.loss_surely_falls))


def too_few_trees(facts: RunFacts) -> Note | None:
    """Every fold of boosted trees used all the trees that it may have."""
    most = (facts.config.get("gbdt") or {}).get("iterations")
    used = [(fold.meta.get("estimator") or {}).get("iterations") for fold in facts.folds]
    late = any((fold.meta.get("estimator") or {}).get("late") for fold in facts.folds)
    if not used or late or not isinstance(most, int) or any(count != most for count in used):
        return None
    text = say(
        "Too few trees: all {folds} folds used all of the {most:,} trees that they may have, so "
        "more trees still helped on held-out rows.",
        folds=len(used),
        most=most,
    )
    return Note(text=text, command=change(facts, f"gbdt.iterations={3 * most}"))
