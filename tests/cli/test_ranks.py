"""Commands in several processes; `tests/pipeline/test_ranked.py` trains in them."""

from __future__ import annotations

import os
import sys

import pytest
import typer

from comp.cli import main
from comp.cli.ranks import placed, ranks_of
from comp.cli.started import STARTED_AT, started_at
from comp.config.placement import Placement

VARIABLES = {"WORLD_SIZE": "2", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "2"}


@pytest.fixture(params=[0, 1])
def rank(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    number = int(request.param)
    for name, value in {**VARIABLES, "RANK": str(number)}.items():
        monkeypatch.setenv(name, value)
    return number


def test_without_a_launcher_the_process_works() -> None:
    with ranks_of(["run", "digits"]) as works:
        assert works


@pytest.mark.parametrize("words", [["predict", "x"], ["resume", "--verify"], ["run", "--help"]])
def test_what_does_not_train_works_in_one_process(
    words: list[str], rank: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with ranks_of(words) as works:
        assert works == (rank == 0)
        assert not {*VARIABLES, "RANK"} & set(os.environ)  # what it starts is alone, too
    note = f"'comp {words[0]}' works in one of the 2 processes"
    assert (note in capsys.readouterr().err) == (rank == 0)


def test_only_one_process_prints(
    rank: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["comp", "list"])
    with pytest.raises(SystemExit, match="0"):
        main()
    assert ("cats-dogs" in capsys.readouterr().out) == (rank == 0)


def test_variables_that_do_not_fit_together_are_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(sys, "argv", ["comp", "list"])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert "WORLD_SIZE=2, RANK=missing" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--gpus", "4"], "needs 4 of them, but torch sees 1 GPU"),
        (["--gpus", "2", "--jobs", "2"], "jobs = 2 and gpus = 2 exclude each other"),
        (["--gpus", "2", "--on", "ray"], "on = ray and gpus = 2 exclude each other"),
    ],
)
def test_gpus_that_cannot_train_together_are_one_line(
    options: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    monkeypatch.setattr(sys, "argv", ["comp", "run", "cats-dogs", *options])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert message in capsys.readouterr().err


def test_gpus_start_the_same_command_in_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    def launch(processes: int, arguments: list[str]) -> int:
        started.append((processes, arguments))
        assert started_at() == STARTED_AT  # a budget counts from the command itself
        return 130

    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setattr("comp.training.launch.launch", launch)
    monkeypatch.setattr(sys, "argv", ["comp", "run", "cats-dogs", "--gpus", "2"])
    assert placed(None, "", 1) == placed(None, "", None) == Placement()
    with pytest.raises(typer.Exit) as stop:
        placed(None, "", 2)
    assert stop.value.exit_code == 130
    assert started == [(2, ["run", "cats-dogs", "--gpus", "2"])]
