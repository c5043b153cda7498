"""What a log on a full disk does to a command: `/dev/full` is such a disk."""

from __future__ import annotations

import io
import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import forked_comp
import pytest
from on_terminal import UNATTENDED

from comp.errors import OutputError
from comp.report.terminal import TerminalReporter
from comp.streams import OptionalStream, ReportingStream, ask, can_ask
from competitions.denoising import COMPETITION as DENOISING

FULL = Path("/dev/full")
TINY = [
    *("max_steps=2", "options.crop=32", "predict.tta=none", "loader.batch_size=2"),
    *("validations=1", "report.explain=0"),
]

pytestmark = pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")


def comp(*words: str, cwd: Path, unbuffered: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a command in a new Python, or without its imports if they take seconds."""
    if words[0] in forked_comp.TRAINING:
        with FULL.open("wb") as full:
            env = os.environ | {"PYTHONUNBUFFERED": "1" if unbuffered else ""}
            process = forked_comp.start(*words, cwd=cwd, env=env, out=full)
            _, err = process.communicate(600)
            return subprocess.CompletedProcess(words, process.wait(), "", err)
    with FULL.open("w") as full:
        return subprocess.run(
            [sys.executable, *(["-u"] if unbuffered else []), "-m", "comp", *words],
            cwd=cwd,
            env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": ""},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=600,
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


def test_a_run_goes_on_without_its_log(tmp_path: Path, pages: Path) -> None:
    words = ["--data", str(pages), "--folds", "2", "--fold", "0"]
    words += [word for key in TINY for word in ("--set", key)]
    with FULL.open("wb") as full:
        process = forked_comp.start("run", "denoising", *words, cwd=tmp_path, out=full)
    _, err = process.communicate(600)
    assert process.returncode == 0, err
    assert err == "comp: cannot print: No space left on device; continuing without output\n"
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
        "comp: cannot print: No space left on device; continuing without output\n"
    )


def test_a_failure_is_reported_once() -> None:
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


class Terminal:
    """A terminal that is stdin, and a stream to print on."""

    def __init__(self) -> None:
        self._ours, self._theirs = os.openpty()
        self.stdin = os.fdopen(os.dup(self._theirs), "r")
        self.stdout = os.fdopen(self._theirs, "w")

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def shown(self) -> str:
        """Everything that was printed: a terminal gives it in as many pieces as it likes."""
        pieces = []
        while select.select([self._ours], [], [], 0.5)[0]:
            pieces.append(os.read(self._ours, 1000))
        return b"".join(pieces).decode()

    def close(self) -> None:
        self.stdin.close()
        self.stdout.close()
        os.close(self._ours)


@pytest.fixture
def sit_down(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Terminal]]:
    """Makes a terminal stdin. A function, because pytest replaces stdin after the fixtures."""
    terminal = Terminal()

    def start() -> Terminal:
        for name in UNATTENDED:
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(sys, "stdin", terminal.stdin)
        return terminal

    yield start
    monkeypatch.undo()
    terminal.close()


@pytest.mark.parametrize(
    ("typed", "agreed"),
    [("y\n", True), ("YES\n", True), ("n\n", False), ("\n", False), ("\x04", False)],
)
def test_a_question_is_answered_on_the_terminal(
    sit_down: Callable[[], Terminal], typed: str, agreed: bool
) -> None:
    terminal = sit_down()
    assert can_ask(terminal.stdout)
    terminal.type(typed)
    assert ask("remove it", terminal.stdout, timeout_s=600) is agreed
    assert "remove it? [y/N] " in terminal.shown()


def test_no_answer_in_time_means_no(sit_down: Callable[[], Terminal]) -> None:
    terminal = sit_down()
    assert ask("remove it", terminal.stdout, timeout_s=0.2) is False
    assert terminal.shown().splitlines() == [
        "remove it? [y/N] ",
        "no answer within 0.2 s: this counts as no",
    ]


@pytest.mark.parametrize("name", UNATTENDED)
def test_no_question_in_a_notebook_or_on_a_build_server(
    sit_down: Callable[[], Terminal], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    terminal = sit_down()
    monkeypatch.setenv(name, "1")
    assert not can_ask(terminal.stdout)
    monkeypatch.setenv(name, "false")
    assert can_ask(terminal.stdout)


@pytest.mark.parametrize("stdin", [None, io.StringIO("y\n")])
def test_no_question_without_a_terminal(
    sit_down: Callable[[], Terminal], monkeypatch: pytest.MonkeyPatch, stdin: io.StringIO | None
) -> None:
    terminal = sit_down()
    assert not can_ask(io.StringIO())
    monkeypatch.setattr(sys, "stdin", stdin)
    assert not can_ask(terminal.stdout)
