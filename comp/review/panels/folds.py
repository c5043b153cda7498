"""The folds: their scores side by side, their steps and their times."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from comp.page.blocks import Block, Figure, Panel, Paragraph, Table
from comp.page.charts import Bar, BarChart
from comp.page.words import Text, say
from comp.review.facts import FoldFacts, RunFacts
from comp.review.verdict import scored_with


def panel(facts: RunFacts) -> Panel | None:
    """The panel; None if no fold is finished."""
    done = [fold for fold in facts.folds if fold.meta]
    if not done:
        return None
    recorded = facts.scores.get("fold_scores") or {}
    scores = {fold.fold: float(recorded.get(str(fold.fold), fold.meta["score"])) for fold in done}
    counts = _samples(facts)
    blocks: list[Block] = [
        Figure(_bars(facts, scores, counts)),
        _table(facts, done, scores, counts),
    ]
    if len(scores) > 1 and facts.scores:
        text = say(
            "Mean of the folds {mean:.5f}, standard deviation {std:.5f}; all predictions together "
            "{score:.5f}.",
            mean=float(facts.scores["mean"]),
            std=float(facts.scores["std"]),
            score=float(facts.scores["cv_score"]),
        )
        blocks.append(Paragraph(text))
    return Panel(
        id="folds",
        title=say("Folds"),
        blocks=blocks,
        how_to_read=say(
            "Each fold is scored on samples that its model did not see. Folds of few samples "
            "differ by chance. A fold far away from the others has harder samples, or its training "
            "failed. The line is the score of all predictions together, which need not be the mean."
        ),
    )


def _bars(facts: RunFacts, scores: Mapping[int, float], counts: Mapping[int, int]) -> BarChart:
    cv_score = facts.scores.get("cv_score")
    bars = [
        Bar(label=say("fold {n}", n=fold), value=score, note=_note(counts.get(fold)))
        for fold, score in scores.items()
    ]
    return BarChart(
        title=say("Score of each fold"),
        bars=bars,
        value_label=scored_with(facts),
        reference=None if cv_score is None else float(cv_score),
        base=_base([*scores.values(), *([] if cv_score is None else [float(cv_score)])]),
        decimals=4,
    )


def _table(
    facts: RunFacts,
    done: Sequence[FoldFacts],
    scores: Mapping[int, float],
    counts: Mapping[int, int],
) -> Table:
    columns: list[Text] = [
        *(say("fold"), say("samples"), scored_with(facts), say("best step"), say("steps")),
        *(say("stopped early"), say("seconds")),
    ]
    rows = [
        [
            str(fold.fold),
            counts.get(fold.fold),
            scores[fold.fold],
            fold.meta.get("step"),
            fold.meta.get("steps"),
            say("yes") if fold.meta.get("stopped_early") else say("no"),
            _seconds(fold.meta, "setup_s", "fit_s", "estimate_s", "predict_s"),
        ]
        for fold in done
    ]
    return Table(columns=columns, rows=rows, decimals=(5, 5, 5, 5, 5, 5, 1))


def _samples(facts: RunFacts) -> dict[int, int]:
    if facts.oof is None:
        return {}
    counts: dict[int, int] = {}
    for fold in facts.oof.fold_of.values():
        counts[fold] = counts.get(fold, 0) + 1
    return counts


def _note(count: int | None) -> str:
    return "" if count is None else f"n={count:,}"


def _base(values: list[float]) -> float:
    """Where bars begin: at 0, or a little below the values if they differ by little."""
    finite = [value for value in values if math.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    if low <= 0 or high - low > 0.2 * high:
        return 0.0
    room = max(high - low, 0.01 * high)
    return low - room


def _seconds(meta: Mapping[str, Any], *names: str) -> float:
    return round(sum(float(meta.get(name) or 0.0) for name in names), 1)
