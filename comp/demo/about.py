"""What the page says about the run: its score, and what its answers are worth."""

from __future__ import annotations

from collections.abc import Sequence

from comp.demo.predictor import Predictor
from comp.page.words import Text, say
from comp.review.facts import RunFacts
from comp.review.verdict import interval, scored_with


def about_run(facts: RunFacts, predictor: Predictor) -> list[Text]:
    """The score of a run with its interval, its limits, and notes, a line each."""
    return [_score(facts), _limits(facts, predictor), *_notes(facts, predictor)]


def _score(facts: RunFacts) -> Text:
    score, count = facts.scores.get("cv_score"), len(facts.oof.ids) if facts.oof else 0
    if not isinstance(score, int | float):
        return say("The run is not finished, so it has no score.")
    metric, bounds = scored_with(facts), interval(facts)
    if bounds is None:
        return say("{metric} out of fold: {score}.", metric=metric, score=f"{score:.4g}")
    return say(
        "{metric} out of fold: {score} (95 % interval {low} to {high}, {count} samples).",
        metric=metric,
        score=f"{score:.4g}",
        low=f"{bounds[0]:.4g}",
        high=f"{bounds[1]:.4g}",
        count=f"{count:,}",
    )


def _limits(facts: RunFacts, predictor: Predictor) -> Text:
    count = predictor.count
    return say(
        "{answer} It answers every image, also one that is unlike the images of {title}; the score "
        "says nothing about such images.",
        answer=say("The answer is the mean of {count} trained models.", count=count)
        if count > 1
        else say("The answer is that of one trained model."),
        title=facts.competition.title,
    )


def _notes(facts: RunFacts, predictor: Predictor) -> Sequence[Text]:
    synthetic = [say("The run was trained on synthetic data: its answers mean nothing.")]
    return [*(synthetic if facts.synthetic else []), *predictor.notes]
