from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from comp.contract.metric import Metric
from comp.contract.metrics import rmse
from comp.report import console
from comp.report.predict import PredictionReporter
from comp.report.terminal import TerminalReporter
from comp.runs.progress import RunStart, Step
from comp.runs.results import FoldResult, RunSummary

METRIC = Metric(name="RMSE", score=rmse, direction="min", medals={"gold": 0.1, "bronze": 0.3})


def step(done: int) -> Step:
    return Step(
        fold=1, epoch=2, epochs=3, step=done, steps=8, loss=0.125, lr=1e-3, rate=12.0, score=0.25
    )


def run_start(**changes: object) -> RunStart:
    values: dict[str, object] = {
        "run_id": "r1", "run_dir": Path("runs/r1"), "competition": "denoising",
        "data": Path("data"), "synthetic": False, "train": 10, "test": 2, "groups": 5,
        "group": "clean page", "folds": [0, 1], "of_folds": 2, "device": "cpu (2 threads)",
        "precision": "fp32", "seconds": None, "budget": None,
    }  # fmt: skip
    return RunStart(**(values | changes))  # type: ignore[arg-type]


def fold_result() -> FoldResult:
    return FoldResult(
        fold=1, score=0.25, loss=0.1, epoch=1, step=6, steps=8, planned=9, stopped_early=True,
        setup_s=1,
        fit_s=1, predict_s=1, validate_s=1, images_per_second=12.3, wait_share=0.1,
    )  # fmt: skip


def summary(**changes: object) -> RunSummary:
    values: dict[str, object] = {
        "run_id": "r1", "run_dir": Path("runs/r1"), "competition": "denoising", "metric": "RMSE",
        "direction": "min", "cv_score": 0.2, "fold_scores": {0: 0.15, 1: 0.25}, "mean": 0.2,
        "std": 0.07, "standing": METRIC.nearest_medals(0.2),
        "submission": Path("submissions/r1.csv"), "n_rows": 1234567, "seconds": 65.0,
        "synthetic": False, "device": "cpu", "precision": "fp32",
        "plan": {0: 8, 1: 8}, "threshold": None, "classes": (), "skipped": {},
    }  # fmt: skip
    return RunSummary(**(values | changes))  # type: ignore[arg-type]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    stream = io.StringIO()
    monkeypatch.setattr(
        console, "make_console", lambda to_stderr: Console(file=stream, soft_wrap=True, width=90)
    )
    return stream


def test_one_fold_has_no_standard_deviation(shown: io.StringIO) -> None:
    with TerminalReporter(METRIC) as reporter:
        reporter.summary(summary(fold_scores={0: 0.15}, std=0.0, plan={0: 8}))
    assert "out of fold" in shown.getvalue()
    assert "±" not in shown.getvalue()


def test_scores_before_the_final_decisions_are_marked_and_explained(shown: io.StringIO) -> None:
    """The line of a fold had 0.9, the table 0.7, and nothing said why."""
    with TerminalReporter(METRIC) as reporter:
        reporter.run_started(run_start(preliminary=True))
        reporter.step(step(8))
        reporter.fold_done(fold_result(), Path("x.csv"))
    text = shown.getvalue()
    assert text.count("scores with ~ are preliminary: the table at the end has those with") == 1
    assert "RMSE ~0.25000" in text
    assert "fold 1: RMSE ~0.25000 (best" in text


def test_final_scores_are_not_marked(shown: io.StringIO) -> None:
    with TerminalReporter(METRIC) as reporter:
        reporter.run_started(run_start())
        reporter.fold_done(fold_result(), Path("x.csv"))
    assert "~" not in shown.getvalue()


def test_a_run_is_told_in_plain_lines_where_there_is_no_terminal(shown: io.StringIO) -> None:
    with TerminalReporter(METRIC) as reporter:
        reporter.run_started(run_start())
        reporter.step(step(8))
        reporter.summary(summary())
    text = shown.getvalue()
    assert "\x1b" not in text
    assert "10 training samples in 5 groups (clean page), 2 test samples, 2 folds" in text
    assert "fold 1  epoch 2/3  step 8/8  loss 0.12500  lr 1.0e-03  12 images/s" in text
    assert "0.20000 ± 0.07000" in text
    assert "beats bronze (0.30000), next is gold (0.10000)" in text
    assert "1,234,567 rows" in text


def test_sample_data_is_said_loudly_and_its_score_gets_no_medal(shown: io.StringIO) -> None:
    with TerminalReporter(METRIC) as reporter:
        reporter.run_started(run_start(synthetic=True))
        reporter.summary(summary(synthetic=True))
    text = shown.getvalue()
    assert "SYNTHETIC DATA" in text
    assert "beats bronze" not in text


def test_a_long_run_comes_with_its_time_and_a_hint(shown: io.StringIO) -> None:
    with TerminalReporter(METRIC) as reporter:
        reporter.run_started(run_start(seconds=7800.0))
    assert "this will take about 2 h 10 min" in shown.getvalue()
    assert "--budget" in shown.getvalue()


def test_plain_lines_do_not_flood(shown: io.StringIO) -> None:
    with TerminalReporter(METRIC) as reporter:
        for done in range(1, 9):
            reporter.step(step(done))
    lines = [line for line in shown.getvalue().splitlines() if "step" in line]
    assert [line.split("step ")[1][:3] for line in lines] == ["1/8", "8/8"]


def test_a_long_reading_is_told_now_and_then_and_a_short_one_not_at_all(
    shown: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter([100.0, 101.0, 116.0, 117.0, 132.0, 200.0, 214.0, 216.0])
    monkeypatch.setattr(console, "time", SimpleNamespace(perf_counter=lambda: next(now)))
    with TerminalReporter(METRIC) as reporter:
        for done in (1, 2, 40, 41, 80):
            reporter.images_decoded(done, 80)
    assert shown.getvalue() == "decoding  40/80 images\ndecoding  80/80 images\n"
    with PredictionReporter() as predictions:
        for done in (1, 2, 3):
            predictions.step(0, done, 3)
    assert shown.getvalue().endswith("80 images\nfold 0  3/3\n")


def test_the_end_of_a_fold_names_its_score_and_the_submission(shown: io.StringIO) -> None:
    with TerminalReporter(METRIC) as reporter:
        reporter.fold_done(fold_result(), Path("submissions/r1.csv"))
    text = shown.getvalue()
    assert "fold 1: RMSE 0.25000 (best at step 6 of 8, stopped early; 12 images/s)" in text
    assert "submissions/r1.csv" in text


def test_square_brackets_in_a_path_are_no_markup(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with TerminalReporter(METRIC) as reporter:
        reporter.run_started(run_start(run_dir=Path("kaggle [v2]/[/x]/r1")))
    assert "kaggle [v2]/[/x]/r1" in capsys.readouterr().out


def test_a_terminal_shows_one_bar_for_the_last_task(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(
        console,
        "make_console",
        lambda to_stderr: Console(file=stream, force_terminal=True, highlight=False),
    )
    monkeypatch.setenv("TERM", "xterm")
    with console.Live(to_stderr=False) as live:
        live.show_progress("decoding", 1, 2, "1/2 [images]")
        live.show_progress("fold 0", 3, 8, "step 3/8")
        (task,) = live._progress.tasks
        assert (task.description, task.completed, task.total) == ("fold 0", 3, 8)
        live.note("a line\x1b[2J")
        live.remove_bar()
        assert live._progress.tasks == []
        live.show_progress("fold 0", 4, 8, "step 4/8")
        live._progress.refresh()
        live.show_progress("fold 1", 8, 8, "step 8/8")
        live.remove_bar()
    text = stream.getvalue()
    assert "step 4/8" in text
    assert "step 8/8" in text
    assert "a line\\x1b[2J" in text


def test_folds_at_the_same_time_have_a_line_each(shown: io.StringIO) -> None:
    with TerminalReporter(METRIC) as reporter:
        reporter.run_started(run_start(jobs=2))
        reporter.step(step(1))
        reporter.step(replace(step(2), fold=0))
        reporter.step(replace(step(2), fold=0, part="seed 2 of 3"))
        reporter.step(replace(step(3), fold=0))
    lines = shown.getvalue().splitlines()
    assert "on cpu (2 threads), precision fp32, 2 folds at the same time" in lines
    starts = [line[:25] for line in lines if " step " in line]
    assert starts == [
        "fold 1  epoch 2/3  step 1",
        "fold 0  epoch 2/3  step 2",
        "fold 0, seed 2 of 3  epoc",
    ]


def test_a_terminal_shows_one_bar_for_each_fold_at_the_same_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        console,
        "make_console",
        lambda to_stderr: Console(file=io.StringIO(), force_terminal=True, highlight=False),
    )
    monkeypatch.setenv("TERM", "xterm")
    with TerminalReporter(METRIC) as reporter:
        reporter.run_started(run_start(jobs=2))
        reporter.step(step(1))
        reporter.step(replace(step(2), fold=10))
        reporter.step(replace(step(2), part="seed 2 of 2"))
        names = [task.description for task in reporter._progress.tasks]
        assert names == ["fold 1", "fold 10", "fold 1, seed 2 of 2"]
        reporter.fold_done(fold_result(), Path("submission.csv"))
        assert [task.description for task in reporter._progress.tasks] == ["fold 10"]


@pytest.mark.parametrize("width", [80, 60])
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_narrow_terminal_keeps_the_folds_the_score_and_the_time_left(
    monkeypatch: pytest.MonkeyPatch, width: int, jobs: int
) -> None:
    """With 80 columns both folds were "f...", and the score and the time left were cut off."""
    page = Console(file=io.StringIO(), force_terminal=True, highlight=False, width=width)
    monkeypatch.setattr(console, "make_console", lambda to_stderr: page)
    monkeypatch.setenv("TERM", "xterm")
    with TerminalReporter(METRIC) as reporter:
        reporter.run_started(run_start(jobs=jobs))
        for fold in [0, 0] if jobs == 1 else [0, 1, 0, 1]:  # the second step shows the time left
            reporter.step(replace(step(2), fold=fold, step=2000, steps=90000))
        drawn = page.render_lines(reporter._progress.get_renderable())
    lines = ["".join(segment.text for segment in line) for line in drawn]
    assert [line.split()[0] for line in lines[:3]] == ["fold", "0", "1"]
    bars = lines[3:]
    assert [line[:7] for line in bars] == ["fold 0 ", "fold 1 "][:jobs]
    for line in bars:
        assert "run " in line
        assert " left" in line
        assert "0.25000" in line
        assert "…" not in line


def drawn_pieces(stream: io.StringIO) -> list[str]:
    """What a terminal got, without what was erased: the last piece is on the screen."""
    return stream.getvalue().split("\x1b[2K")


def test_the_table_of_the_folds_stays_below_the_messages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = io.StringIO()
    page = Console(file=stream, force_terminal=True, highlight=False, width=80, color_system=None)
    monkeypatch.setattr(console, "make_console", lambda to_stderr: page)
    monkeypatch.setenv("TERM", "xterm")
    with TerminalReporter(METRIC) as reporter:
        reporter.run_started(run_start())
        reporter.step(replace(step(2), fold=0))
        reporter.validated(0, 2, 0.125)
        reporter.note("a message")
        reporter._progress.refresh()
        last = drawn_pieces(stream)[-1]
        assert "0.12500  ▄" in last
        assert last.index("RMSE") < last.index("25%") < last.index("waits")
        reporter.fold_done(replace(fold_result(), fold=0), Path("x.csv"))
        reporter._progress.refresh()
        last = drawn_pieces(stream)[-1]
        assert "done" in last
        assert "works" in last
        reporter.summary(summary())
        reporter.note("after the end")
    text = stream.getvalue()
    assert "a message" in text
    assert "done" not in text[text.index("after the end") :]


def test_a_terminal_that_cannot_move_its_cursor_gets_plain_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It got nothing."""
    stream = io.StringIO()
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(
        console, "make_console", lambda to_stderr: Console(file=stream, force_terminal=True)
    )
    with TerminalReporter(METRIC) as reporter:
        reporter.run_started(run_start())
        reporter.step(step(8))
    assert "fold 1  epoch 2/3  step 8/8" in stream.getvalue().replace("\n", " ")
    assert "\x1b[2K" not in stream.getvalue()
