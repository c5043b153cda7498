"""Curves of each fold: the loss, the held-out score, and the learning rate as planned and as it
was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from comp.page.blocks import Block, Figure, Panel, Paragraph
from comp.page.charts import LineChart, Series
from comp.page.words import Text, say
from comp.review.facts import FoldFacts, RunFacts, histories


def panel(facts: RunFacts) -> Panel | None:
    """The panel; None if no network was trained."""
    folds = [fold for fold in facts.folds if fold.history]
    if not folds:
        return None
    best = [(float(f.meta["step"]), say("best")) for f in folds[:1] if f.meta and len(folds) == 1]
    blocks: list[Block] = [
        Figure(
            LineChart(
                title=say("Held-out score while training"),
                series=_series(folds, "score"),
                x_label=say("optimizer steps"),
                y_label=facts.metric.name,
                marks=best,
            )
        ),
        Figure(
            LineChart(
                title=say("Training loss, the mean since the last validation"),
                series=_series(folds, "loss"),
                x_label=say("optimizer steps"),
                y_label=say("loss"),
            )
        ),
        Figure(
            LineChart(
                title=say("Learning rate, as planned and at each validation"),
                series=[*_planned(facts, folds), *_series(folds, "lr", dots=True)],
                x_label=say("optimizer steps"),
                y_label=say("learning rate"),
            )
        ),
    ]
    blocks += [*_first_of(folds[0]), *_plan(folds)]
    return Panel(
        id="curves",
        title=say("Curves"),
        blocks=blocks,
        how_to_read=say(
            "The loss should fall and the score should get better, fast at first and then slowly. "
            "A score that still gets better at the end wants more steps. A loss that falls while "
            "the score gets worse is overfitting. A loss that jumps wants a lower learning rate, "
            "and one that hardly moves a higher one."
        ),
    )


def _series(folds: Sequence[FoldFacts], key: str, dots: bool = False) -> list[Series]:
    found = []
    for index, fold in enumerate(folds):
        lines = [line for line in fold.history if line.get(key) is not None]
        found.append(
            Series(
                name=say("fold {n}", n=fold.fold),
                x=[float(line["step"]) for line in lines],
                y=[float(line[key]) for line in lines],
                dots=dots,
                colour=index % 8,
            )
        )
    return found


def _planned(facts: RunFacts, folds: Sequence[FoldFacts]) -> list[Series]:
    """The rate of each step by the schedule, a line for each length of training; empty for plateau,
    which has no plan."""
    lengths: dict[int, int] = {}
    for fold in folds:
        lengths.setdefault(int(fold.meta.get("planned") or _last(fold)), fold.fold)
    found = []
    for length, number in lengths.items():
        rates = planned_rates(facts.config, length)
        if rates:
            name = say("plan") if len(lengths) == 1 else say("plan of fold {n}", n=number)
            steps, values = zip(*rates, strict=True)
            found.append(Series(name=name, x=steps, y=values, dashed=True, colour=7))
    return found


def planned_rates(config: Mapping[str, Any], steps: int) -> list[tuple[float, float]]:
    """(steps done, rate) of at most 200 steps of the schedule; empty if it depends on scores."""
    import torch

    from comp.config.sections import OptimConfig
    from comp.training.schedule import make_schedule

    section = dict(config.get("optim") or {})
    if not isinstance(section.get("lr"), int | float) or section.get("schedule") == "plateau":
        return []
    optim, weight = OptimConfig.model_validate(section), torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=optim.lr, momentum=0.9)
    schedule = make_schedule(optimizer, optim, steps)
    found = []
    for step in sorted({round(index * steps / 200) for index in range(201)}):
        schedule.step_update(step)
        found.append((float(step), float(optimizer.param_groups[0]["lr"])))
    return found


def _last(fold: FoldFacts) -> int:
    return int(fold.history[-1]["step"])


def _first_of(fold: FoldFacts) -> list[Block]:
    """That a fold has several networks, of which one is drawn; the order is that of the facts."""
    names = [file.parent.relative_to(fold.path).as_posix() for file in histories(fold.path)]
    if len(names) < 2:
        return []
    text = say(
        "Each fold trained {n} networks. These are the curves of the first one, {name}; the scores "
        "elsewhere are those of all together.",
        n=len(names),
        name=names[0],
    )
    return [Paragraph(text)]


def _plan(folds: Sequence[FoldFacts]) -> list[Block]:
    """What happened against the plan, for folds that ended before it."""
    early = [f for f in folds if f.meta and f.meta.get("steps", 0) < f.meta.get("planned", 0)]
    texts: list[Text] = [
        say(
            "Fold {n} stopped after {steps} of {planned} planned steps.",
            n=fold.fold,
            steps=fold.meta["steps"],
            planned=fold.meta["planned"],
        )
        for fold in early
    ]
    return [Paragraph(text) for text in texts]
