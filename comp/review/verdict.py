"""The verdict on a run in a sentence, and what it is compared with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from comp.contract.metric import Pair
from comp.contract.task import Params
from comp.errors import CompError
from comp.inference.oof import decided_once
from comp.inference.predictions import Repeatable
from comp.inference.score_interval import score_interval
from comp.page.words import Say, say
from comp.pipeline.compare import difference_of
from comp.pipeline.run_oof import read_run_oof
from comp.review.facts import RunFacts
from comp.runs.catalog import RunInfo, list_runs
from comp.runs.comparison import PairedDifference
from comp.runs.folder import RunFolder
from comp.submission.ledger import Attempt, Ledger, submitted_runs

LIMIT_S = 1.5
"""Seconds for the draws of an interval; a report is written quickly rather than exactly."""
SAME = 1e-6
"""Relative difference below which a score is the recorded one, as in `comp compare`."""


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
    score, name = float(facts.scores["cv_score"]), scored_with(facts)
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


def scored_pairs(facts: RunFacts, ids: Sequence[str] | None = None) -> Iterable[Pair]:
    """What the metric takes of each sample, or of some: predictions, or the decisions that score
    its fold. They can be iterated several times."""
    oof, decision, fitted = facts.oof, facts.task.decision, facts.decisions
    assert oof
    if decision is None or fitted is None or facts.metric.takes == "predictions":
        return Repeatable(lambda: oof.pairs(ids))

    def params_of(pair: Pair) -> Params:
        return fitted.by_fold[oof.fold_of[pair.id]]

    return decided_once(decision, oof.pairs(ids), params_of)


def scored_with(facts: RunFacts) -> str:
    """The name of the metric that the recorded scores are of: that of the competition when the run
    ended."""
    return str(facts.scores.get("metric") or facts.metric.name)


def interval(facts: RunFacts) -> tuple[float, float] | None:
    """The 95 % interval of the out-of-fold score, by a bootstrap of groups; None if there is none,
    or if it would be one of another score than the recorded one."""
    found = _score(facts)
    return (found[1], found[2]) if found and changed_score(facts) is None else None


def changed_score(facts: RunFacts) -> float | None:
    """What the predictions score now, if that is not the recorded score; else None."""
    found, recorded = _score(facts), facts.scores.get("cv_score")
    if found is None or not isinstance(recorded, int | float):
        return None
    if scored_with(facts) != facts.metric.name:
        return found[0]
    return found[0] if abs(found[0] - recorded) > SAME * max(1.0, abs(recorded)) else None


def _score(facts: RunFacts) -> tuple[float, float, float] | None:
    """The score of the predictions, and its interval."""
    return facts.once("score", lambda: _score_interval(facts))


def _score_interval(facts: RunFacts) -> tuple[float, float, float] | None:
    if facts.oof is None:
        return None
    return score_interval(facts.metric, scored_pairs(facts), seed=0, limit_s=LIMIT_S)


def before(facts: RunFacts) -> Before | None:
    """The newest finished run of the competition that is older, with the difference of the scores;
    None if there is none."""
    return facts.once("before", lambda: _before(facts))


def _before(facts: RunFacts) -> Before | None:
    runs = list_runs(facts.workspace, submitted_runs(facts.workspace), facts.competition.name)
    own = next((run for run in runs if run.run_id == facts.run_id), None)
    older = [run for run in runs if own and _comparable(run, own, facts)]
    if not older or not facts.finished:
        return None
    last = max(older, key=_start)
    difference, why = None, ""
    try:
        if facts.oof:
            other = read_run_oof(RunFolder(last.path), facts.workspace, facts.source)
            difference = difference_of(facts.oof, other, limit_s=LIMIT_S)
    except CompError as error:
        why = str(error)
    assert last.cv_score is not None
    return Before(run_id=last.run_id, cv_score=last.cv_score, difference=difference, why_not=why)


def _comparable(run: RunInfo, own: RunInfo, facts: RunFacts) -> bool:
    return (
        run.state == "finished"
        and run.cv_score is not None
        and run.synthetic == facts.synthetic
        and run.metric == facts.metric.name
        and _start(run) < _start(own)
    )


def _start(run: RunInfo) -> datetime:
    """When a run started; runs of another machine may have another time zone."""
    return datetime.fromisoformat(run.started)


def sent(facts: RunFacts) -> Attempt | None:
    """The newest attempt to submit the run; None if there was none."""
    attempts = Ledger(facts.workspace.ledger).attempts(facts.competition.name)
    own = [attempt for attempt in attempts if attempt.run_id == facts.run_id]
    return own[-1] if own else None
