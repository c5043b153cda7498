"""The table of the folds that does not scroll away."""

from __future__ import annotations

import io
import time

import pytest
from rich.console import Console

from comp.report.fold_table import FoldTable
from comp.runs.live import DONE, PREDICTS, TRAINS, WORKS, FoldProgress, RunProgress
from comp.runs.progress import Step


def step(fold: int) -> Step:
    return Step(
        fold=fold, epoch=1, epochs=2, step=45, steps=100, loss=0.1, lr=0.1, rate=9.0, score=0.5
    )


TRAINED = FoldProgress(
    fold=0, state=DONE, score=0.12345678, best_step=1234, scores=(3.0, 2.0, 1.0),
    losses=(9.0, 1.0), seconds=185.0, stopped_early=True,
)  # fmt: skip
RUNNING = FoldProgress(fold=1, state=TRAINS, score=0.5, steps=(step(1),), seconds=4.0, left_s=9.0)
RUN = RunProgress(
    metric="RMSE", direction="min", folds=(TRAINED, RUNNING, FoldProgress(fold=2)), left_s=75.0
)


def drawn(run: RunProgress, width: int, height: int = 24, encoding: str = "utf-8") -> list[str]:
    page = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    Console(file=page, force_terminal=True, width=width, height=height, color_system=None).print(
        FoldTable(run)
    )
    page.seek(0)
    return [line.rstrip() for line in page.read().splitlines()]


def test_a_fold_has_a_line_with_its_curves() -> None:
    header, *lines = drawn(RUN, 80)
    assert header.split() == ["fold", "RMSE", "curve", "loss", "best", "step", "state", "time"]
    assert lines[0].split() == [
        *("0", "0.12346", "█▅▁", "█▁", "1,234", "done", "early", "3", "min", "05", "s")
    ]
    assert lines[1].split() == ["1", "0.50000", "45%", "4", "s"]
    assert lines[2].split() == ["2", "waits"]
    assert len(lines) == 3


@pytest.mark.parametrize(
    ("width", "headers"),
    [
        (60, ["fold", "RMSE", "curve", "best", "step", "state", "time"]),
        (50, ["fold", "RMSE", "curve", "state", "time"]),
        (30, ["fold", "RMSE", "state"]),
    ],
)
def test_a_narrow_terminal_has_the_most_useful_columns(width: int, headers: list[str]) -> None:
    lines = drawn(RUN, width)
    assert lines[0].split() == headers
    assert max(map(len, lines)) <= width
    assert "0.12346" in lines[1]


def test_a_low_terminal_shows_the_folds_that_train() -> None:
    done = [FoldProgress(fold=number, state=DONE) for number in range(8)]
    trains = FoldProgress(fold=9, state=TRAINS, steps=(step(9),))
    run = RunProgress(folds=(*done, trains, FoldProgress(fold=10)))
    lines = drawn(run, 80, height=10)
    assert [line.split()[0] for line in lines[1:-1]] == ["5", "6", "7", "9"]
    assert lines[-1] == "6 more folds, 8 of 10 are done"


def test_between_two_folds_the_time_left_stays() -> None:
    between = RunProgress(
        folds=(TRAINED, FoldProgress(fold=1, state=WORKS)), left_s=70.0, updated=time.time() - 9
    )
    assert drawn(between, 80)[-1] == "run about 1 min 01 s left"
    predicts = RunProgress(
        folds=(FoldProgress(fold=1, state=PREDICTS),), left_s=1.0, updated=time.time() - 9
    )
    assert drawn(predicts, 60)[-1] == "run about 0 s left"
    assert "left" not in "".join(drawn(RunProgress(folds=(TRAINED,), left_s=1.0), 80))


def test_preliminary_scores_are_marked() -> None:
    (_, line) = drawn(RunProgress(metric="F1", preliminary=True, folds=(TRAINED,)), 80)
    assert "~0.12346" in line


def test_a_terminal_without_blocks_gets_ascii() -> None:
    lines = drawn(RUN, 80, encoding="ascii")
    assert "".join(lines).isascii()
    assert "#=_" in lines[1] or "#-_" in lines[1]


def test_no_folds_no_table() -> None:
    assert drawn(RunProgress(), 80) == []
