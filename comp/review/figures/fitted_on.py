"""On which samples the decisions were fitted that a panel counts."""

from __future__ import annotations

from comp.inference.decisions import FittedDecisions
from comp.page.blocks import Block, Paragraph
from comp.page.words import Text, say
from comp.review.facts import RunFacts

FEW = 3
"""More parameters of a decision are not listed by fold."""


def fitted_on(facts: RunFacts, what: Text, each: Text) -> list[Block]:
    """Whether the counted decisions are those of the other folds, the default, or were fitted on
    the same samples; nothing if they are not fitted.

    Args:
        what: the parameters, such as "The threshold".
        each: those of one fold, with the words for the usual case.
    """
    decision, fitted, oof = facts.task.decision, facts.decisions, facts.oof
    if decision is None or decision.fit is None or fitted is None or oof is None:
        return []
    same = tuple(fitted.params) == tuple(decision.default)
    if facts.metric.takes == "decisions" and len(set(oof.fold_of.values())) > 1:
        return [Paragraph(each), *_by_fold(fitted)]
    if same:
        return []
    if facts.metric.takes == "decisions":
        words = say(
            "With one fold there are no other folds to fit on: these are the decisions of the "
            "default ({default}), not of what is submitted ({submitted}).",
            default=_numbers(decision.default),
            submitted=_numbers(fitted.params),
        )
        return [Paragraph(words)]
    words = say(
        "{what} was fitted on these samples, so there are a few mistakes less than on new ones.",
        what=what,
    )
    return [Paragraph(words)]


def _numbers(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.5g}" for value in values)


def _by_fold(fitted: FittedDecisions) -> list[Block]:
    """The parameters of each fold, if they are few and not those of the submission."""
    if len(fitted.params) > FEW or all(tuple(p) == fitted.params for p in fitted.by_fold.values()):
        return []
    folds = "; ".join(f"{fold}: {_numbers(params)}" for fold, params in fitted.by_fold.items())
    words = say(
        "By fold they are {folds}, and the submission uses {submitted}. The score of the run "
        "counts the decisions of each fold with its own, because its samples did not choose them.",
        folds=folds,
        submitted=_numbers(fitted.params),
    )
    return [Paragraph(words)]
