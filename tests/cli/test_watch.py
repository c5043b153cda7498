"""`comp watch`, and a run at 80 columns that it follows."""

from __future__ import annotations

import fcntl
import io
import json
import os
import re
import struct
import sys
import termios
from collections.abc import Iterator
from contextlib import chdir, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import forked_comp
import pyte
import pytest
from filelock import FileLock

from comp.cli import main
from comp.runs import watched

LINES, COLUMNS = 24, 80
RUN = "20260101-000000-aaaaaa"
WORDS = (
    *("--max-steps", "24", "--folds", "2", "--device", "cpu", "--set", 'optim.name="adamw"'),
    *("--set", "loader.batch_size=2", "--set", "options.crop=32", "--set", "validations=6"),
    *("--set", 'predict.tta="none"'),
)


@dataclass(frozen=True)
class Live:
    """A run on a terminal of 80 columns: what the terminal showed after each drawing, and what
    `comp watch` printed meanwhile."""

    code: int
    frames: list[list[str]]
    watched: list[str]
    folder: Path

    @property
    def bars(self) -> list[str]:
        """The bars of the folds."""
        bars = [
            line for lines in self.frames for line in lines if re.match("fold [01] [━╸╺]", line)
        ]
        return [line for line in bars if "predicting" not in line]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, pages: Path) -> Live:
    here = tmp_path_factory.mktemp("live")
    outer, inner = os.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    env = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
    with os.fdopen(inner, "wb", buffering=0) as terminal:
        process = forked_comp.start(
            "run", "denoising", "--data", str(pages), *WORDS,
            cwd=here, env=env | {"TERM": "xterm-256color"}, out=terminal, err=terminal,
            constants={"comp.pipeline.progress_file.EVERY_S": 0.0},
        )  # fmt: skip
    seen, printed = b"", []
    while True:
        try:
            seen += os.read(outer, 65536)
        except OSError:  # the terminal's other end is closed
            break
        if b"fold 0: RMSE" in seen and not printed:
            printed = watched_once(here)
    os.close(outer)
    (folder,) = here.glob("runs/denoising/*")
    return Live(process.wait(600), list(frames(seen)), printed, folder)


def watched_once(here: Path) -> list[str]:
    """What `comp watch --once` prints."""
    with chdir(here), redirect_stdout(io.StringIO()) as printed, pytest.MonkeyPatch.context() as m:
        assert watch(m, "--once") == 0
    return printed.getvalue().splitlines()


def frames(seen: bytes) -> Iterator[list[str]]:
    """What the terminal showed before each time that lines were erased."""
    screen = pyte.Screen(COLUMNS, LINES)
    stream = pyte.ByteStream(screen)
    for piece in re.split(rb"(?=\r\x1b\[2K)", seen):
        stream.feed(piece)
        yield list(screen.display)


def test_a_run_at_80_columns_keeps_the_score_and_the_time_left(live: Live) -> None:
    assert live.code == 0
    last = live.bars[-1]
    assert re.search(r"RMSE 0\.\d{5}", last)
    assert re.search(r"run \d+ s left", last)
    assert "…" not in "".join(live.bars)


def test_the_table_of_the_folds_stays_on_the_screen(live: Live) -> None:
    ends = [lines for lines in live.frames if any("fold 1 ━━━━━━━━━━" in line for line in lines)]
    assert ends
    lines = [line.rstrip() for line in ends[-1] if line.strip()]
    (header,) = [n for n, line in enumerate(lines) if line.startswith("fold     RMSE")]
    assert re.match(r"   0  0\.\d{5}  [▁▂▃▄▅▆▇█]{6}", lines[header + 1])
    assert " done " in lines[header + 1]
    below = [line for line in lines[header + 3 :] if not line.startswith("run about")]
    assert [line[:7] for line in below] == ["fold 1 "]  # the bar, and nothing below it
    assert any(line.startswith("fold 0: RMSE") for line in lines[:header])


def test_it_is_watched_from_another_terminal(live: Live) -> None:
    text = "\n".join(live.watched)
    assert f"run {live.folder.name} of denoising is running" in text
    assert re.search(r"   0  0\.\d{5}  [▁▂▃▄▅▆▇█]+", text)
    assert re.search(r"run (about )?\d+ s left", text)


def test_a_run_that_ends_well_leaves_no_progress_behind(live: Live) -> None:
    assert not (live.folder / "progress.json").exists()


def made(here: Path, state: str, **more: object) -> Path:
    folder = here / "runs" / "leaves" / RUN
    folder.mkdir(parents=True)
    record = {"state": state, "competition": "leaves", "folds": [0], "config": {}} | more
    (folder / "run.json").write_text(json.dumps(record))
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(watched, "POLL_S", 0.01)
    return tmp_path


def watch(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["comp", "watch", *words])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


def test_a_finished_run_is_success(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = {"metric": "F1", "direction": "max", "cv_score": 0.5, "fold_scores": {"0": 0.5}}
    (made(here, "finished") / "scores.json").write_text(json.dumps(scores))
    assert watch(monkeypatch, RUN[:8]) == 0
    text = capsys.readouterr().out
    assert f"run {RUN} is finished: F1 0.50000 out of fold" in text
    assert "0  0.50000" in text


@pytest.mark.parametrize(
    ("state", "more", "words"),
    [
        ("failed", {"reason": "the disk is full"}, "failed: the disk is full; when that is mended"),
        ("interrupted", {}, "was interrupted: continue with 'comp resume"),
        ("running", {}, "was interrupted (its process no longer exists): continue with"),
        (
            "failed",
            {"blend": {"runs": [{"run_id": "a"}]}},
            "failed: no reason is recorded; when that is mended, blend its runs",
        ),
    ],
)
def test_a_run_that_did_not_end_well_is_a_failure_with_what_to_do(
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    state: str,
    more: dict[str, object],
    words: str,
) -> None:
    made(here, state, **more)
    assert watch(monkeypatch, RUN) == 2
    assert f"comp: run {RUN} {words}" in capsys.readouterr().err
    assert watch(monkeypatch, RUN, "--once") == 0
    assert f"run {RUN} {words}" in capsys.readouterr().out


def test_the_state_as_json_has_no_nan(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fold = made(here, "interrupted") / "fold-0"
    fold.mkdir()
    (fold / "history.jsonl").write_text('{"step": 1, "score": NaN, "loss": 2.0}\n')
    assert watch(monkeypatch, RUN, "--once", "--json") == 0
    state = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert (state["run_id"], state["state"]) == (RUN, "interrupted")
    assert state["progress"]["folds"][0]["scores"] == [None]
    assert state["progress"]["folds"][0]["losses"] == [2.0]


def test_ctrl_c_leaves_the_run_alone(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = made(here, "running")
    record = (folder / "run.json").read_bytes()
    looks = iter([None, None])

    def pause(_seconds: float) -> None:
        if next(looks, "over") == "over":
            raise KeyboardInterrupt

    monkeypatch.setattr(watched, "time", SimpleNamespace(sleep=pause))
    with FileLock(folder / "run.lock"):
        assert watch(monkeypatch) == 130
    assert f"stopped watching run {RUN}, which is left alone" in capsys.readouterr().err
    assert (folder / "run.json").read_bytes() == record
    assert sorted(path.name for path in folder.iterdir()) == ["run.json", "run.lock"]


def test_nothing_to_watch_and_a_damaged_run_are_said(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert watch(monkeypatch) == 2
    assert "no run is running in" in capsys.readouterr().err
    (made(here, "running") / "run.json").write_text("{")
    assert watch(monkeypatch, RUN) == 2
    assert "run.json cannot be read" in capsys.readouterr().err
