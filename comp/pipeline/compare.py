"""Compares two runs on the samples that both have predicted out of fold."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from comp.errors import RunError
from comp.inference.paired import DRAWS, paired_difference
from comp.inference.weighted_score import WeightedScore, weighted_score
from comp.pipeline.compare_samples import (
    ScoredRun,
    changed_sides,
    differing,
    largest_changes,
    output_scores,
    part_score,
    right_decisions,
    scored_run,
)
from comp.pipeline.compare_words import sentence
from comp.pipeline.run_oof import CommonIds, RunOof, common_ids, read_run_oofs
from comp.runs.comparison import Comparison, PairedDifference, PartScore
from comp.workspace import Workspace

LIMIT_S = 20.0
"""Seconds for the draws of the bootstrap."""
_SAME = 1e-6
"""Relative difference below which a score is the recorded one."""

OnStage = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class ScoredPair:
    """Both runs, ready to be scored on draws of their samples."""

    common: CommonIds
    sides: tuple[ScoredRun, ScoredRun]
    scores: tuple[WeightedScore, WeightedScore]


def compare(
    first: str,
    second: str,
    workspace: Workspace,
    *,
    seed: int = 0,
    limit_s: float = LIMIT_S,
    on_stage: OnStage | None = None,
) -> Comparison:
    """Compare two runs of one competition.

    Args:
        first: the id of a run, or the beginning of the id; `second` likewise.
        seed: of the draws.
        limit_s: seconds for the draws.
        on_stage: called with what happens now.

    Raises:
        RunError: there is no such run, one has no finished fold, they are of different
            competitions, they share too few samples, or a score is not defined.
        DataError: the data is missing, has changed, or has other targets in one of the runs.
    """
    stage = on_stage or (lambda _text: None)
    stage("reading the data of the runs")
    one, other = read_run_oofs([first, second], workspace)
    stage("scoring the runs")
    scored = score_pair(one, other)
    stage("drawing samples")
    difference = _difference(scored, seed, DRAWS, limit_s)
    stage("comparing samples")
    return _comparison(scored, difference)


def difference_of(
    first: RunOof, second: RunOof, *, seed: int = 0, draws: int = DRAWS, limit_s: float = LIMIT_S
) -> PairedDifference:
    """The difference of the scores of two runs alone, with its interval.

    Raises:
        RunError: they share too few samples, or a score is not defined.
        DataError: a sample does not have the same target in both.
    """
    return _difference(score_pair(first, second), seed, draws, limit_s)


def score_pair(first: RunOof, second: RunOof) -> ScoredPair:
    """Two runs, ready to be scored on draws of the samples that both have.

    Raises:
        RunError: they share too few samples, or a score is not defined.
        DataError: a sample does not have the same target in both.
    """
    common = common_ids([first, second])
    metric = first.competition.metric
    sides, scores = [], []
    for run in (first, second):
        side = scored_run(run, common.ids)
        score, _cheap = weighted_score(metric, side.scored)
        if not math.isfinite(score(np.ones(len(common.ids)))):
            raise RunError(
                f"{metric.name} of run {run.run_id} is not defined on the {len(common.ids)} common "
                "samples: a prediction is not finite, or a class is missing; compare other runs"
            )
        sides.append(side)
        scores.append(score)
    return ScoredPair(common=common, sides=(sides[0], sides[1]), scores=(scores[0], scores[1]))


def _difference(scored: ScoredPair, seed: int, draws: int, limit_s: float) -> PairedDifference:
    first, second = scored.sides
    return paired_difference(
        *scored.scores,
        groups=joint_groups(first.run, second.run, scored.common.ids),
        differs=differing(first, second),
        seed=seed,
        draws=draws,
        limit_s=limit_s,
    )


def joint_groups(first: RunOof, second: RunOof, ids: Sequence[str]) -> list[str]:
    """The group of each sample: two samples are in one group if they are in one of either run, or
    if a chain of such samples connects them."""
    indices = []
    for run in (first, second):
        names = [run.groups[name] for name in ids]
        indices.append(np.unique(np.array(names, dtype=np.str_), return_inverse=True)[1])
    one, other = indices
    count = int(one.max()) + 1
    size = count + int(other.max()) + 1
    edges = coo_array((np.ones(len(ids)), (one, count + other)), shape=(size, size))
    labels = connected_components(edges, directed=False)[1]
    return [str(label) for label in labels[one]]


def _comparison(scored: ScoredPair, difference: PairedDifference) -> Comparison:
    (first, second), ids = scored.sides, scored.common.ids
    competition = first.run.competition
    right = right_decisions(first, second)
    outputs_measure, outputs = output_scores(first, second, ids, right)
    measure, changes = largest_changes(first, second) if right is None else ("", [])
    better = _better(competition.metric.direction, difference)
    names = first.run.run_id, second.run.run_id
    return Comparison(
        first=names[0],
        second=names[1],
        competition=competition.name,
        synthetic=first.run.synthetic,
        metric=competition.metric.name,
        direction=competition.metric.direction,
        n=len(ids),
        difference=difference,
        real=difference.real,
        better=names[better] if difference.real else None,
        folds=_folds(scored),
        outputs_measure=outputs_measure,
        outputs=outputs,
        sides=None if right is None else changed_sides(right, ids),
        changes_measure=measure,
        changes=changes,
        words=sentence(competition.metric.name, names, better, len(ids), difference),
        notes=_notes(scored, difference),
    )


def _better(direction: str, difference: PairedDifference) -> int:
    """The position of the run with the better score."""
    return int((difference.value > 0) == (direction == "min"))


def _folds(scored: ScoredPair) -> list[PartScore]:
    run = scored.sides[0].run
    folds = np.array([run.fold_of[name] for name in scored.common.ids])
    parts = []
    for fold in np.unique(folds):
        weights = (folds == fold).astype(np.float64)
        values = [score(weights) for score in scored.scores]
        parts.append(part_score(str(fold), int(weights.sum()), *values))
    return parts


def _notes(scored: ScoredPair, difference: PairedDifference) -> list[str]:
    notes = list(dict.fromkeys(note for side in scored.sides for note in side.run.notes))
    notes += scored.common.notes
    for side, value in zip(scored.sides, (difference.first, difference.second), strict=True):
        run = side.run
        everything = len(run.samples) == len(scored.common.ids)
        if run.score is None or not everything:
            continue
        if abs(run.score - value) > _SAME * max(1.0, abs(run.score)):
            notes.append(
                f"scores.json of run {run.run_id} says {run.score:.5f}, and its predictions score "
                f"{value:.5f} now: the plugin or a file of the run changed"
            )
    if difference.low is not None and 0 < difference.draws < DRAWS:
        notes.append(
            f"the interval is from {difference.draws} draws of {DRAWS}: the data are large, or the "
            "metric is slow, or not defined for the others"
        )
    return notes
