"""The verdict: the score with its interval, medals, the run before, and whether it was sent."""

from __future__ import annotations

from comp.page.blocks import Block, Panel, Paragraph, Tone
from comp.page.words import say
from comp.review.facts import RunFacts
from comp.review.verdict import Before, before, sent


def panel(facts: RunFacts) -> Panel:
    """The panel."""
    blocks: list[Block] = []
    if facts.synthetic:
        text = say("Synthetic data: the score says nothing about the competition.")
        blocks.append(Paragraph(text, "warning"))
    if facts.oof_missing:
        missing = say("Panels that need the data are missing: {why}", why=facts.oof_missing)
        blocks.append(Paragraph(missing, "warning"))
    if facts.finished:
        blocks += _of_scores(facts)
    blocks.append(_submission(facts))
    return Panel(
        id="verdict",
        title=say("Verdict"),
        blocks=blocks,
        how_to_read=say(
            "The out-of-fold score comes from predictions of samples that the model did not train "
            "on. The interval is what the score could be with other samples of the same kind: of "
            "two runs whose difference lies inside the noise, neither is better. The leaderboard "
            "may differ if the test data looks different."
        ),
    )


def _of_scores(facts: RunFacts) -> list[Block]:
    scores, found = facts.scores, []
    left_out = scores.get("left_out")
    if left_out:
        text = say(
            "Only {done} folds of {all}: the score is that of a part of the samples.",
            done=len(scores["fold_scores"]),
            all=len(scores["fold_scores"]) + len(left_out),
        )
        found.append(Paragraph(text, "warning"))
    if scores.get("standing") and not facts.synthetic:
        found.append(Paragraph(say("By the out-of-fold score: {line}.", line=scores["standing"])))
    last = before(facts)
    if last:
        found.append(_against(last, facts))
    return list(found)


def _against(last: Before, facts: RunFacts) -> Paragraph:
    difference = last.difference
    if difference is None or difference.low is None or difference.high is None:
        text = say(
            "The run before, {run}, has {score:.5f}; whether the difference is real is not known. "
            "{why}",
            run=last.run_id,
            score=last.cv_score,
            why=last.why_not,
        )
        return Paragraph(text)
    values = {
        "run": last.run_id,
        "value": abs(difference.value),
        "low": difference.low,
        "high": difference.high,
    }
    if not difference.real:
        text = say(
            "It cannot be told from the run before, {run}: the difference is {value:.5f}, between "
            "{low:+.5f} and {high:+.5f}.",
            **values,
        )
        return Paragraph(text)
    better = (difference.value > 0) == (facts.metric.direction == "max")
    if better:
        text = say(
            "It is better than the run before, {run}, by {value:.5f} (between {low:+.5f} and "
            "{high:+.5f}).",
            **values,
        )
        return Paragraph(text, "good")
    text = say(
        "It is worse than the run before, {run}, by {value:.5f} (between {low:+.5f} and "
        "{high:+.5f}).",
        **values,
    )
    tone: Tone = "warning"
    return Paragraph(text, tone)


def _submission(facts: RunFacts) -> Paragraph:
    attempt = sent(facts)
    if attempt is None:
        return Paragraph(say("It was not sent to Kaggle."))
    if attempt.public:
        text = say("It was sent to Kaggle: the public score is {score}.", score=attempt.public)
        return Paragraph(text)
    return Paragraph(say("Its newest attempt to submit is: {state}.", state=attempt.state))
