"""Which candidate runs: the best of the last round, unless its advantage over the default is noise.

Both have predicted the same held-out samples, so their scores are compared as `comp compare`
compares two runs: on the same draws of whole groups.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from comp.contract.competition import Competition
from comp.contract.metric import Metric, Pair
from comp.contract.sample import Sample
from comp.contract.task import DecidedPairs
from comp.data.groups import group_keys
from comp.data.units import unit_of, units_of
from comp.errors import RunError
from comp.inference.oof import read_target
from comp.inference.paired import paired_difference
from comp.inference.predictions import Predictions, Repeatable, save_predictions
from comp.inference.weighted_score import weighted_score
from comp.pipeline.compare_words import number, signed
from comp.pipeline.fold_context import FoldContext
from comp.racing.folder import RaceFolder
from comp.racing.rounds import DEFAULT, ranking
from comp.runs.comparison import PairedDifference
from comp.runs.race import RaceRound

LIMIT_S = 5.0
"""Seconds for the draws of the bootstrap."""
PREDICTED, TARGETS = "predicted.safetensors", "targets.safetensors"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The numbers of the candidate that runs and of the one with the best score, and what their
    comparison with the default says; "" without one."""

    winner: int = DEFAULT
    best: int = DEFAULT
    comparison: str = ""


def choose(
    folder: RaceFolder,
    competition: Competition,
    rounds: Sequence[RaceRound],
    samples: Sequence[Sample],
    seed: int,
) -> Choice | None:
    """The winner of the last round in which a candidate has a score; None if none has.

    The best candidate runs if its score is better than that of the default and the 95 % interval
    of the difference excludes 0; also if the default has no score.

    Args:
        samples: the held-out ones of the race.
        seed: of the draws.
    """
    better = competition.metric.better
    ranked = next((r for each in reversed(rounds) if (r := ranking(each.results, better))), [])
    if not ranked:
        return None
    best = ranked[0]
    if best == DEFAULT or DEFAULT not in ranked:
        return Choice(winner=best, best=best)
    try:
        found = difference_of(folder, competition, (best, DEFAULT), samples, seed)
    except RunError:
        return Choice(best=best, comparison="their predictions are gone, so it may be noise")
    real = found.real and better(found.first, found.second)
    comparison = _words(competition.metric, found)
    return Choice(winner=best if real else DEFAULT, best=best, comparison=comparison)


def keep_held_out(context: FoldContext, predicted: Path, folder: Path) -> None:
    """Keep the predictions of a candidate, and the targets beside them, until the race ends.

    Args:
        predicted: the file of the predictions, which is moved.
        folder: of the kept files of the candidate.
    """
    names = Predictions(predicted)
    units = units_of(context.held_out, context.competition.pool)
    made = folder.with_name(f"{folder.name}-new")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    task, reader = context.competition.task, context.reader
    known = (sample for sample in units if sample.id in names)
    save_predictions(made / TARGETS, ((one, read_target(task, one, reader)) for one in known))
    predicted.replace(made / PREDICTED)
    shutil.rmtree(folder, ignore_errors=True)
    made.rename(folder)


def forget_others(
    folder: RaceFolder, competition: Competition, rounds: Sequence[RaceRound]
) -> None:
    """Remove the predictions that no choice needs: of each round it needs those of the best."""
    orders = [ranking(each.results, competition.metric.better) for each in rounds]
    needed = {str(number) for number in (DEFAULT, *(order[0] for order in orders if order))}
    for path in folder.held_out.glob("*"):
        if path.name not in needed:
            shutil.rmtree(path, ignore_errors=True)


def difference_of(
    folder: RaceFolder,
    competition: Competition,
    numbers: tuple[int, int],
    samples: Sequence[Sample],
    seed: int,
) -> PairedDifference:
    """The difference of the scores of two candidates on the held-out samples of their last round.

    Raises:
        RunError: predictions are gone.
    """
    keys = {unit_of(one): key for one, key in zip(samples, group_keys(samples), strict=True)}
    units = {unit.id: unit for unit in units_of(samples, competition.pool)}
    files = [(folder.held_out / str(n) / name) for n in numbers for name in (PREDICTED, TARGETS)]
    predicted, targets, others, other_targets = map(Predictions, files)
    names = [name for name in units if name in predicted and name in others]
    sides = [
        _scored(competition, Repeatable(partial(_pairs, names, units, *both)), seed)
        for both in ((predicted, targets), (others, other_targets))
    ]
    first, second = (weighted_score(competition.metric, side)[0] for side in sides)
    differs = [not np.array_equal(a[1], b[1]) for a, b in zip(*sides, strict=True)]
    groups = [keys[name] for name in names]
    return paired_difference(first, second, groups, np.array(differs), seed, limit_s=LIMIT_S)


def _pairs(
    names: Sequence[str],
    units: Mapping[str, Sample],
    predicted: Predictions,
    targets: Predictions,
) -> Iterator[Pair]:
    for name in names:
        yield Pair(targets[name], predicted[name], name, units[name].group)


def _scored(competition: Competition, pairs: Iterable[Pair], seed: int) -> Iterable[Pair]:
    """What the metric takes, as `FoldContext.score` makes it."""
    task, metric = competition.task, competition.metric
    if metric.takes == "predictions" or task.decision is None:
        return pairs
    params = task.decision.default
    if task.decision.fit and task.output == "numbers":
        params = task.decision.fit(pairs, metric, seed)
    return DecidedPairs(task.decision, pairs, lambda _pair: params)


def _words(metric: Metric, found: PairedDifference) -> str:
    scores = f"{metric.name} {number(found.first)} against {number(found.second)}"
    if found.low is None or found.high is None:
        return f"{scores}; too few samples differ for an interval of the difference"
    low, high = (signed(end, found) for end in (found.low, found.high))
    return f"{scores}, 95 % interval of the difference {low} to {high}"
