"""The verdict on a run in a sentence, and what it is compared with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from comp.contract.metric import Pair
from comp.errors import CompError
from comp.inference.score_interval import score_interval
from comp.page.words import Say, say
from comp.pipeline.compare import difference_of
from comp.pipeline.compare_samples import scored_run
from comp.pipeline.run_oof import read_run_oof
from comp.review.facts import RunFacts
from comp.runs.catalog import RunInfo, list_runs
from comp.runs.comparison import PairedDifference
from comp.runs.folder import RunFolder
from comp.submission.ledger import Attempt, Ledger, submitted_runs

LIMIT_S = 1.5
"""Seconds for the draws of an interval; a report is written quickly rather than exactly."""
DRAWS = 300
"""Draws of the comparison with the run before."""


@dataclass(frozen=True, kw_only=True)
class Before:
    """The run before, with what the difference of the scores is worth."""

    run_id: str
    cv_score: float
    difference: PairedDifference | None
    why_not: str = ""


def verdict(facts: RunFacts) -> Say:
    """One sentence: the score with its interval, or how far the run is."""
    if not facts.finished:
        done = sum(1 for fold in facts.folds if fold.meta)
        return say(
            "This run is not finished: {done} of {all} folds are.",
            done=done,
            all=len(facts.record.get("folds") or ()),
        )
    score, name = float(facts.scores["cv_score"]), facts.metric.name
    found = interval(facts)
    if found is None:
        return say("Out of fold, {metric} is {score:.5f}.", metric=name, score=score)
    return say(
        "Out of fold, {metric} is {score:.5f} (95 % interval {low:.5f} to {high:.5f}).",
        metric=name,
        score=score,
        low=found[0],
        high=found[1],
    )


def scored_pairs(facts: RunFacts) -> Iterable[Pair]:
    """What the metric takes of each sample: predictions, or the decisions that score its fold."""
    assert facts.oof
    return scored_run(facts.oof, facts.oof.ids).scored


def interval(facts: RunFacts) -> tuple[float, float] | None:
    """The 95 % interval of the out-of-fold score, by a bootstrap of groups; None if there is
    none."""
    return facts.once("interval", lambda: _interval(facts))


def _interval(facts: RunFacts) -> tuple[float, float] | None:
    if facts.oof is None:
        return None
    found = score_interval(facts.metric, scored_pairs(facts), seed=0, limit_s=LIMIT_S)
    return (found[1], found[2]) if found else None


def before(facts: RunFacts) -> Before | None:
    """The newest finished run of the competition that is older, with the difference of the scores;
    None if there is none."""
    return facts.once("before", lambda: _before(facts))


def _before(facts: RunFacts) -> Before | None:
    older = [
        run
        for run in list_runs(
            facts.workspace, submitted_runs(facts.workspace), facts.competition.name
        )
        if _comparable(run, facts)
    ]
    if not older or not facts.finished:
        return None
    last = min(older, key=lambda run: run.age_s)
    difference, why = None, ""
    try:
        if facts.oof:
            other = read_run_oof(RunFolder(last.path), facts.workspace)
            difference = difference_of(facts.oof, other, draws=DRAWS, limit_s=LIMIT_S)
    except CompError as error:
        why = str(error)
    assert last.cv_score is not None
    return Before(run_id=last.run_id, cv_score=last.cv_score, difference=difference, why_not=why)


def _comparable(run: RunInfo, facts: RunFacts) -> bool:
    started = str(facts.record.get("started") or "")
    same = run.state == "finished" and run.cv_score is not None
    return (
        same
        and run.run_id != facts.run_id
        and run.synthetic == facts.synthetic
        and run.metric == facts.metric.name
        and run.started < started
    )


def sent(facts: RunFacts) -> Attempt | None:
    """The newest attempt to submit the run; None if there was none."""
    attempts = Ledger(facts.workspace.ledger).attempts(facts.competition.name)
    own = [attempt for attempt in attempts if attempt.run_id == facts.run_id]
    return own[-1] if own else None
