"""A whole race: its rounds, its record, its stop, and the run of the winner."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from toys import toy_photos

from comp.config.schema import RunConfig, resolve
from comp.contract import registry
from comp.contract.competition import Competition
from comp.data.location import DataSource
from comp.errors import ConfigError, RunError
from comp.racing import choice, rounds, winner
from comp.racing import race as race_module
from comp.racing.folder import RaceFolder, newest_unfinished_race
from comp.racing.heat import Track
from comp.racing.least import TooShortError
from comp.racing.race import check_race, race, resume_race
from comp.runs.catalog import list_runs
from comp.runs.comparison import PairedDifference
from comp.runs.folder import create
from comp.runs.progress import Silent
from comp.runs.race import Candidate, RaceResult, RaceRound, RoundResult
from comp.signals import Stopped
from comp.workspace import Workspace

LONGER = "rate x 3"
"""The way to train that is the best of all in these races."""


@dataclass
class Heats:
    """Stands for the trainings: scores by what the candidate is, in no time; stops after some."""

    stop_after: int = 10**9
    without_score: bool = False
    done: list[str] = field(default_factory=list)

    def __call__(
        self, _track: Track, number: int, candidate: Candidate, config: RunConfig, _: RaceRound
    ) -> RoundResult:
        if len(self.done) == self.stop_after:
            raise Stopped(2)
        assert config.optim.lr == candidate.lr
        self.done.append(candidate.name)
        if self.without_score:
            return RoundResult(problem="too slow")
        return RoundResult(score=0.9 if candidate.how == LONGER else 0.5 + number / 100, steps=7)


@dataclass
class Runs:
    """Stands for the run of the winner."""

    configs: list[RunConfig] = field(default_factory=list)
    killed: bool = False

    def __call__(
        self, config: RunConfig, _source: object, workspace: Workspace, *_: object, **how: Any
    ) -> Any:
        self.configs.append(config)
        folder = create(workspace.runs("toy"), config, datetime.now().astimezone())
        folder.update_record(state="running", competition="toy", **how["origin"])
        if self.killed:
            raise KeyboardInterrupt
        folder.update_record(state="finished")
        return SimpleNamespace(run_dir=folder.path)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Competition, Path]]:
    toy = toy_photos()
    data = tmp_path_factory.mktemp("data")
    toy.draw_synthetic(data, np.random.default_rng(0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "competitions", lambda: {"toy": toy})
        patch.setattr("comp.racing.entrants.curated", lambda *_: ())
        yield toy, data


@pytest.fixture
def heats(monkeypatch: pytest.MonkeyPatch) -> Heats:
    heats = Heats()
    monkeypatch.setattr(race_module, "run_heat", heats)
    monkeypatch.setattr(race_module, "image_seconds", lambda *_: 1e-3)
    monkeypatch.setattr(winner, "run", Runs())
    monkeypatch.setattr(choice, "difference_of", lambda *_: difference(0.1))
    return heats


def difference(low: float) -> PairedDifference:
    """Scores of 0.9 and 0.5, with an interval of the difference."""
    return PairedDifference(
        first=0.9, second=0.5, value=0.4, low=low, high=0.7, draws=9, groups=9, differing_groups=9
    )


def config_for(toy: Competition, **keys: Any) -> RunConfig:
    own = {"folds": 2, "device": "cpu", "image": {"size": 32}, "budget": 1800.0}
    return resolve("toy", [toy.defaults, toy.synthetic_defaults, own, keys])


def raced(photos: tuple[Competition, Path], here: Path, **keys: Any) -> RaceResult:
    toy, data = photos
    source, workspace = DataSource(data, False), Workspace.at(here)
    began = time.perf_counter()
    return race(config_for(toy, **keys), source, workspace, Silent(), began=began)[0]


def test_the_winner_runs_in_the_rest_of_the_budget_and_its_run_names_the_race(
    photos: tuple[Competition, Path], heats: Heats, tmp_path: Path
) -> None:
    result = raced(photos, tmp_path, budget=3600.0)
    runs: Any = vars(winner)["run"]
    (config,) = runs.configs
    best = result.candidates[result.winner]
    assert best.how == LONGER
    assert config.optim.lr == best.lr == pytest.approx(3 * result.candidates[0].lr)
    assert 0 < config.budget < 3600.0
    assert result.comparison.startswith("accuracy 0.90000 against 0.50000, 95 % interval")
    record = json.loads((tmp_path / "runs" / "toy" / result.run_id / "run.json").read_text())
    assert record["race"]["id"] == result.race_id
    assert record["race"]["tried"] == result.tried == len(result.candidates) > 3
    assert [0 in each.results for each in result.rounds] == [True] * len(result.rounds)
    assert len(heats.done) == sum(len(each.candidates) for each in result.rounds)


def test_a_race_is_no_run_and_leaves_one_small_file(
    photos: tuple[Competition, Path], heats: Heats, tmp_path: Path
) -> None:
    result = raced(photos, tmp_path)
    assert heats.done
    assert [run.run_id for run in list_runs(Workspace.at(tmp_path), ())] == [result.run_id]
    assert {path.name for path in result.race_dir.iterdir()} == {"race.json", "race.lock"}
    record = RaceFolder(result.race_dir).record()
    assert (record["state"], record["winner"]) == ("finished", result.winner)


def test_a_race_that_was_stopped_continues_with_the_next_candidate(
    photos: tuple[Competition, Path],
    heats: Heats,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heats.stop_after = 5
    with pytest.raises(Stopped) as stopped:
        raced(photos, tmp_path)
    assert "continue it with 'comp race toy --resume'" in stopped.value.how
    workspace = Workspace.at(tmp_path)
    folder = newest_unfinished_race(workspace, "toy")
    assert (folder.record()["state"], folder.record()["spent_s"] > 0) == ("interrupted", True)
    before, heats.stop_after = list(heats.done), 10**9
    known = folder.record()["identity"]
    folder.update_record(identity=known | {"data": "others"})
    with pytest.raises(RunError, match="the data has changed since race"):
        resume_race(folder, workspace, Silent(), time.perf_counter())
    folder.update_record(identity=known)
    result, summary = resume_race(folder, workspace, Silent(), time.perf_counter())
    assert heats.done[:5] == before
    assert len(heats.done) == sum(len(each.candidates) for each in result.rounds)
    assert summary is not None
    assert summary.run_dir.name == result.run_id
    with pytest.raises(RunError, match="no unfinished race of toy"):
        newest_unfinished_race(workspace, "toy")
    monkeypatch.setattr(winner, "run", None)  # killed between the end of the run and of the race
    again, none = resume_race(folder, workspace, Silent(), time.perf_counter())
    assert (again.run_id, none) == (result.run_id, None)


def test_without_a_score_the_default_runs(
    photos: tuple[Competition, Path], heats: Heats, tmp_path: Path
) -> None:
    heats.without_score = True
    result = raced(photos, tmp_path)
    assert (result.winner, result.tried, len(result.rounds)) == (0, 0, 1)
    runs: Any = vars(winner)["run"]
    assert runs.configs[0].optim.lr == result.candidates[0].lr


def test_the_default_runs_if_the_best_is_better_only_by_noise(
    photos: tuple[Competition, Path],
    heats: Heats,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(choice, "difference_of", lambda *_: difference(-0.1))
    result = raced(photos, tmp_path)
    assert heats.done
    assert (result.winner, result.candidates[result.best].how) == (0, LONGER)
    runs: Any = vars(winner)["run"]
    assert runs.configs[0].optim.lr == result.candidates[0].lr


def test_a_run_that_was_killed_is_found_and_no_round_is_made_again(
    photos: tuple[Competition, Path],
    heats: Heats,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs: Any = vars(winner)["run"]
    runs.killed = True
    with pytest.raises(KeyboardInterrupt):
        raced(photos, tmp_path)
    trained, resumed = len(heats.done), list[str]()
    monkeypatch.setattr(winner, "resume", lambda folder, *_: resumed.append(folder.run_id))
    folder = newest_unfinished_race(Workspace.at(tmp_path), "toy")
    folder.update_record(spent_s=0.0)  # a crash has lost them
    result, _ = resume_race(folder, Workspace.at(tmp_path), Silent(), time.perf_counter())
    assert resumed == [result.run_id]
    assert (len(heats.done), len(runs.configs)) == (trained, 1)
    assert result.candidates[result.winner].how == LONGER


def test_a_budget_that_is_too_short_for_the_images_leaves_no_race(
    photos: tuple[Competition, Path],
    heats: Heats,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(race_module, "image_seconds", lambda *_: 10.0)
    with pytest.raises(TooShortError, match=r"each of two candidates needs \d+ s, and the run"):
        raced(photos, tmp_path)
    assert (heats.done, list((tmp_path / "races" / "toy").iterdir())) == ([], [])


def test_few_seconds_compare_two(
    photos: tuple[Competition, Path], heats: Heats, tmp_path: Path
) -> None:
    result = raced(photos, tmp_path, budget=300.0)
    assert len(result.candidates) == 2
    assert rounds.affordable(9, 7.0) == 2
    assert len(heats.done) == 2


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"budget": None}, "comp race has no budget: give --budget 30m"),
        ({"budget": 20.0}, r"0\.0 s for each of two candidates, .* give --budget 5m or more"),
        ({"optim": {"lr": "auto"}}, "optim.lr = auto is found once a run: set a number"),
    ],
)
def test_what_a_race_cannot_use_is_refused_before_the_data_is_read(
    keys: dict[str, Any], words: str, photos: tuple[Competition, Path]
) -> None:
    with pytest.raises(ConfigError, match=words):
        check_race(photos[0], config_for(photos[0], **keys))
