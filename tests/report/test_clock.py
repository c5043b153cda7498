from __future__ import annotations

from dataclasses import replace

import pytest

from comp.report import clock as module
from comp.report.clock import Clock, duration
from comp.runs.progress import Step


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"), (7800, "2 h 10 min")],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def step(done: int) -> Step:
    return Step(
        fold=0, epoch=1, epochs=1, step=done, steps=100, loss=0.1, lr=0.1, rate=1.0, score=None
    )


def test_time_left_follows_the_pace_since_the_first_report(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(module.time, "perf_counter", lambda: now[0])
    clock = Clock(folds=3)
    now[0] = 10.0
    assert clock.left(step(20)) is None
    now[0] = 20.0
    assert clock.left(step(40)) == pytest.approx((30.0, 130.0))
    now[0] = 60.0
    clock.fold_done(50.0)
    assert clock.left(step(10)) is None
    now[0] = 65.0
    assert clock.left(step(20)) == pytest.approx((40.0, 100.0))


def test_folds_that_were_finished_before_count_with_the_time_they_took(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]
    monkeypatch.setattr(module.time, "perf_counter", lambda: now[0])
    clock = Clock(folds=4)
    clock.fold_done(300.0)
    clock.fold_done(500.0)
    assert clock.left(step(10)) is None
    now[0] = 5.0
    assert clock.left(step(20)) == pytest.approx((40.0, 440.0))


def test_folds_at_the_same_time_have_their_own_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(module.time, "perf_counter", lambda: now[0])
    clock = Clock(folds=5, jobs=2)
    fast, slow = step(20), replace(step(10), fold=1)
    assert clock.left(fast) is None
    assert clock.left(slow) is None
    now[0] = 10.0
    fold_s, run_s = clock.left(replace(fast, step=60)) or (0.0, 0.0)
    assert fold_s == pytest.approx(10.0)
    assert clock.left(replace(slow, step=20)) == pytest.approx((80.0, 80.0 + 2 * 90.0))
    clock.fold_done(20.0)
    assert clock.left(replace(slow, step=20)) == pytest.approx((80.0, 80.0 + 20.0))
    assert run_s == pytest.approx(10.0 + 2 * 20.0)


def test_fewer_steps_are_those_of_another_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a race the second backbone had the pace of the first one, and of its build."""
    now = [0.0]
    monkeypatch.setattr(module.time, "perf_counter", lambda: now[0])
    clock = Clock(folds=1)
    assert clock.left(step(50)) is None
    now[0] = 100.0
    assert clock.left(step(10)) is None
    now[0] = 110.0
    assert clock.left(step(20)) == pytest.approx((80.0, 80.0))
