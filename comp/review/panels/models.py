"""The models, seeds and runs whose predictions are averaged, and what estimators chose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from comp.page.blocks import Block, Cell, Figure, Panel, Paragraph, Part, Table
from comp.page.charts import Bar, BarChart
from comp.page.words import Text, say
from comp.review.facts import RunFacts
from comp.runs.lineage import blend_record


def panel(facts: RunFacts) -> Panel | None:
    """What the run is the mean of; None of a run of one model and one seed."""
    blocks = [*_runs(facts), *_members(facts), *_seeds(facts), *_chosen(facts)]
    if not blocks:
        return None
    return Panel(
        id="models",
        title=say("Models"),
        blocks=blocks,
        how_to_read=say(
            "A blend gains most if its members are about as good as each other and make different "
            "mistakes. A member with a weight near 0 costs time and changes nothing. Seeds differ "
            "only by chance: a change of the configuration that gains less than the spread of the "
            "seeds may be chance too."
        ),
    )


def _runs(facts: RunFacts) -> list[Block]:
    """The runs of a blend, with their weights in each fold."""
    blend = blend_record(facts.record)
    runs = [run for run in blend.get("runs") or () if isinstance(run, Mapping)]
    if not runs:
        return []
    rows: list[list[Cell]] = []
    for run in runs:
        weights = [float(w) for w in (run.get("fold_weights") or {}).values()]
        ends: list[Cell] = [min(weights), max(weights)] if weights else [None, None]
        rows.append([str(run.get("run_id")), _number(run, "score"), _number(run, "weight"), *ends])
    table = Table(
        columns=[
            say("run"),
            facts.metric.name,
            say("weight"),
            say("lowest weight of the folds"),
            say("highest weight of the folds"),
        ],
        rows=rows,
        caption=say("Runs of the blend, method {method}", method=blend.get("method")),
        bars=2 if all(row[2] is not None for row in rows) else None,
    )
    return [
        table,
        *_against(facts, [(str(run.get("run_id")), _number(run, "score")) for run in runs]),
    ]


def _members(facts: RunFacts) -> list[Block]:
    """The models of a run with several, with their scores in each fold."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for fold in facts.folds:
        for member in fold.meta.get("members") or ():
            found.setdefault(str(member["name"]), []).append({**member, "fold": fold.fold})
    if not found:
        return []
    means = facts.scores.get("members") or {}
    rows: list[list[Cell]] = []
    for name, each in found.items():
        recorded = means.get(name) or {key: _mean(each, key) for key in ("score", "weight")}
        seconds = sum(float(member.get("seconds") or 0) for member in each)
        rows.append([name, float(recorded["score"]), float(recorded["weight"]), seconds])
    columns: list[Text] = [say("model"), facts.metric.name, say("weight"), say("seconds")]
    numbers = sorted({int(member["fold"]) for each in found.values() for member in each})
    table = Table(
        columns=columns,
        rows=rows,
        caption=say("Models of the run: means over {n} folds", n=len(numbers)),
        bars=2,
    )
    by_fold = Table(
        columns=[say("model"), *[say("fold {fold}", fold=fold) for fold in numbers]],
        rows=[[name, *_of_folds(each, numbers)] for name, each in found.items()],
        caption=say("Score of each model by fold"),
    )
    return [table, by_fold]


def _of_folds(members: Sequence[Mapping[str, Any]], folds: Sequence[int]) -> list[Cell]:
    scores = {member["fold"]: float(member["score"]) for member in members}
    return [scores.get(fold) for fold in folds]


def _seeds(facts: RunFacts) -> list[Block]:
    seeds = facts.scores.get("seeds") or {}
    scores = {str(seed): float(value) for seed, value in (seeds.get("scores") or {}).items()}
    if not scores:
        return []
    words = say(
        "{n} seeds: each alone scores {mean:.5g} on average, with a standard deviation of "
        "{std:.2g}. Their average scores {score:.5g}.",
        n=len(scores),
        mean=float(seeds["mean"]),
        std=float(seeds["std"]),
        score=float(facts.scores["cv_score"]),
    )
    named = [(say("seed {seed}", seed=seed), value) for seed, value in scores.items()]
    return [Part(title=say("Seeds")), Paragraph(words), *_against(facts, named)]


def _against(facts: RunFacts, scores: Sequence[tuple[Text, float | None]]) -> list[Block]:
    """Bars of scores, from a little below the lowest, with a line at the score of the run."""
    known = [(name, value) for name, value in scores if value is not None]
    own = facts.scores.get("cv_score")
    if not known:
        return []
    every = [*(value for _, value in known), *([] if own is None else [float(own)])]
    room = (max(every) - min(every)) / 2 or abs(every[0]) / 10
    return [
        Figure(
            BarChart(
                title=say("Scores of the members, with a line at the score of the run"),
                bars=[Bar(label=name, value=value) for name, value in known],
                value_label=facts.metric.name,
                base=min(every) - room,
                reference=None if own is None else float(own),
                decimals=5,
            )
        )
    ]


def _chosen(facts: RunFacts) -> list[Block]:
    """What estimators chose in each fold, such as the number of trees."""
    found = [(fold.fold, fold.meta.get("estimator") or {}) for fold in facts.folds]
    keys = list(dict.fromkeys(key for _, chosen in found for key in chosen))
    if not keys:
        return []
    rows: list[list[Cell]] = [
        [str(fold), *[_cell(chosen.get(key)) for key in keys]] for fold, chosen in found if chosen
    ]
    caption = say("What the model chose in each fold")
    return [Table(columns=[say("fold"), *keys], rows=rows, caption=caption)]


def _cell(value: Any) -> Cell:
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        return value
    if value is None:
        return None
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {entry}" for key, entry in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _number(run: Mapping[str, Any], key: str) -> float | None:
    value = run.get(key)
    return None if value is None else float(value)


def _mean(members: Sequence[Mapping[str, Any]], key: str) -> float:
    return sum(float(member[key]) for member in members) / len(members)
