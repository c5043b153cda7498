"""What a log on a full disk does to a command: `/dev/full` is such a disk."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from comp.errors import OutputError
from comp.report.terminal import TerminalReporter
from comp.streams import OptionalStream, ReportingStream
from competitions.denoising import COMPETITION as DENOISING

FULL = Path("/dev/full")
TINY = ["max_steps=2", "options.crop=32", "predict.tta=none", "loader.batch_size=2"]

pytestmark = pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")


def comp(*words: str, cwd: Path, unbuffered: bool = False) -> subprocess.CompletedProcess[str]:
    with FULL.open("w") as full:
        return subprocess.run(
            [sys.executable, *(["-u"] if unbuffered else []), "-m", "comp", *words],
            cwd=cwd,
            env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": ""},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.mark.parametrize("unbuffered", [False, True])
@pytest.mark.parametrize("words", [("list",), ("runs", "--json"), ("explain-config", "denoising")])
def test_what_cannot_be_printed_is_one_line(
    tmp_path: Path, words: tuple[str, ...], unbuffered: bool
) -> None:
    done = comp(*words, cwd=tmp_path, unbuffered=unbuffered)
    assert done.returncode == 2
    assert done.stderr == "comp: cannot print: No space left on device\n"


def test_a_run_goes_on_without_its_log(tmp_path: Path) -> None:
    sets = [word for key in TINY for word in ("--set", key)]
    done = comp("run", "denoising", "--sample", "--folds", "2", "--fold", "0", *sets, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "comp: cannot print: No space left on device; going on without\n"
    (path,) = tmp_path.glob("runs/*/*/run.json")
    assert json.loads(path.read_text())["state"] == "finished"


class Moody(io.StringIO):
    """A stream that cannot be written to for a while."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error: OSError | None = error

    def flush(self) -> None:
        if self.error:
            raise self.error


def test_a_stream_that_works_again_gets_what_comes(capsys: pytest.CaptureFixture[str]) -> None:
    under = Moody(OSError(28, "No space left on device"))
    stream = OptionalStream(under)
    for word in ("one ", "two "):
        stream.write(word)
        stream.flush()
    under.error = None
    stream.write("three")
    stream.flush()
    assert under.getvalue() == "one two three"
    assert capsys.readouterr().err == (
        "comp: cannot print: No space left on device; going on without\n"
    )


def test_a_failure_is_told_once() -> None:
    stream = ReportingStream(Moody(OSError(28, "No space left on device")))
    stream.write("words")
    with pytest.raises(OutputError, match=r"^cannot print: No space left on device$"):
        stream.flush()
    stream.flush()


def test_a_reporter_needs_no_reader(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", Moody(BrokenPipeError(32, "Broken pipe")))
    with TerminalReporter(DENOISING.metric) as reporter:
        reporter.note("nobody hears this")
    monkeypatch.undo()
    assert capsys.readouterr().err == ""
