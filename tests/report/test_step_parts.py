"""What stands beside the bar of a fold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from comp.report.step_parts import bar_name, step_parts
from comp.runs.progress import Step

STEP = Step(
    fold=1, epoch=12, epochs=100, step=12345, steps=99999, loss=0.125, lr=1e-3, rate=1234.0,
    score=0.25,
)  # fmt: skip
LEFT = (3661.0, 36000.0)


def test_a_log_has_everything() -> None:
    assert str(step_parts(STEP, "RMSE", "~", "images", LEFT)) == (
        "epoch 12/100  step 12345/99999  loss 0.12500  lr 1.0e-03  1234 images/s  "
        "fold 1 h 01 min, run 10 h 00 min left  RMSE ~0.25000"
    )


@pytest.mark.parametrize("columns", [80, 70, 60])
@pytest.mark.parametrize("part", ["", "seed 2 of 3", "tf_efficientnet_lite0.in1k"])
def test_a_narrow_terminal_keeps_the_score_and_the_time_left(columns: int, part: str) -> None:
    room = columns - len("fold 1 ---------- ")
    shown = step_parts(replace(STEP, part=part), "RMSE", "", "images", LEFT).within(room)
    assert len(shown) <= room
    assert "run 10 h 00 min left" in shown
    assert "0.25000" in shown


def test_the_time_left_stays_longest() -> None:
    assert step_parts(STEP, "macro F1", "", "rows", LEFT).within(22) == "run 10 h 00 min left"


def test_a_bar_of_several_has_the_name_of_its_training() -> None:
    seed = replace(STEP, part="seed 2 of 3")
    assert bar_name(STEP, several=True) == bar_name(seed, several=False) == "fold 1"
    assert bar_name(seed, several=True) == "fold 1, seed 2 of 3"
    assert "seed" not in str(step_parts(seed, "RMSE", "", "images", None, several=True))
