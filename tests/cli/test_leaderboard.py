"""`comp leaderboard` as a command of its own, with Kaggle's client against a server of ours."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import inline_comp
import pytest
from kaggle_server import KEY, TOKEN, Contest, KaggleServer
from short_limits import LIMITS_S, in_time

SLUG = "denoising-dirty-documents"
Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def server() -> Iterator[KaggleServer]:
    with KaggleServer() as running:
        board = [(f"team {rank}", f"{rank / 1000:.5f}") for rank in range(1, 163)]
        running.contests[SLUG] = Contest(leaderboard=board)
        yield running


@pytest.fixture
def call(server: KaggleServer, tmp_path: Path) -> Call:
    """Runs `comp leaderboard` in an empty folder, with a home folder that is to stay as it is."""
    home, here = tmp_path / "home", tmp_path / "here"
    home.mkdir()
    here.mkdir()

    def run(
        *args: str, credentials: Any = "token", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        environment = server.environment(home, credentials) | variables
        before = sorted(home.rglob("*"))
        done = inline_comp.run("leaderboard", *args, cwd=here, env=environment)
        assert sorted(home.rglob("*")) == before
        assert all(secret not in done.stdout + done.stderr for secret in (TOKEN, KEY, "verysecret"))
        return done

    return run


@pytest.mark.parametrize("credentials", ["token", "key", "file", "json"])
def test_it_shows_the_lines_and_where_a_score_would_stand(
    call: Call, server: KaggleServer, tmp_path: Path, credentials: str
) -> None:
    done = call("denoising", "--score", "0.0205", credentials=credentials)
    assert (done.returncode, done.stderr) == (0, "")
    title = rf"Public leaderboard of {SLUG}: 162 teams, fetched \d+ s ago\n"
    assert re.match(title, done.stdout)
    rows = [line.replace("│", " ").split() for line in done.stdout.splitlines()]
    assert ["best", "1", "0.00100"] in rows
    assert ["gold", "10", "0.01000", "0.01794"] in rows
    assert ["silver", "32", "0.03200", "0.02609"] in rows
    assert ["bronze", "64", "0.06400", "0.04517"] in rows
    assert ["median", "0.08150", "0.07325"] in rows
    assert (
        "a score of 0.02050 would be rank 21 of 162 (top 13.0 %): silver; gold starts at 0.01000"
        in done.stdout
    )
    assert "by the older medal lines stored in comp: silver" in done.stdout
    kept = tmp_path / "here" / "data" / ".cache" / "leaderboards" / f"{SLUG}.json"
    files = [path for path in (tmp_path / "here").rglob("*") if path.is_file()]
    assert files == [kept]
    assert "team" not in kept.read_text()
    assert TOKEN not in kept.read_text()


def test_a_run_is_placed_and_its_score_said_to_be_an_estimate(
    call: Call, server: KaggleServer, tmp_path: Path
) -> None:
    folder = tmp_path / "here" / "runs" / "denoising" / "r1"
    folder.mkdir(parents=True)
    record = {"competition": "denoising", "synthetic": False, "state": "finished"}
    (folder / "run.json").write_text(json.dumps(record))
    (folder / "scores.json").write_text(json.dumps({"cv_score": 0.0042}))
    done = call("denoising", "--json")
    seen = json.loads(done.stdout)
    assert done.returncode == 0
    assert "out-of-fold score of run r1, an estimate" in done.stderr
    assert seen["entry"] == {"score": 0.0042, "run_id": "r1"}
    assert seen["standing"] == {
        "rank": 5,
        "teams": 162,
        "share": pytest.approx(3.086, abs=1e-3),
        "medal": "gold",
        "next_line": None,
    }
    assert seen["lines"]["gold"] == [10, 0.01]
    assert (seen["teams"], seen["best"], seen["median"]) == (162, 0.001, pytest.approx(0.0815))
    assert (seen["competition"], seen["slug"], seen["stale"]) == ("denoising", SLUG, "")


def test_the_kept_one_needs_neither_network_nor_credentials(
    call: Call, server: KaggleServer, tmp_path: Path
) -> None:
    assert call("denoising").returncode == 0
    count = len(server.requests)
    done = call("denoising", credentials="none")
    assert (done.returncode, done.stderr, len(server.requests)) == (0, "", count)
    assert "no finished run on real data: give a score with --score" in done.stdout
    done = call("denoising", "--refresh", credentials="none")
    assert (done.returncode, done.stdout, len(server.requests)) == (3, "", count)
    server.fail("DownloadLeaderboard", "hang", times=9)
    limit_s, done = in_time(
        lambda limit_s: call("denoising", "--refresh", "--timeout", f"{limit_s:g}s"),
        lambda: len(server.requests) > count,
    )
    assert done.returncode == 0
    assert f"warning: fetching the leaderboard: not done within {limit_s:g} s" in done.stdout
    assert "162 teams" in done.stdout


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        ({"kind": "hang", "times": 9}, 4, "not done within LIMIT s, the time limit"),
        (
            {"kind": "status", "status": 429, "headers": {"Retry-After": "900"}, "times": 9},
            4,
            "too many requests, wait 900 s and try again",
        ),
    ],
    ids=["hang", "429"],
)
def test_without_an_answer_it_ends_with_4(
    call: Call, server: KaggleServer, tmp_path: Path, fault: dict[str, Any], code: int, words: str
) -> None:
    server.fail("DownloadLeaderboard", **fault)
    limit_s, done = in_time(
        lambda limit_s: call("denoising", "--timeout", f"{limit_s:g}s"),
        lambda: server.count("DownloadLeaderboard") > 0,
        LIMITS_S if fault["kind"] == "hang" else [300],
    )
    assert (done.returncode, done.stdout) == (code, "")
    assert words.replace("LIMIT", f"{limit_s:g}") in done.stderr
    assert done.stderr.count("\n") == 1
    assert server.count("DownloadLeaderboard") == 1
    assert list((tmp_path / "here").iterdir()) == []


def test_kaggle_may_not_know_it(call: Call, server: KaggleServer) -> None:
    done = call("titanic")
    assert (done.returncode, done.stdout) == (3, "")
    assert "Kaggle has nothing named 'titanic': check the spelling" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("chest-xray",), "has no leaderboard: score a run"),
        (("../x",), "is a data set on Kaggle"),
        (("..",), "is not the name of a competition"),
        (("denoising", "--score", "nan"), "--score nan has no rank"),
        (("denoising", "--score", "1", "--run", "r"), "exclude each other"),
        (("denoising", "--run", "r"), "no run 'r'"),
        (("denoising", "--timeout", "soon"), "--timeout soon is not a duration"),
    ],
)
def test_a_mistake_is_one_line_and_asks_nobody(
    call: Call, server: KaggleServer, tmp_path: Path, args: tuple[str, ...], words: str
) -> None:
    done = call(*args)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert server.requests == []
    assert list((tmp_path / "here").iterdir()) == []
