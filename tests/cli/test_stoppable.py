"""The message of a stopped command, with the command that continues."""

from __future__ import annotations

import shlex
import signal
import sys
from pathlib import Path

import pytest

from comp.cli.stoppable import stoppable
from comp.errors import StoppedError
from comp.runs.folder import RunFolder
from comp.signals import Stopped


@pytest.mark.parametrize("place", ["plain", "with space", "it's"])
def test_the_command_that_continues_can_be_pasted(tmp_path: Path, place: str) -> None:
    run = tmp_path / place / "runs" / "denoising" / "r1"

    def stop() -> None:
        stopped = Stopped(signal.SIGTERM)
        stopped.run = run
        raise stopped

    with pytest.raises(StoppedError) as caught, stoppable():
        stop()
    command = str(caught.value).partition("continue it with '")[2].removesuffix("'")
    assert shlex.split(command) == ["comp", "resume", "r1", "--runs", str(tmp_path / place)]
    assert caught.value.exit_code == 143


def test_a_command_that_saved_nothing_says_so_and_is_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "argv", ["/bin/comp", "run", "denoising", "--data", "my data"])

    def stop() -> None:
        raise Stopped(signal.SIGINT)

    with pytest.raises(StoppedError) as caught, stoppable():
        stop()
    assert str(caught.value) == (
        "stopped by SIGINT: nothing was saved; start again with "
        "'comp run denoising --data 'my data''"
    )
    assert caught.value.exit_code == 130


def test_a_second_signal_on_the_way_out_of_a_run_does_not_forget_what_is_saved(
    tmp_path: Path,
) -> None:
    """It came while the processes of the folds ended, and "nothing was saved" was said."""

    def stop() -> None:
        try:
            with RunFolder(tmp_path / "runs" / "denoising" / "r1").running():
                signal.raise_signal(signal.SIGINT)
        finally:
            signal.raise_signal(signal.SIGINT)

    (tmp_path / "runs" / "denoising" / "r1").mkdir(parents=True)
    words = "continue it with 'comp resume r1 "
    with pytest.raises(StoppedError, match=words) as caught, stoppable():
        stop()
    assert caught.value.exit_code == 130
