"""Where a score would stand on the public leaderboard of a competition."""

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
from comp.contract.metrics import Metric
from comp.errors import AnswerError, CompetitionError, ConfigError, NetworkError, RunError
from comp.files import read_json
from comp.kaggle.client import board as leaderboard
from comp.kaggle.client.board import Board, Standing
from comp.kaggle.client.deadline import Deadline
from comp.kaggle.client.session import connect
from comp.report.clock import duration
from comp.runs.folder import RunFolder
from comp.workspace import Workspace

FRESH_S = 3600.0
"""A leaderboard younger than this is not fetched again."""


@dataclass(frozen=True)
class PlacedScore:
    """A score to place: given by the user, or out of fold of a run."""

    score: float
    run_id: str | None = None

    @property
    def words(self) -> str:
        """The score and what it is."""
        if self.run_id is None:
            return f"a score of {self.score:.5f}"
        return (
            f"{self.score:.5f}, the out-of-fold score of run {self.run_id} and so an estimate of "
            "what Kaggle would give,"
        )


@dataclass(frozen=True, kw_only=True)
class LeaderboardView:
    """What `comp leaderboard` shows; `dataclasses.asdict` gives plain JSON."""

    slug: str
    competition: str | None
    """The name of the registered competition, None where there is none."""
    direction: Literal["min", "max"]
    teams: int
    best: float | None
    median: float | None
    lines: Mapping[str, tuple[int, float]]
    """(last rank, its score) of each medal, by Kaggle's rules for so many teams."""
    fetched: str
    """When the leaderboard was fetched, UTC, in ISO format."""
    age_s: float
    stale: str
    """Why it is not fresh, "" where it is."""
    entry: PlacedScore | None
    standing: Standing | None
    own_lines: Mapping[str, float]
    """Lines that the competition keeps itself; they are those of one day."""
    own_medal: str | None
    """The hardest medal of those lines that the score reaches."""


def look(
    name: str,
    workspace: Workspace,
    *,
    timeout_s: float,
    score: float | None = None,
    run_id: str | None = None,
    refresh: bool = False,
) -> LeaderboardView:
    """LeaderboardView at a leaderboard, which is fetched where none is kept or the kept one is old.

    Args:
        name: a registered competition, or the slug of any other.
        timeout_s: seconds for all requests together.
        score: the score to place, by default that of `run_id`.
        run_id: the run whose out-of-fold score is placed, by default the best one.
        refresh: fetch even where a fresh one is kept.

    Raises:
        CompetitionError: no name of a competition, or a data set, which has no leaderboard.
        ConfigError: a score that is no number, or both a score and a run.
        RunError: a run that is not there, or has no score that could be placed.
        RefusedError: Kaggle refused.
        NetworkError: no answer in time, and no leaderboard is kept.
        AnswerError: an answer that cannot be read, and no leaderboard is kept.
    """
    competition, slug = named(name)
    entry = _entry(competition, slug, workspace, score, run_id)
    board, stale = _board(slug, workspace.cache, timeout_s, refresh)
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
        standing=leaderboard.standing(board, entry.score, direction) if entry else None,
        own_lines=dict(metric.medals) if metric else {},
        own_medal=_own_medal(metric, entry.score) if metric and entry else None,
    )


def named(name: str) -> tuple[Competition | None, str]:
    """The registered competition of a name or a slug, if there is one, and its slug.

    Raises:
        CompetitionError: what cannot be a slug, or a data set, which has no leaderboard.
    """
    known = registry.competitions()
    reference = known[name].kaggle if name in known else name
    kind, _, slug = reference.rpartition("/")
    if kind not in ("", "competitions"):
        raise CompetitionError(
            f"'{name}' is a data set on Kaggle ({reference}), and a data set has no leaderboard: "
            "score a run on its labelled test data with 'comp grade RUN_ID'"
        )
    if not re.fullmatch(r"[A-Za-z0-9][\w-]*", slug):
        raise CompetitionError(
            f"'{name}' is no name of a competition: give one of {', '.join(known)}, or the last "
            "part of its address at Kaggle, such as 'titanic'"
        )
    owners = (one for one in known.values() if one.kaggle == f"competitions/{slug}")
    return known[name] if name in known else next(owners, None), slug


def _entry(
    competition: Competition | None,
    slug: str,
    workspace: Workspace,
    score: float | None,
    run_id: str | None,
) -> PlacedScore | None:
    """The score to place, None where there is none."""
    if score is not None and run_id is not None:
        raise ConfigError(f"--score {score} and --run {run_id} exclude each other: give one")
    if score is not None:
        if not math.isfinite(score):
            raise ConfigError(f"--score {score} has no place on a leaderboard: give a number")
        return PlacedScore(score)
    if run_id is not None:
        return _of_run(competition, slug, workspace.find_run(run_id))
    return best(competition, workspace) if competition else None


def best(competition: Competition, workspace: Workspace) -> PlacedScore | None:
    """The best out-of-fold score of the finished runs on real data, None where there is none."""
    found: PlacedScore | None = None
    for place in sorted(workspace.runs(competition.name).glob("*/scores.json")):
        try:
            entry = _of_run(competition, competition.name, place.parent)
        except RunError:
            continue
        if competition.metric.better(entry.score, found.score if found else None):
            found = entry
    return found


def _of_run(competition: Competition | None, slug: str, folder: Path) -> PlacedScore:
    """The out-of-fold score of a run.

    Raises:
        RunError: another competition's run, one that is not finished, or one on drawn data.
    """
    run = RunFolder(folder)
    record = run.record()
    if competition is None or record.get("competition") != competition.name:
        raise RunError(
            f"run {run.run_id} is of {record.get('competition')}, not {slug}: name another, or "
            "give a score with --score"
        )
    if record.get("synthetic"):
        raise RunError(
            f"run {run.run_id} was made on drawn sample data, whose score has no place on a "
            "leaderboard: name a run on real data"
        )
    if record.get("state") != "finished":
        raise RunError(
            f"run {run.run_id} is not finished (it is '{record.get('state')}'): name another, or "
            "give a score with --score"
        )
    try:
        score = float(read_json(run.scores)["cv_score"])
    except (OSError, ValueError, KeyError, TypeError):
        score = math.nan
    if not math.isfinite(score):
        raise RunError(f"run {run.run_id} has no out-of-fold score in {run.scores}: name another")
    return PlacedScore(score, run.run_id)


def _board(slug: str, cache: Path, timeout_s: float, refresh: bool) -> tuple[Board, str]:
    """The leaderboard, and why it is not fresh."""
    fresh = None if refresh else leaderboard.kept(cache, slug, FRESH_S)
    if fresh:
        return fresh, ""
    try:
        with connect(Deadline(timeout_s), slug) as kaggle:
            board = leaderboard.fetch(kaggle, slug)
    except (NetworkError, AnswerError) as error:
        old = leaderboard.kept(cache, slug, math.inf)
        if old is None:
            raise
        return old, f"{error}; this is the leaderboard of {duration(old.age_s)} ago"
    leaderboard.keep(cache, board)
    return board, ""


def _own_medal(metric: Metric, score: float) -> str | None:
    """The hardest medal line that a competition keeps itself and that a score reaches."""
    lines = {medal: metric.medals.get(medal) for medal in ("gold", "silver", "bronze")}
    return next(
        (m for m, line in lines.items() if line is not None and not metric.better(line, score)),
        None,
    )
