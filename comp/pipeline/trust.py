"""Joins out-of-fold scores to a leaderboard: how far they predict it, and what is noise."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import permutations

import numpy as np
from scipy.stats import rankdata, spearmanr

from comp.contract.competition import Competition
from comp.data.units import units_of
from comp.errors import CompError
from comp.inference.public_noise import DRAWS, score_noise
from comp.inference.weighted_score import weighted_score
from comp.pipeline.compare import joint_groups, score_pair
from comp.pipeline.compare_samples import scored_run
from comp.pipeline.run_oof import RunOof, read_run_oof
from comp.pipeline.run_samples import SampleSource
from comp.pipeline.trust_sources import scored_submissions
from comp.pipeline.trust_words import verdict
from comp.runs.folder import RunFolder
from comp.runs.trust import Agreement, PublicDifference, ScoredSubmission, Trust
from comp.workspace import Workspace

SHARE = 0.3
"""The assumed share of the test that is public."""
MOST = 12
"""Submissions whose out-of-fold predictions are read, the best public scores first."""
LEVEL = 1.96
"""Standard errors that a difference must exceed to be larger than the noise (95 %)."""
EXACT = 7
"""Of at most this number of submissions, the p-value of the rank correlation is exact."""

OnStage = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class _Predictions:
    """The runs whose out-of-fold predictions are here, by id, and why others are not."""

    runs: Mapping[str, RunOof] = field(default_factory=dict)
    notes: Sequence[str] = ()


def trust(
    competition: Competition,
    workspace: Workspace,
    *,
    share: float | None = None,
    seed: int = 0,
    on_stage: OnStage | None = None,
) -> Trust:
    """How far the out-of-fold scores of a competition's runs predict its leaderboard.

    Args:
        share: of the test that is public, 0..1; None assumes 0.3.
        seed: of the draws.
        on_stage: called with what happens now.

    Raises:
        RunError: a ledger cannot be read.
    """
    stage = on_stage or (lambda _text: None)
    found = scored_submissions(competition, workspace)
    stage("reading the out-of-fold predictions")
    submissions = found.submissions
    listed = submissions[:MOST] if len(submissions) > 1 else []
    predictions = _read([one.run_id for one in listed], competition, workspace)
    size = _test_size(predictions.runs)
    public_size = (
        None if size is None else max(1, round(size * (SHARE if share is None else share)))
    )
    stage("drawing public tests")
    if public_size:
        submissions = [
            replace(one, noise=_noise(predictions.runs.get(one.run_id), public_size, seed))
            for one in submissions
        ]
    result = Trust(
        competition=competition.name,
        metric=competition.metric.name,
        direction=competition.metric.direction,
        submissions=submissions,
        skipped=list(found.skipped.items()),
        test_samples=size,
        public_share=SHARE if share is None else share,
        share_assumed=share is None,
        public_samples=public_size,
        agreements=agreements(submissions),
        differences=_differences(submissions[:MOST], predictions.runs, public_size, seed),
        words=(),
        notes=[*predictions.notes, *_split_notes(predictions.runs)],
    )
    return replace(result, words=verdict(result))


def _read(run_ids: Sequence[str], competition: Competition, workspace: Workspace) -> _Predictions:
    runs: dict[str, RunOof] = {}
    notes, source = [], SampleSource(workspace)
    for run_id in run_ids:
        folder = RunFolder(workspace.runs(competition.name) / run_id)
        try:
            runs[run_id] = read_run_oof(folder, workspace, source)
        except CompError as error:
            notes.append(f"the noise of {run_id} is not known: {error}")
    return _Predictions(runs=runs, notes=notes)


def _split_notes(runs: Mapping[str, RunOof]) -> list[str]:
    """Say that scores over different folds are compared: a shifted fold has a lower score, and one
    that leaks a higher one."""
    splits = set()
    for run in runs.values():
        numbers: dict[int, int] = {}
        folds = sorted(run.fold_of.items())
        splits.add(tuple((name, numbers.setdefault(f, len(numbers))) for name, f in folds))
    if len(splits) < 2:
        return []
    return [
        f"these runs have {len(splits)} splits into folds, and an out-of-fold score is comparable "
        "only over the same folds: the order by OOF may be that of the folds"
    ]


def _test_size(runs: Mapping[str, RunOof]) -> int | None:
    """The samples, or units, of the test."""
    first = next(iter(runs.values()), None)
    return len(units_of(first.data.test, first.competition.pool)) or None if first else None


def _noise(run: RunOof | None, size: int, seed: int) -> float | None:
    """The standard error of a run's score on a test of `size` samples."""
    if run is None:
        return None
    score, _cheap = weighted_score(run.competition.metric, scored_run(run, run.ids).scored)
    return score_noise(score, [run.groups[name] for name in run.ids], size, seed=seed, draws=DRAWS)


def agreements(submissions: Sequence[ScoredSubmission]) -> list[Agreement]:
    """With the public scores, and with the private ones if at least two are known."""
    if len(submissions) < 2:
        return []
    oof = [one.oof for one in submissions]
    found = [_agreement("public", oof, [one.public for one in submissions])]
    known = [(one.oof, one.private) for one in submissions if one.private is not None]
    if len(known) > 1:
        found.append(_agreement("private", [one for one, _ in known], [two for _, two in known]))
    return found


def _agreement(board: str, oof: Sequence[float], scores: Sequence[float]) -> Agreement:
    offsets = np.array(oof) - np.array(scores)
    defined = len(set(oof)) > 1 and len(set(scores)) > 1
    rho, p = _correlation(np.array(oof), np.array(scores)) if defined else (None, None)
    return Agreement(
        board=board,
        n=len(oof),
        rank_correlation=rho,
        p_value=p,
        mean_difference=float(offsets.mean()),
        spread=float(offsets.std(ddof=1)),
    )


def _correlation(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Spearman's rank correlation, and its p-value: exact of few, else by Student's t."""
    found = spearmanr(first, second)
    rho = float(found.statistic)
    if len(first) > EXACT:
        return rho, float(found.pvalue)
    one, other = rankdata(first), rankdata(second)
    centred = one - one.mean()
    products = np.array([abs(centred @ np.array(order)) for order in permutations(other)])
    return rho, float((products >= abs(centred @ other) - 1e-9).mean())


def _differences(
    submissions: Sequence[ScoredSubmission],
    runs: Mapping[str, RunOof],
    size: int | None,
    seed: int,
) -> list[PublicDifference]:
    """Of the best public score and each other one."""
    found = []
    for other in submissions[1:]:
        best = submissions[0]
        noise, paired = _pair_noise(best, other, runs, size, seed)
        difference = best.public - other.public
        found.append(
            PublicDifference(
                first=best.run_id,
                second=other.run_id,
                public=difference,
                oof=best.oof - other.oof,
                noise=noise,
                paired=paired,
                real=None if noise is None else abs(difference) > LEVEL * noise,
            )
        )
    return found


def _pair_noise(
    best: ScoredSubmission,
    other: ScoredSubmission,
    runs: Mapping[str, RunOof],
    size: int | None,
    seed: int,
) -> tuple[float | None, bool]:
    """The noise of a difference, and whether it is paired; without both predictions, sqrt(2) times
    the noise of one run."""
    if size and best.run_id in runs and other.run_id in runs:
        first, second = runs[best.run_id], runs[other.run_id]
        try:
            pair = score_pair(first, second)
        except CompError:
            pair = None  # other samples, or a score that is not defined
        if pair:
            one, two = pair.scores
            groups = joint_groups(first, second, pair.common.ids)
            noise = score_noise(lambda w: one(w) - two(w), groups, size, seed=seed, draws=DRAWS)
            return noise, noise is not None
    alone = [noise for noise in (best.noise, other.noise) if noise is not None]
    return (math.sqrt(2) * max(alone), False) if alone else (None, False)
