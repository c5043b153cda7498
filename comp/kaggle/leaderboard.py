"""The rank of a score on the public leaderboard of a competition."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from comp.contract import registry
from comp.contract.competition import Competition
from comp.contract.metric import Metric
from comp.errors import AnswerError, CompetitionError, ConfigError, NetworkError, RunError
from comp.files import read_json
from comp.kaggle.client import public_leaderboard
from comp.kaggle.client.deadline import Deadline
from comp.kaggle.client.public_leaderboard import Leaderboard, Standing
from comp.kaggle.client.session import connect
from comp.report.clock import duration
from comp.runs.catalog import covered_folds, covers_all_folds, has_other_metric, other_metric_note
from comp.runs.folder import RunFolder
from comp.workspace import Workspace

FRESH_S = 3600.0
"""Seconds before a cached leaderboard is fetched again."""


@dataclass(frozen=True)
class PlacedScore:
    """A score to rank: of the user, or the out-of-fold score of a run."""

    score: float
    run_id: str | None = None

    @property
    def words(self) -> str:
        """The score with its source."""
        if self.run_id is None:
            return f"a score of {self.score:.5f}"
        return (
            f"{self.score:.5f}, the out-of-fold score of run {self.run_id}, an estimate of the "
            "score on Kaggle,"
        )


@dataclass(frozen=True, kw_only=True)
class LeaderboardView:
    """The leaderboard and the rank of a score; `dataclasses.asdict` returns plain JSON."""

    slug: str
    competition: str | None
    """The name of the registered competition, None without a plugin."""
    direction: Literal["min", "max"]
    teams: int
    best: float | None
    median: float | None
    lines: Mapping[str, tuple[int, float]]
    """(last rank, its score) of each medal, by Kaggle's rules for this number of teams."""
    fetched: str
    """When the leaderboard was fetched, UTC, in ISO format."""
    age_s: float
    stale: str
    """Why the leaderboard is out of date, "" if it is not."""
    entry: PlacedScore | None
    standing: Standing | None
    own_lines: Mapping[str, float]
    """The medal lines in the competition's plugin, of the day when they were written down."""
    own_medal: str | None
    """The best medal of those lines that the score reaches."""
    left_out: str = ""
    """How many runs are left out because they record another metric, "" if none is."""


def view_leaderboard(
    name: str,
    workspace: Workspace,
    *,
    timeout_s: float,
    score: float | None = None,
    run_id: str | None = None,
    refresh: bool = False,
) -> LeaderboardView:
    """View the leaderboard of a competition; it is fetched if the cache has no recent one.

    Args:
        name: a registered competition, or the slug of another one.
        timeout_s: seconds for all requests together.
        score: the score to rank, by default the score of `run_id`.
        run_id: the run whose out-of-fold score is ranked, by default the best run.
        refresh: fetch the leaderboard even if the cached one is recent.

    Raises:
        CompetitionError: not a name of a competition, or a data set, which has no leaderboard.
        ConfigError: the score is not a number, or both a score and a run are given.
        RunError: the run does not exist, or its score cannot be ranked.
        RefusedError: Kaggle refused.
        NetworkError: no answer in time, and no leaderboard in the cache.
        AnswerError: the answer cannot be read, and no leaderboard in the cache.
    """
    competition, slug = resolve_competition(name)
    entry, others = _score_to_place(competition, slug, workspace, score, run_id)
    board, stale = _leaderboard(slug, workspace.cache, timeout_s, refresh)
    metric = competition.metric if competition else None
    direction = metric.direction if metric else board.direction
    return LeaderboardView(
        slug=slug,
        competition=competition.name if competition else None,
        direction=direction,
        teams=len(board.scores),
        best=board.scores[0] if board.scores else None,
        median=statistics.median(board.scores) if board.scores else None,
        lines=board.lines,
        fetched=board.fetched,
        age_s=board.age_s,
        stale=stale,
        entry=entry,
        standing=public_leaderboard.rank_score(board, entry.score, direction) if entry else None,
        own_lines=dict(metric.medals) if metric else {},
        own_medal=_own_medal(metric, entry.score) if metric and entry else None,
        left_out=other_metric_note(others, metric.name) if metric else "",
    )


def resolve_competition(name: str) -> tuple[Competition | None, str]:
    """The registered competition of a name or a slug (None without a plugin), and the slug.

    Raises:
        CompetitionError: not a slug, or a data set, which has no leaderboard.
    """
    known = registry.competitions()
    reference = known[name].kaggle if name in known else name
    kind, _, slug = reference.rpartition("/")
    if kind not in ("", "competitions"):
        raise CompetitionError(
            f"'{name}' is a data set on Kaggle ({reference}) and has no leaderboard: score a run "
            "on its test labels with 'comp grade RUN_ID'"
        )
    if not re.fullmatch(r"[A-Za-z0-9][\w-]*", slug):
        raise CompetitionError(
            f"'{name}' is not the name of a competition: give one of {', '.join(known)}, or the "
            "last part of its address on Kaggle, such as 'titanic'"
        )
    matches = (c for c in known.values() if c.kaggle == f"competitions/{slug}")
    return known[name] if name in known else next(matches, None), slug


def _score_to_place(
    competition: Competition | None,
    slug: str,
    workspace: Workspace,
    score: float | None,
    run_id: str | None,
) -> tuple[PlacedScore | None, int]:
    """The score to rank, None if there is none, and the number of runs that are left out."""
    if score is not None and run_id is not None:
        raise ConfigError(f"--score {score} and --run {run_id} exclude each other: give one")
    if score is not None:
        if not math.isfinite(score):
            raise ConfigError(f"--score {score} has no rank: give a number")
        return PlacedScore(score), 0
    if run_id is not None:
        return _run_score(competition, slug, workspace.find_run(run_id)), 0
    return best_run_score(competition, workspace) if competition else (None, 0)


def best_run_score(
    competition: Competition, workspace: Workspace
) -> tuple[PlacedScore | None, int]:
    """The best out-of-fold score of the finished runs on real data, None if there is none, and the
    number of runs that are left out because they record another metric.

    Scores are only compared between runs that cover the same number of folds; runs over all folds
    come first, then runs over more folds.
    """
    best: PlacedScore | None = None
    most_folds, others = 0.0, 0
    for path in sorted(workspace.runs(competition.name).glob("*/scores.json")):
        try:
            entry = _run_score(competition, competition.name, path.parent)
            record = RunFolder(path.parent).record()
            scores = dict(read_json(path))
        except (RunError, OSError, ValueError, TypeError):
            continue
        if has_other_metric(scores, competition.metric.name):
            others += 1
            continue
        folds = math.inf if covers_all_folds(record) else len(covered_folds(record))
        if folds < most_folds:
            continue
        if folds > most_folds or competition.metric.better(
            entry.score, best.score if best else None
        ):
            best, most_folds = entry, folds
    return best, others


def _run_score(competition: Competition | None, slug: str, folder: Path) -> PlacedScore:
    """The out-of-fold score of a run.

    Raises:
        RunError: the run is of another competition, unfinished, on synthetic data, or has no score.
    """
    run = RunFolder(folder)
    record = run.record()
    if competition is None or record.get("competition") != competition.name:
        raise RunError(
            f"run {run.run_id} is of {record.get('competition')}, not {slug}: name another run, or "
            "give a score with --score"
        )
    if record.get("synthetic"):
        raise RunError(
            f"run {run.run_id} is on synthetic data and its score has no rank: name a run on real "
            "data"
        )
    if record.get("state") != "finished":
        raise RunError(
            f"run {run.run_id} is not finished ('{record.get('state')}'): name another run, or "
            "give a score with --score"
        )
    try:
        score = float(read_json(run.scores)["cv_score"])
    except (OSError, ValueError, KeyError, TypeError):
        score = math.nan
    if not math.isfinite(score):
        raise RunError(
            f"run {run.run_id} has no out-of-fold score in {run.scores}: name another run"
        )
    return PlacedScore(score, run.run_id)


def _leaderboard(
    slug: str, cache: Path, timeout_s: float, refresh: bool
) -> tuple[Leaderboard, str]:
    """The leaderboard, and why it is out of date, "" if it is not."""
    fresh = None if refresh else public_leaderboard.cached_leaderboard(cache, slug, FRESH_S)
    if fresh:
        return fresh, ""
    try:
        with connect(Deadline(timeout_s), slug) as kaggle:
            board = public_leaderboard.fetch_leaderboard(kaggle, slug)
    except (NetworkError, AnswerError) as error:
        old = public_leaderboard.cached_leaderboard(cache, slug, math.inf)
        if old is None:
            raise
        return old, f"{error}; this is the leaderboard of {duration(old.age_s)} ago"
    public_leaderboard.cache_leaderboard(cache, board)
    return board, ""


def _own_medal(metric: Metric, score: float) -> str | None:
    """The best medal of the plugin's medal lines that a score reaches."""
    lines = {medal: metric.medals.get(medal) for medal in ("gold", "silver", "bronze")}
    return next(
        (m for m, line in lines.items() if line is not None and not metric.better(line, score)),
        None,
    )
