"""Folds that disagree, that are missing, or that are alone."""

from __future__ import annotations

from comp.page.words import Say, say
from comp.pipeline.compare_words import number
from comp.review.alerts.alert import Alert, Finding
from comp.review.commands import change, command, works
from comp.review.evidence.baseline import baseline
from comp.review.evidence.fold_spread import FoldSpread, fold_spread
from comp.review.evidence.length import passes
from comp.review.evidence.levels import LEVEL
from comp.review.facts import RunFacts
from comp.runs.catalog import covers_all_folds

PART = 0.05
"""Of what the run gains over a simple baseline, the part that the worst fold must lack to be worth
a word; a judgement, not a test. With many samples the smallest difference is beyond chance."""


def _disagree(facts: RunFacts) -> Finding | None:
    seen = passes(facts)
    if seen is not None and seen < 1:  # each network has seen another part of the samples
        return None
    found = fold_spread(facts)
    if found is None or found.p_value >= LEVEL or not _matters(facts, found):
        return None
    return Finding(
        text=say(
            "Fold {fold} has {metric} {worst} (standard error {error}), the others {others} "
            "together. Chance makes folds of these sizes differ so much with p = {p:.2g} (Welch's "
            "test of the folds, by groups).",
            fold=found.worst,
            metric=facts.metric.name,
            worst=number(found.scores[found.worst]),
            error=number(found.errors[found.worst]),
            others=number(found.others),
            p=found.p_value,
        ),
        remedy=_remedy(facts, found.worst),
        command=_other_folds(facts),
    )


def _remedy(facts: RunFacts, fold: int) -> Say:
    if not _other_folds(facts):
        return say(
            "Look at the samples of fold {fold} in the report: are they of another source, or is "
            "its training broken?",
            fold=fold,
        )
    return say(
        "Look at the samples of fold {fold} in the report: are they of another source, or is "
        "its training broken? Another seed of the folds shows whether it stays.",
        fold=fold,
    )


def _other_folds(facts: RunFacts) -> str:
    """The command that draws other folds; "" if the folds are not drawn."""
    seed = f"fold_seed={_other_seed(facts)}"
    given = any(sample.fold is not None for sample in facts.oof.data.train) if facts.oof else False
    if given or facts.config.get("scheme") in ("time", "domain") or not works(facts, [seed]):
        return ""
    return change(facts, seed)


def _matters(facts: RunFacts, found: FoldSpread) -> bool:
    """Whether the worst fold lacks a part of what the run gains over a baseline; True if there is
    no baseline."""
    base = baseline(facts)
    if base is None:
        return True
    gain = abs(base.run_score - base.score)
    return abs(found.others - found.scores[found.worst]) > PART * gain


def _other_seed(facts: RunFacts) -> int:
    config = facts.config
    seed = config.get("fold_seed")
    return int(config.get("seed") or 0) + 1 if seed is None else int(seed) + 1


def _missing(facts: RunFacts) -> Finding | None:
    if not facts.finished or covers_all_folds(facts.record):
        return None
    done, planned = len(facts.folds), int(facts.config.get("folds") or 0)
    return Finding(
        text=say(
            "Only {done} of {all} folds are trained. The score is of the samples of these folds, "
            "and cannot be compared with a run over all of them.",
            done=done,
            all=planned,
        ),
        remedy=say("Train the folds that are left."),
        command=command(facts, "resume", facts.run_id, "--folds", "rest"),
    )


def _alone(facts: RunFacts) -> Finding | None:
    decision, takes = facts.task.decision, facts.metric.takes
    if facts.oof is None or decision is None or decision.fit is None or takes != "decisions":
        return None
    fitted = facts.decisions.params if facts.decisions else ()
    if len(set(facts.oof.fold_of.values())) > 1 or tuple(fitted) == tuple(decision.default):
        return None
    return Finding(
        text=say(
            "With one fold, the score is that of the default decisions ({default}). The fitted "
            "ones, which are submitted ({fitted}), have no score that did not choose them.",
            default=", ".join(map(number, decision.default)),
            fitted=", ".join(map(number, fitted)),
        ),
        remedy=say("Train at least one more fold."),
        command=command(facts, "resume", facts.run_id, "--folds", "rest"),
        tone="plain",
    )


FOLDS_DISAGREE = Alert(code="folds-disagree", title=say("The folds disagree"), look=_disagree)
FOLDS_MISSING = Alert(code="folds-left-out", title=say("Folds left out"), look=_missing)
ONE_FOLD = Alert(
    code="decisions-not-tested", title=say("The decisions have no honest score"), look=_alone
)
