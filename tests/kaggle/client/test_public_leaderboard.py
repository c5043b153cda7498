"""The public leaderboard: how it is fetched and kept, its medal lines, and places on it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kaggle_server import Contest, KaggleServer, zipped
from short_limits import impatient_once

from comp.errors import AnswerError, NetworkError, RefusedError
from comp.kaggle.client import public_leaderboard
from comp.kaggle.client.deadline import Deadline
from comp.kaggle.client.public_leaderboard import (
    Leaderboard,
    Standing,
    cache_leaderboard,
    cached_leaderboard,
    fetch_leaderboard,
    medal_ranks,
    rank_score,
)
from comp.kaggle.client.session import Kaggle, connect

NOW = datetime.now(UTC).isoformat(timespec="seconds")
HEAD = "Rank,TeamId,TeamName,LastSubmissionDate,Score,SubmissionCount,TeamMemberUserNames\n"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KaggleServer]:
    with KaggleServer() as running:
        variables = running.environment(tmp_path)
        for name in set(os.environ) - set(variables):
            monkeypatch.delenv(name)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        running.contests["pages"] = Contest(
            leaderboard=[("Ada, Bob", "0.01000"), ("Cy", "0.02500"), ("Dee", "0.02500")]
        )
        yield running


@pytest.fixture
def kaggle(server: KaggleServer) -> Iterator[Kaggle]:
    with connect(Deadline(300), "pages") as run_started:
        yield run_started


def names(server: KaggleServer) -> list[str]:
    return [seen.name for seen in server.requests]


def board(*scores: float) -> Leaderboard:
    return Leaderboard("pages", scores, NOW)


def test_it_is_fetched_as_a_table(kaggle: Kaggle, server: KaggleServer) -> None:
    fetched = fetch_leaderboard(kaggle, "pages")
    assert (fetched.slug, fetched.scores) == ("pages", (0.01, 0.025, 0.025))
    assert 0 <= fetched.age_s < 60
    assert names(server) == ["DownloadLeaderboard", "GET"]


@pytest.mark.parametrize(
    "fault",
    [
        {"on": "DownloadLeaderboard", "kind": "status", "status": 403},
        {"on": "DownloadLeaderboard", "kind": "status", "status": 404},
        {"on": "DownloadLeaderboard", "kind": "html"},
        {"on": "GET", "kind": "html"},
        {"on": "GET", "kind": "status", "status": 403, "body": "<Error>expired</Error>"},
    ],
    ids=lambda fault: f"{fault['on']}-{fault.get('status', fault['kind'])}",
)
def test_where_there_is_no_table_it_is_read_page_by_page(
    kaggle: Kaggle, server: KaggleServer, monkeypatch: pytest.MonkeyPatch, fault: dict[str, Any]
) -> None:
    monkeypatch.setattr(public_leaderboard, "PAGE_SIZE", 2)
    server.fail(**fault)
    assert fetch_leaderboard(kaggle, "pages").scores == (0.01, 0.025, 0.025)
    asked = [seen.body for seen in server.requests if seen.name == "GetLeaderboard"]
    assert asked == [
        {"competitionName": "pages", "overridePublic": True, "pageSize": 2},
        {"competitionName": "pages", "overridePublic": True, "pageSize": 2, "pageToken": "2"},
    ]


def table(text: str, name: str = "pages-publicleaderboard-2026-01-01.csv") -> bytes:
    return zipped({name: text.encode()})


@pytest.mark.parametrize(
    "data",
    [
        table("TeamId,TeamName,SubmissionDate,Score\n1,Ada,2020-01-01,0.5\n1,Ada,2020-01-02,0.4\n"),
        table(HEAD + '1,1,"Ada",2026-01-01,0.5\n', name="pages-privateleaderboard.csv"),
        table(HEAD + "first,1,Ada,2026-01-01,0.5,1,ada\n"),
        table(HEAD + "1,1,Ada,2026-01-01,half,1,ada\n"),
        zipped({"pages-publicleaderboard.csv": HEAD.encode() + b"\xff\xff"}),
        table(HEAD)[:-30],
        zipped({}),
        b"",
        b"PK\x03\x04 and nothing more",
    ],
    ids=["no-rank", "private", "rank", "score", "encoding", "cut", "empty", "none", "pk"],
)
def test_a_table_that_cannot_be_read_is_left_for_the_pages(
    kaggle: Kaggle, server: KaggleServer, data: bytes
) -> None:
    server.do_DownloadLeaderboard = lambda _body: server.store("board.zip", data)  # type: ignore[method-assign]
    assert fetch_leaderboard(kaggle, "pages").scores == (0.01, 0.025, 0.025)
    assert names(server) == ["DownloadLeaderboard", "GET", "GetLeaderboard"]


def test_a_table_is_read_by_rank_and_teams_without_a_score_are_left_out(
    kaggle: Kaggle, server: KaggleServer
) -> None:
    rows = (
        '3,3,Cy,d,0.9,1,c\n1,1,"A ""team"",\nof two",d,0.0,1,a\n2,2,Bo,d,0.5,1,b\n4,4,Di,d,,1,d\n'
    )
    data = table("\ufeff" + HEAD + rows)
    server.do_DownloadLeaderboard = lambda _body: server.store("board.zip", data)  # type: ignore[method-assign]
    assert fetch_leaderboard(kaggle, "pages").scores == (0.0, 0.5, 0.9)


def test_a_leaderboard_may_be_empty(kaggle: Kaggle, server: KaggleServer) -> None:
    server.contests["pages"].leaderboard = []
    assert fetch_leaderboard(kaggle, "pages").scores == ()


def test_an_unknown_competition_is_refused(kaggle: Kaggle, server: KaggleServer) -> None:
    with pytest.raises(RefusedError, match="404"):
        fetch_leaderboard(kaggle, "books")
    assert names(server) == ["DownloadLeaderboard", "GetLeaderboard"]


def test_a_cut_download_is_fetched_again(
    kaggle: Kaggle, server: KaggleServer, waits: list[float]
) -> None:
    server.fail("GET", "cut", at=20)
    assert fetch_leaderboard(kaggle, "pages").scores == (0.01, 0.025, 0.025)
    assert names(server) == ["DownloadLeaderboard", "GET"] * 2


@pytest.mark.parametrize("fault", ["hang", "stall"])
def test_a_server_that_stalls_ends_by_the_deadline(server: KaggleServer, fault: str) -> None:
    server.fail("GET", fault, at=20, times=9)
    with connect(Deadline(0.6), "pages") as kaggle, pytest.raises(NetworkError, match=r"0\.6 s"):
        fetch_leaderboard(kaggle, "pages")


def test_a_stall_is_tried_again_after_the_read_timeout(
    kaggle: Kaggle, server: KaggleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient_once(monkeypatch, lambda: server.count("GET") > 0)
    server.fail("GET", "stall", at=20)
    assert fetch_leaderboard(kaggle, "pages").scores == (0.01, 0.025, 0.025)


@pytest.mark.parametrize(
    "page",
    [
        {"submissions": [{"score": "half"}]},
        {"submissions": ["Ada"]},
        {"submissions": 3},
        {"submissions": [{"score": "0.1"}], "nextPageToken": "again"},
    ],
    ids=["score", "team", "teams", "endless"],
)
def test_pages_that_cannot_be_read_are_no_leaderboard(
    kaggle: Kaggle, server: KaggleServer, monkeypatch: pytest.MonkeyPatch, page: dict[str, Any]
) -> None:
    monkeypatch.setattr(public_leaderboard, "MAX_PAGES", 3)
    server.fail("DownloadLeaderboard", "status", status=404)
    server.do_GetLeaderboard = lambda _body: (200, page)  # type: ignore[method-assign]
    with pytest.raises(AnswerError, match="fetching the leaderboard: Kaggle's answer"):
        fetch_leaderboard(kaggle, "pages")


def test_it_is_kept_without_names_and_away_from_the_data(tmp_path: Path) -> None:
    cache_leaderboard(tmp_path, board(0.1, 0.2))
    place = tmp_path / "leaderboards" / "pages.json"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [place]
    assert json.loads(place.read_text()) == {"fetched": NOW, "scores": [0.1, 0.2]}
    assert cached_leaderboard(tmp_path, "pages", 3600) == board(0.1, 0.2)
    assert cached_leaderboard(tmp_path, "books", 3600) is None


def test_what_is_kept_grows_old(tmp_path: Path) -> None:
    then = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    cache_leaderboard(tmp_path, Leaderboard("pages", (0.1,), then))
    assert cached_leaderboard(tmp_path, "pages", 3600) is None
    held = cached_leaderboard(tmp_path, "pages", 3 * 3600)
    assert held is not None
    assert held.age_s == pytest.approx(7200, abs=60)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"fetched": "now", "scores": [1]}', '{"fetched": "", "scores": 1}']
)
def test_what_is_damaged_is_not_kept(tmp_path: Path, text: str) -> None:
    (tmp_path / "leaderboards").mkdir()
    (tmp_path / "leaderboards" / "pages.json").write_text(text)
    assert cached_leaderboard(tmp_path, "pages", 1e9) is None


def test_a_time_without_a_zone_is_not_kept(tmp_path: Path) -> None:
    cache_leaderboard(tmp_path, Leaderboard("pages", (0.1,), "2026-01-01T00:00:00"))
    assert cached_leaderboard(tmp_path, "pages", 1e12) is None


def test_where_it_cannot_be_kept_nothing_happens(tmp_path: Path) -> None:
    (tmp_path / "leaderboards").write_text("a file")
    cache_leaderboard(tmp_path, board(0.1))
    assert cached_leaderboard(tmp_path, "pages", 3600) is None


@pytest.mark.parametrize(
    ("teams", "gold", "silver", "bronze"),
    [
        (99, 9, 19, 39),
        (100, 10, 20, 40),
        (162, 10, 32, 64),
        (249, 10, 49, 99),
        (250, 10, 50, 100),
        (500, 11, 50, 100),
        (999, 11, 50, 100),
        (1000, 12, 50, 100),
        (5000, 20, 250, 500),
    ],
)
def test_medals_by_the_number_of_teams(teams: int, gold: int, silver: int, bronze: int) -> None:
    assert medal_ranks(teams) == {"gold": gold, "silver": silver, "bronze": bronze}


def test_among_few_teams_some_medals_are_not_given() -> None:
    assert medal_ranks(0) == medal_ranks(2) == {}
    assert medal_ranks(3) == {"bronze": 1}
    assert medal_ranks(9) == {"silver": 1, "bronze": 3}


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (0.5, Standing(1, 10, 10.0, "gold", None)),
        (1.0, Standing(1, 10, 10.0, "gold", None)),
        (1.5, Standing(2, 10, 20.0, "silver", ("gold", 1.0))),
        (4.0, Standing(4, 10, 40.0, "bronze", ("silver", 2.0))),
        (4.5, Standing(5, 10, 50.0, None, ("bronze", 4.0))),
        (99.0, Standing(11, 11, 100.0, None, ("bronze", 4.0))),
    ],
)
def test_where_a_score_stands(score: float, expected: Standing) -> None:
    ten = tuple(float(rank) for rank in range(1, 11))
    assert rank_score(board(*ten), score, "min") == expected
    turned = rank_score(board(*(-s for s in ten)), -score, "max")
    line = expected.next_line and (expected.next_line[0], -expected.next_line[1])
    assert turned == Standing(expected.rank, expected.teams, expected.share, expected.medal, line)


def test_on_an_empty_leaderboard_every_score_is_the_first() -> None:
    assert rank_score(board(), 0.5, "max") == Standing(1, 1, 100.0, None, None)


@given(
    st.lists(st.integers(0, 50), min_size=1, max_size=300),
    st.integers(-1, 51),
    st.sampled_from(["min", "max"]),
)
def test_a_medal_is_had_exactly_where_its_line_is_reached(
    scores: list[int], score: int, direction: Literal["min", "max"]
) -> None:
    ranked = board(*sorted(map(float, scores), reverse=direction == "max"))
    place = rank_score(ranked, score, direction)
    reached = [
        medal
        for medal, (_, line) in ranked.lines.items()
        if (score <= line if direction == "min" else score >= line)
    ]
    assert place.medal == (reached[0] if reached else None)
    assert (place.next_line is None) == (len(reached) == len(ranked.lines))
    assert 0 < place.share <= 100


def test_the_order_shows_the_direction() -> None:
    assert board(0.1, 0.1, 0.2).direction == "min"
    assert board(0.9, 0.8).direction == "max"
    assert board().direction == "max"
