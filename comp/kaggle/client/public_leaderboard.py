"""The public leaderboard of a competition: its scores without names, the medal lines, and the rank
of a score. It is stored in the cache, never next to the data files.
"""

from __future__ import annotations

import csv
import io
import math
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from comp.errors import AnswerError, RefusedError
from comp.files import read_json, write_json
from comp.kaggle.client.session import Kaggle

ACTION = "fetching the leaderboard"
PAGE_SIZE = 200
MAX_PAGES = 500
"""More pages than any leaderboard has: 100 000 teams."""


@dataclass(frozen=True)
class Leaderboard:
    """The scores of all teams, best first; `fetched` is the time, UTC, in ISO format."""

    slug: str
    scores: tuple[float, ...]
    fetched: str

    @property
    def age_s(self) -> float:
        """Seconds since it was fetched."""
        return (datetime.now(UTC) - datetime.fromisoformat(self.fetched)).total_seconds()

    @property
    def direction(self) -> Literal["min", "max"]:
        """Whether lower or higher scores are better, by the order of the scores."""
        return "min" if self.scores and self.scores[0] < self.scores[-1] else "max"

    @property
    def lines(self) -> Mapping[str, tuple[int, float]]:
        """(last rank, its score) of each medal that is awarded, gold first."""
        ranks = medal_ranks(len(self.scores))
        return {medal: (rank, self.scores[rank - 1]) for medal, rank in ranks.items()}


@dataclass(frozen=True)
class Standing:
    """The rank of a score.

    `share` is the rank as a percentage of the teams. `medal` is "gold", "silver", "bronze" or None.
    `next_line` is the name and the score of the nearest medal line that is not reached, None if all
    are reached.
    """

    rank: int
    teams: int
    share: float
    medal: str | None
    next_line: tuple[str, float] | None


def medal_ranks(teams: int) -> dict[str, int]:
    """The last rank that earns each medal, gold first; a medal that no team earns is left out.

    The rules are Kaggle's, https://www.kaggle.com/progression/competitions, with percentages
    rounded down:

                up to 99    100 to 249    250 to 999     1000 and more
        gold    10 %        10            10 + 0.2 %     10 + 0.2 %
        silver  20 %        20 %          50             5 %
        bronze  40 %        40 %          100            10 %
    """
    if teams < 250:
        gold = teams // 10 if teams < 100 else 10
        ranks = {"gold": gold, "silver": teams // 5, "bronze": teams * 2 // 5}
    else:
        few = teams < 1000
        ranks = {
            "gold": 10 + teams // 500,
            "silver": 50 if few else teams // 20,
            "bronze": 100 if few else teams // 10,
        }
    return {medal: rank for medal, rank in ranks.items() if rank}


def rank_score(board: Leaderboard, score: float, direction: Literal["min", "max"]) -> Standing:
    """The rank of a score on a leaderboard.

    Equal scores share a rank: a score that is already on the leaderboard gets its own rank, and the
    score of a medal line reaches the line.
    """
    rank = 1 + sum(s < score if direction == "min" else s > score for s in board.scores)
    teams = max(rank, len(board.scores))
    reached = [medal for medal, (last, _) in board.lines.items() if rank <= last]
    missed = [(medal, line) for medal, (last, line) in board.lines.items() if rank > last]
    return Standing(
        rank=rank,
        teams=teams,
        share=100 * rank / teams,
        medal=reached[0] if reached else None,
        next_line=missed[-1] if missed else None,
    )


def fetch_leaderboard(kaggle: Kaggle, slug: str) -> Leaderboard:
    """Fetch the public leaderboard of a competition: as a table, or page by page without one.

    Raises:
        RefusedError: Kaggle refused both.
        NetworkError: no answer in time.
        AnswerError: the answer cannot be read.
    """
    try:
        scores = _table(_download(kaggle, slug))
    except RefusedError:
        scores = None
    if scores is None:
        scores = list(_pages(kaggle, slug))
    fetched = datetime.now(UTC).isoformat(timespec="seconds")
    return Leaderboard(slug, tuple(scores), fetched)


def cache_leaderboard(cache: Path, board: Leaderboard) -> None:
    """Write a leaderboard to the cache; errors of the disk are ignored."""
    with suppress(OSError):
        write_json(
            _cache_path(cache, board.slug), {"fetched": board.fetched, "scores": list(board.scores)}
        )


def cached_leaderboard(cache: Path, slug: str, max_age_s: float) -> Leaderboard | None:
    """The leaderboard in the cache, None if it is missing or older than `max_age_s`."""
    try:
        content = read_json(_cache_path(cache, slug))
        board = Leaderboard(slug, tuple(map(float, content["scores"])), str(content["fetched"]))
        age_s = board.age_s
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return board if abs(age_s) <= max_age_s else None


def _cache_path(cache: Path, slug: str) -> Path:
    return cache / "leaderboards" / f"{slug}.json"


def _download(kaggle: Kaggle, slug: str) -> bytes:
    """The answer to DownloadLeaderboard, which redirects to a zip in Kaggle's storage."""
    from kagglesdk.competitions.types.competition_api_service import ApiDownloadLeaderboardRequest

    request = ApiDownloadLeaderboardRequest()
    request.competition_name = slug

    def download() -> bytes:
        with kaggle.competitions.download_leaderboard(request) as answer:
            return bytes(answer.content)

    return kaggle.with_retries(ACTION, download)


def _table(data: bytes) -> list[float] | None:
    """The scores in a zip with a table of the public leaderboard, by rank; None for anything else,
    such as a web page, or a table without ranks, which may list a team more than once."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [name for name in archive.namelist() if "publicleaderboard" in name.lower()]
            reader = csv.DictReader(io.StringIO(archive.read(names[0]).decode("utf-8-sig")))
        if not {"Rank", "Score"} <= set(reader.fieldnames or ()):
            return None
        ranked = [(int(row["Rank"]), _score(row["Score"])) for row in reader]
    except (zipfile.BadZipFile, zlib.error, csv.Error):
        return None
    except (LookupError, ValueError, TypeError, NotImplementedError, RuntimeError):
        return None
    ranked.sort(key=lambda team: team[0])
    return [score for _, score in ranked if score is not None]


def _pages(kaggle: Kaggle, slug: str) -> Iterator[float]:
    """The scores page by page. Without `override_public` Kaggle returns the private leaderboard
    after the deadline of the competition."""
    from kagglesdk.competitions.types.competition_api_service import ApiGetLeaderboardRequest

    request = ApiGetLeaderboardRequest()
    request.competition_name = slug
    request.override_public = True
    request.page_size = PAGE_SIZE
    for _ in range(MAX_PAGES):
        page = kaggle.call_json(
            ACTION, "competitions.CompetitionApiService", "GetLeaderboard", request
        )
        try:
            scores = [_score(team.get("score")) for team in page.get("submissions") or ()]
            request.page_token = str(page.get("nextPageToken") or "")
        except (AttributeError, ValueError, TypeError):
            raise AnswerError(f"{ACTION}: Kaggle's answer cannot be read") from None
        yield from (score for score in scores if score is not None)
        if not request.page_token:
            return
    raise AnswerError(f"{ACTION}: Kaggle's answer does not end after {MAX_PAGES} pages")


def _score(text: Any) -> float | None:
    """A score; None if a team has none."""
    number = "" if text is None else str(text).strip()
    value = float(number) if number else math.nan
    return None if math.isnan(value) else value
