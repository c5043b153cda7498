"""Time limits that are over while an answer is waited for, on slow machines too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import pytest
from forked_comp import spend

from comp.kaggle.client import session
from comp.kaggle.client.deadline import Deadline

T = TypeVar("T")
LIMITS_S = (0.5, 5.0, 60.0)


def in_time(
    work: Callable[[float], T],
    reached: Callable[[], bool],
    limits: Sequence[float] = LIMITS_S,
) -> tuple[float, T]:
    """Do `work` with a short time limit, and with a longer one as long as `reached` is false after
    it: a machine that stalls may need longer for what comes before the wait.

    Returns the limit and what `work` returned.
    """
    for limit_s in limits:
        done = work(limit_s)
        if reached():
            break
    assert reached()
    return limit_s, done


def skip_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause takes no time, and the deadline comes nearer by it."""
    monkeypatch.setattr(Deadline, "sleep", spend)


def impatient_once(
    monkeypatch: pytest.MonkeyPatch, ready: Callable[[], bool] = lambda: True
) -> None:
    """The answer to the first request is waited for for a moment; from the first pause on there is
    time. With `ready`, it is the first pause at which that is true."""

    def pause(_deadline: Deadline, _seconds: float) -> None:
        if ready():
            monkeypatch.setattr(session, "TIMEOUT_S", (300.0, 300.0))

    monkeypatch.setattr(session, "TIMEOUT_S", (300.0, 0.3))
    monkeypatch.setattr(Deadline, "sleep", pause)


class FakeClock:
    """In place of the module `time`: nothing but a sleep takes time."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def perf_counter(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
