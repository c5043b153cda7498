"""From the name of a competition to a place on its leaderboard."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from kaggle_server import Contest, KaggleServer

from comp.errors import CompetitionError, ConfigError, NetworkError, RefusedError, RunError
from comp.kaggle.client.public_leaderboard import Leaderboard, cache_leaderboard
from comp.kaggle.leaderboard import (
    LeaderboardView,
    PlacedScore,
    resolve_competition,
    view_leaderboard,
)
from comp.workspace import Workspace

SLUG = "denoising-dirty-documents"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KaggleServer]:
    with KaggleServer() as running:
        (tmp_path / "home").mkdir()
        variables = running.environment(tmp_path / "home")
        for name in set(os.environ) - set(variables):
            monkeypatch.delenv(name)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        board = [(f"team {rank}", f"{rank / 100:.5f}") for rank in range(1, 11)]
        running.contests[SLUG] = Contest(leaderboard=board)
        running.contests["titanic"] = Contest(leaderboard=[("A", "0.9"), ("B", "0.8")])
        yield running


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.at(tmp_path)


def run(workspace: Workspace, run_id: str, score: object, **changes: Any) -> None:
    """Write what a run leaves of itself."""
    record = {"run_id": run_id, "competition": "denoising", "synthetic": False, "state": "finished"}
    folder = workspace.runs("denoising") / run_id
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(record | changes))
    if score is not None:
        (folder / "scores.json").write_text(json.dumps({"cv_score": score}))


def see(workspace: Workspace, name: str = "denoising", **options: Any) -> LeaderboardView:
    return view_leaderboard(name, workspace, **{"timeout_s": 300.0, **options})


def age(workspace: Workspace, **by: float) -> None:
    """Let the kept leaderboard be of an earlier time, and tell it by a single score."""
    then = datetime.now(UTC) - timedelta(**by)
    cache_leaderboard(workspace.cache, Leaderboard(SLUG, (0.5,), then.isoformat()))


def test_a_given_score_is_placed(server: KaggleServer, workspace: Workspace) -> None:
    seen = see(workspace, score=0.015)
    assert (seen.slug, seen.competition, seen.direction) == (SLUG, "denoising", "min")
    assert (seen.teams, seen.best, seen.median) == (10, 0.01, pytest.approx(0.055))
    assert seen.lines == {"gold": (1, 0.01), "silver": (2, 0.02), "bronze": (4, 0.04)}
    assert seen.entry == PlacedScore(0.015)
    assert seen.standing is not None
    assert (seen.standing.rank, seen.standing.medal) == (2, "silver")
    assert (seen.own_lines["gold"], seen.own_medal) == (0.01794, "gold")
    assert seen.stale == ""


@pytest.mark.parametrize(
    ("score", "medal"), [(0.01794, "gold"), (0.0451, "bronze"), (0.05, None), (0.5, None)]
)
def test_the_lines_that_a_competition_keeps_are_reached_by_the_score_that_draws_them(
    server: KaggleServer, workspace: Workspace, score: float, medal: str | None
) -> None:
    assert see(workspace, score=score).own_medal == medal


def test_the_best_finished_run_on_real_data_is_placed(
    server: KaggleServer, workspace: Workspace
) -> None:
    assert see(workspace).entry is None
    run(workspace, "20260101-000001-aaaaaa", 0.03)
    run(workspace, "20260101-000002-bbbbbb", 0.02)
    run(workspace, "20260101-000003-cccccc", 0.001, synthetic=True)
    run(workspace, "20260101-000004-dddddd", 0.002, state="stopped")
    run(workspace, "20260101-000005-eeeeee", float("nan"))
    run(workspace, "20260101-000006-ffffff", "none")
    run(workspace, "20260101-000007-abcdef", None)
    seen = see(workspace)
    assert seen.entry == PlacedScore(0.02, "20260101-000002-bbbbbb")
    assert "estimate" in seen.entry.words
    assert see(workspace, run_id="20260101-000001").entry == PlacedScore(
        0.03, "20260101-000001-aaaaaa"
    )


def test_a_run_with_another_metric_is_left_out_with_a_note(
    server: KaggleServer, workspace: Workspace
) -> None:
    """The plugin's metric changed, and the score of the old one was placed."""
    for number, (score, metric) in enumerate([(0.01, "MAE"), (0.03, "RMSE"), (0.001, "MAE")]):
        run(workspace, f"20260101-00000{number}-aaaaaa", score)
        path = workspace.runs("denoising") / f"20260101-00000{number}-aaaaaa" / "scores.json"
        path.write_text(json.dumps({"cv_score": score, "metric": metric}))
    seen = see(workspace)
    assert seen.entry == PlacedScore(0.03, "20260101-000001-aaaaaa")
    assert seen.left_out == "2 finished runs with another metric than RMSE are left out"
    assert see(workspace, score=0.02).left_out == ""


def test_a_run_over_one_fold_comes_after_runs_over_more(
    server: KaggleServer, workspace: Workspace
) -> None:
    five = {"config": {"folds": 5}}
    run(workspace, "20260101-000001-aaaaaa", 0.01, folds=[0], **five)
    run(workspace, "20260101-000002-bbbbbb", 0.03, folds=[0, 1], **five)
    run(workspace, "20260101-000003-cccccc", 0.02, folds=[1, 2], **five)
    assert see(workspace).entry == PlacedScore(0.02, "20260101-000003-cccccc")
    run(workspace, "20260101-000004-dddddd", 0.04, folds=[0, 1, 2, 3, 4], **five)
    assert see(workspace).entry == PlacedScore(0.04, "20260101-000004-dddddd")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"synthetic": True}, "is on synthetic data"),
        ({"state": "stopped"}, "is not finished"),
        ({"competition": "chest-xray"}, "is of chest-xray, not denoising"),
        ({"score": None}, "has no out-of-fold score"),
        ({"score": float("nan")}, "has no out-of-fold score"),
    ],
)
def test_a_run_that_has_no_place_is_refused_before_kaggle_is_asked(
    server: KaggleServer, workspace: Workspace, changes: dict[str, Any], words: str
) -> None:
    run(workspace, "r1", **({"score": 0.02} | changes))
    with pytest.raises(RunError, match=words):
        see(workspace, run_id="r1")
    assert server.requests == []


@pytest.mark.parametrize(
    "options", [{"score": 0.1, "run_id": "r1"}, {"score": float("nan")}, {"score": float("inf")}]
)
def test_a_score_that_cannot_be_placed_is_refused(
    server: KaggleServer, workspace: Workspace, options: dict[str, Any]
) -> None:
    with pytest.raises(ConfigError, match="--score"):
        see(workspace, **options)
    assert server.requests == []


def test_a_fresh_leaderboard_is_not_fetched_again(
    server: KaggleServer, workspace: Workspace
) -> None:
    first = see(workspace, score=0.1)
    count = len(server.requests)
    again = see(workspace, score=0.1)
    assert (again.fetched, again.lines, len(server.requests)) == (first.fetched, first.lines, count)
    age(workspace, minutes=59)
    assert see(workspace).teams == 1
    assert len(server.requests) == count


def test_an_old_leaderboard_is_fetched_again_and_a_fresh_one_on_demand(
    server: KaggleServer, workspace: Workspace
) -> None:
    age(workspace, minutes=61)
    assert see(workspace).teams == 10
    age(workspace, minutes=1)
    assert see(workspace, refresh=True).teams == 10
    assert server.count("DownloadLeaderboard") == 2


def test_without_a_network_an_old_leaderboard_will_do(
    server: KaggleServer, workspace: Workspace
) -> None:
    server.fail("DownloadLeaderboard", "hang", times=9)
    with pytest.raises(NetworkError, match=r"not done within 0\.3 s"):
        see(workspace, timeout_s=0.3)
    age(workspace, hours=5)
    seen = see(workspace, timeout_s=0.3)
    assert seen.teams == 1
    assert seen.stale.endswith("this is the leaderboard of 5 h 00 min ago")
    assert "not done within" in seen.stale


def test_a_refusal_is_not_covered_by_an_old_leaderboard(
    server: KaggleServer, workspace: Workspace
) -> None:
    age(workspace, hours=5)
    server.tokens.clear()
    with pytest.raises(RefusedError, match="401"):
        see(workspace)


def test_a_competition_without_a_plugin_is_known_by_its_slug(
    server: KaggleServer, workspace: Workspace
) -> None:
    seen = see(workspace, "titanic", score=0.85)
    assert (seen.competition, seen.direction, seen.own_lines) == (None, "max", {})
    assert seen.standing is not None
    assert seen.standing.rank == 2
    run(workspace, "r1", 0.02)
    with pytest.raises(RunError, match="is of denoising, not titanic"):
        see(workspace, "titanic", run_id="r1")


@pytest.mark.parametrize("name", ["denoising", SLUG, f"competitions/{SLUG}"])
def test_a_slug_leads_to_the_competition_that_is_registered_for_it(name: str) -> None:
    competition, slug = resolve_competition(name)
    assert competition is not None
    assert (competition.name, slug) == ("denoising", SLUG)


@pytest.mark.parametrize("name", ["chest-xray", "datasets/ada/books", "ada/books"])
def test_a_data_set_has_no_leaderboard(name: str) -> None:
    with pytest.raises(CompetitionError, match="'comp grade RUN_ID'") as caught:
        resolve_competition(name)
    assert "has no leaderboard" in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("name", ["", "..", "a b", "-x", "competitions/", "competitions/.."])
def test_what_cannot_be_a_slug_is_refused(name: str) -> None:
    with pytest.raises(CompetitionError, match="is not the name of a competition"):
        resolve_competition(name)
