"""How long a command may take in all."""

from __future__ import annotations

import threading
import time

import pytest

from comp.errors import NetworkError
from comp.kaggle.client.deadline import Deadline


def test_it_counts_down_and_not_below_nothing() -> None:
    deadline = Deadline(0.05)
    assert 0 < deadline.left <= 0.05
    deadline.check("waiting")
    time.sleep(0.06)
    assert deadline.left == 0
    with pytest.raises(NetworkError, match=r"waiting: not done within 0.05 s, the time limit; .*"):
        deadline.check("waiting")


def test_it_does_not_sleep_beyond_its_end() -> None:
    began = time.monotonic()
    Deadline(0.05).sleep(30)
    assert 0.04 < time.monotonic() - began < 1


def test_work_that_ends_in_time_gives_its_result() -> None:
    assert Deadline(5).run_within("adding", lambda: 1 + 1) == 2
    assert Deadline(5).run_within("nothing", lambda: None) is None


def test_an_error_of_the_work_comes_out_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        Deadline(5).run_within("dividing", lambda: 1 // 0)
    with pytest.raises(KeyboardInterrupt):
        Deadline(5).run_within("stopping", _stop)


def _stop() -> None:
    raise KeyboardInterrupt


def test_work_that_hangs_is_left_behind() -> None:
    stopped = threading.Event()
    began = time.monotonic()
    with pytest.raises(NetworkError, match=r"hanging: not done within 0\.1 s") as caught:
        Deadline(0.1).run_within("hanging", stopped.wait)
    stopped.set()
    assert time.monotonic() - began < 2
    assert "raise the limit with --timeout" in str(caught.value)


def test_nothing_begins_after_the_end() -> None:
    done: list[int] = []
    with pytest.raises(NetworkError):
        Deadline(0).run_within("adding", lambda: done.append(1))
    assert done == []
