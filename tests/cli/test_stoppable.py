"""What a stopped run says of how to go on."""

from __future__ import annotations

import shlex
import signal
from pathlib import Path

import pytest

from comp.cli.stoppable import stoppable
from comp.errors import StoppedError
from comp.signals import Stopped


@pytest.mark.parametrize("place", ["plain", "with space", "it's"])
def test_the_command_that_goes_on_can_be_pasted(tmp_path: Path, place: str) -> None:
    run = tmp_path / place / "runs" / "denoising" / "r1"

    def stop() -> None:
        stopped = Stopped(signal.SIGTERM)
        stopped.run = run
        raise stopped

    with pytest.raises(StoppedError) as caught, stoppable():
        stop()
    command = str(caught.value).removeprefix("stopped by SIGTERM; '").removesuffix("' goes on")
    assert shlex.split(command) == ["comp", "resume", "r1", "--runs", str(tmp_path / place)]
    assert caught.value.exit_code == 143
