"""The verdict: the score with its interval, medals, the run before, and whether it was sent."""

from __future__ import annotations

from comp.page.blocks import Block, Panel, Paragraph, Tone
from comp.page.words import say
from comp.review.facts import RunFacts
from comp.review.figures.apart import apart_blocks
from comp.review.verdict import Before, before, changed_score, scored_with, sent
from comp.runs.catalog import covered_folds, covers_all_folds, cv_folds


def panel(facts: RunFacts) -> Panel:
    """The panel."""
    blocks: list[Block] = []
    if facts.synthetic:
        text = say("Synthetic data: the score says nothing about the competition.")
        blocks.append(Paragraph(text, "warning"))
    if facts.oof_missing:
        missing = say("Panels that need the data are missing: {why}", why=facts.oof_missing)
        blocks.append(Paragraph(missing, "warning"))
    if facts.oof:
        blocks += [Paragraph(note, "warning") for note in facts.oof.notes]
    if facts.finished:
        blocks += [*_changed(facts), *_of_scores(facts)]
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
    if not covers_all_folds(facts.record):
        text = say(
            "Only {done} of {all} folds: the score is that of a part of the samples.",
            done=len(covered_folds(facts.record)),
            all=cv_folds(facts.record),
        )
        found.append(Paragraph(text, "warning"))
    if scores.get("standing") and not facts.synthetic:
        found.append(Paragraph(say("By the out-of-fold score: {line}.", line=scores["standing"])))
    last = before(facts)
    if last:
        found.append(_against(last, facts))
    return [*found, *apart_blocks(scores)]


def _changed(facts: RunFacts) -> list[Block]:
    """A warning if the recorded score is not that of the predictions as they are scored now."""
    now, recorded = changed_score(facts), scored_with(facts)
    if recorded != facts.metric.name:
        text = say(
            "The run was scored with {recorded}, and the competition now has {metric}: the "
            "recorded scores are {recorded}, and what this report computes is {metric}.",
            recorded=recorded,
            metric=facts.metric.name,
        )
        return [Paragraph(text, "warning")]
    if now is None:
        return []
    text = say(
        "scores.json says {score:.5f}, but the predictions score {now:.5f} now: the plugin or a "
        "file of the run changed.",
        score=float(facts.scores["cv_score"]),
        now=now,
    )
    return [Paragraph(text, "warning")]


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
    if not difference.real:
        text = say(
            "It cannot be told from the run before, {run}: the difference is {value:.5f}, between "
            "{low:+.5f} and {high:+.5f}.",
            run=last.run_id,
            value=difference.value,
            low=difference.low,
            high=difference.high,
        )
        return Paragraph(text)
    low, high = sorted((abs(difference.low), abs(difference.high)))
    values = {"run": last.run_id, "value": abs(difference.value), "low": low, "high": high}
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
