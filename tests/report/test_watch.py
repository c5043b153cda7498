"""A run of another process on the terminal."""

from __future__ import annotations

import io
import time
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from comp.report import console
from comp.report.watch import WatchDisplay
from comp.runs.live import DONE, PREDICTS, TRAINS, FoldProgress, RunProgress
from comp.runs.progress import Step
from comp.runs.watched import WatchedRun

STEP = Step(fold=1, epoch=1, epochs=2, step=45, steps=100, loss=0.1, lr=0.1, rate=9.0, score=0.25)
TRAINED = FoldProgress(fold=0, state=DONE, score=0.125, scores=(1.0, 0.5))
RUNNING = FoldProgress(
    fold=1, state=TRAINS, score=0.25, scores=(1.0,), steps=(STEP,), left_s=70.0, seconds=9.0
)


def run(state: str = "running", **changes: object) -> WatchedRun:
    progress = RunProgress(
        metric="RMSE", direction="min", folds=(TRAINED, RUNNING, FoldProgress(fold=2)),
        left_s=130.0, notes=("one", "two", "three", "four"), note_count=4, updated=990.0,
    )  # fmt: skip
    return WatchedRun(
        run_id="r1", competition="leaves", path=Path("runs/leaves/r1"), state=state, lost=False,
        reason="", resumable=True, cv_score=None,
        progress=replace(progress, **changes),  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Console:
    page = Console(file=io.StringIO(), force_terminal=True, width=80, height=24, color_system=None)
    monkeypatch.setattr(console, "make_console", lambda to_stderr: page)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    return page


def drawn(page: Console, display: WatchDisplay) -> list[str]:
    lines = page.render_lines(display._progress.get_renderable())
    return ["".join(segment.text for segment in line).rstrip() for line in lines]


def test_the_table_and_the_bars_follow_the_run(page: Console) -> None:
    with WatchDisplay() as display:
        display.show(run())
        lines = drawn(page, display)
        assert [line.split()[0] for line in lines] == ["fold", "0", "1", "2", "fold"]
        assert "0.12500  █▁" in lines[1]
        assert "fold 1 min 00 s, run 2 min 00 s left  RMSE 0.25000" in lines[-1]
        assert lines[-1].startswith("fold 1 ")
        predicts = replace(RUNNING, state=PREDICTS, predicted=(3, 9))
        display.show(run(folds=(TRAINED, predicts)))
        assert drawn(page, display)[-1].endswith("predicting  3/9 samples")
        assert drawn(page, display)[-2] == "run about 2 min 00 s left"


def test_bars_of_trainings_that_ended_go(page: Console) -> None:
    seeds = [replace(STEP, part=f"seed {n} of 2") for n in (1, 2)]
    with WatchDisplay() as display:
        display.show(run(folds=(replace(RUNNING, steps=tuple(seeds)),)))
        assert [line[:19] for line in drawn(page, display)[-2:]] == [
            "fold 1, seed 1 of 2",
            "fold 1, seed 2 of 2",
        ]
        display.show(run(folds=(replace(RUNNING, steps=(seeds[1],)),)))
        assert sum("seed" in line for line in drawn(page, display)) == 1
        display.show(run(folds=(TRAINED,), doing="full model"))
        assert drawn(page, display)[-1].startswith("full model")


def test_only_new_messages_are_printed(page: Console) -> None:
    with WatchDisplay() as display:
        display.introduce(run())
        display.show(run())
        display.show(run(notes=("three", "four", "five"), note_count=5))
        display.show(run(notes=("again",), note_count=1))  # the run was resumed
    text = page.file.getvalue()  # type: ignore[attr-defined]
    assert "run r1 of leaves is running, in runs/leaves/r1" in text
    assert "one" not in text.replace("done", "")
    assert [text.count(word) for word in ("two", "three", "four", "five", "again")] == [1] * 5


def test_the_state_is_printed_once(page: Console) -> None:
    with WatchDisplay() as display:
        display.print_state(run())
    text = page.file.getvalue()  # type: ignore[attr-defined]
    assert "fold 1  epoch 1/2  step 45/100  loss 0.10000" in text
    assert "\x1b[2K" not in text


def test_the_score_of_a_finished_run_is_printed(page: Console) -> None:
    with WatchDisplay() as display:
        display.print_state(replace(run("finished"), cv_score=0.5))
    text = page.file.getvalue()  # type: ignore[attr-defined]
    assert "run r1 is finished: RMSE 0.50000 out of fold" in text
