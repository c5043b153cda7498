"""The progress of a study in a terminal."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from comp.contract.metric import Metric
from comp.contract.metrics import rmse
from comp.report import console
from comp.tuning import terminal
from comp.tuning.outcome import Outcome, TrialProgress
from comp.tuning.progress import StudyStart
from comp.tuning.terminal import TuneReporter

METRIC = Metric(name="RMSE", score=rmse, direction="min")


@pytest.mark.parametrize("width", [80, 60])
def test_a_narrow_terminal_keeps_the_best_score_and_the_time_left(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    page = Console(file=io.StringIO(), force_terminal=True, highlight=False, width=width)
    now = [0.0]
    monkeypatch.setattr(console, "make_console", lambda to_stderr: page)
    monkeypatch.setattr(terminal.time, "perf_counter", lambda: now[0])
    monkeypatch.setenv("TERM", "xterm")
    with TuneReporter(METRIC) as reporter:
        reporter.study_started(
            StudyStart(
                study="s", competition="c", folder=Path("s"), synthetic=False, space={}, trials=40,
                folds=2, length="", sampler="tpe", pruner="halving", slots=8, device="cpu",
                finished=10, running=1, default_outside=[],
            )
        )  # fmt: skip
        for number in range(10, 18):
            reporter.trial_started(number)
            reporter.trial_progress(TrialProgress(number=number, fold=0, share=0.5, score=0.123456))
        now[0] = 60.0
        outcome = Outcome(state="complete", value=0.1, seconds=60.0, share=1.0)
        reporter.trial_done(10, outcome, 0.1, 11)
        reporter.trial_started(18)
        (line,) = page.render_lines(reporter._progress.get_renderable())
    text = "".join(segment.text for segment in line)
    assert "best 0.10000" in text
    assert "29 min 00 s left" in text  # 29 more trials, a minute each
    assert "…" not in text
