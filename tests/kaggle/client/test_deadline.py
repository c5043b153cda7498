"""How long a command may take in all."""

from __future__ import annotations

import threading

import pytest
from short_limits import FakeClock

from comp.errors import NetworkError
from comp.kaggle.client import deadline as module
from comp.kaggle.client.deadline import Deadline


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    made = FakeClock()
    monkeypatch.setattr(module, "time", made)
    return made


def test_it_counts_down_and_not_below_nothing(clock: FakeClock) -> None:
    deadline = Deadline(0.05)
    clock.now += 0.03
    assert deadline.left == pytest.approx(0.02)
    deadline.check("waiting")
    clock.now += 0.03
    assert deadline.left == 0
    with pytest.raises(NetworkError, match=r"waiting: not done within 0.05 s, the time limit; .*"):
        deadline.check("waiting")


def test_it_does_not_sleep_beyond_its_end(clock: FakeClock) -> None:
    deadline, began = Deadline(5), clock.now
    deadline.sleep(3)
    deadline.sleep(30)
    assert clock.now == began + 5


def test_work_that_ends_in_time_gives_its_result() -> None:
    assert Deadline(300).run_within("adding", lambda: 1 + 1) == 2
    assert Deadline(300).run_within("nothing", lambda: None) is None


def test_an_error_of_the_work_comes_out_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        Deadline(300).run_within("dividing", lambda: 1 // 0)
    with pytest.raises(KeyboardInterrupt):
        Deadline(300).run_within("stopping", _stop)


def _stop() -> None:
    raise KeyboardInterrupt


def test_work_that_hangs_is_left_behind() -> None:
    stopped = threading.Event()
    with pytest.raises(NetworkError, match=r"hanging: not done within 0\.1 s") as caught:
        Deadline(0.1).run_within("hanging", lambda: stopped.wait(600))
    stopped.set()
    assert "raise the limit with --timeout" in str(caught.value)


def test_nothing_begins_after_the_end() -> None:
    done: list[int] = []
    with pytest.raises(NetworkError):
        Deadline(0).run_within("adding", lambda: done.append(1))
    assert done == []
