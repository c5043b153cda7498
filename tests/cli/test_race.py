"""`comp race` as a user starts it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import comp
from comp.cli import main
from comp.racing import call
from comp.runs.race import Candidate, RaceResult, RaceRound, RoundResult

RESULT = RaceResult(
    race_id="r",
    race_dir=Path("races/cats-dogs/r"),
    competition="cats-dogs",
    metric="accuracy",
    direction="max",
    candidates=[Candidate(backbone="resnet18", size="160", how="as set", lr=1e-3)],
    rounds=[
        RaceRound(
            candidates=[0],
            seconds=12.0,
            train=512,
            held_out=256,
            results={0: RoundResult(score=0.5, steps=9)},
        )
    ],
    winner=0,
    best=0,
    run_id="20260101-000000-abcdef",
)


def race(monkeypatch: pytest.MonkeyPatch, here: Path, *args: str) -> int:
    monkeypatch.chdir(here)
    monkeypatch.setattr(sys, "argv", ["comp", "race", *args])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


def test_json_has_the_race_and_the_table_is_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    asked: list[Any] = []

    def start(request: Any, weights: Any, _began: float, _reporter: object) -> Any:
        asked.append((request, list(weights)))
        return RESULT, None

    monkeypatch.setattr(call, "start_race", start)
    args = ("cats-dogs", "--budget", "30m", "--weights", "a", "--weights", "b", "--json")
    assert race(monkeypatch, tmp_path, *args) == 0
    shown = capsys.readouterr()
    values = json.loads(shown.out)
    assert values["race"]["run_id"] == RESULT.run_id
    assert values["race"]["rounds"][0]["results"]["0"]["score"] == 0.5
    assert values["run"] is None
    assert "race of cats-dogs: accuracy (higher is better)" in shown.err
    ((request, weights),) = asked
    assert request.keys["budget"] == "30m"
    assert [str(path) for path in weights] == ["a", "b"]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("cats-dogs",), "comp race has no budget: give --budget 30m"),
        (("cats-dogs", "--budget", "5s"), "they need 5 s, because most of it is for the run"),
        (("housing", "--budget", "5m"), "comp race compares backbones of images, but model ="),
        (("cats-dogs", "--resume", "--budget", "5m"), "leave out --budget"),
        (("cats-dogs", "--resume", "--set", "seed=1"), "leave out --set"),
        (("cats-dogs", "--resume", "--seed", "0"), "leave out --seed"),
        (("cats-dogs", "--resume"), "no unfinished race of cats-dogs"),
    ],
)
def test_what_cannot_be_raced_is_one_line(
    args: tuple[str, ...],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    assert race(monkeypatch, tmp_path, *args) == 2
    shown = capsys.readouterr().err
    assert words in shown
    assert shown.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_python_has_the_same_race(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    started = SimpleNamespace(weights=[])

    def start(_request: Any, weights: Any, _began: float, _reporter: object) -> Any:
        started.weights = weights
        return RESULT, None

    monkeypatch.setattr(call, "start_race", start)
    assert comp.race("cats-dogs", budget="5m", weights=["w"], quiet=True) is RESULT
    assert started.weights == [Path("w")]
    with pytest.raises(comp.errors.ConfigError, match="has no budget"):
        comp.race("cats-dogs", quiet=True)
    with pytest.raises(comp.errors.RunError, match="no unfinished race"):
        comp.race("cats-dogs", resume=True, quiet=True)
