"""Signals that wait, and how long."""

from __future__ import annotations

import signal
import time

import pytest

from comp.signals import Stopped, asked, handled, held_back, stop_if_asked


def test_a_signal_may_wait_for_some_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def waits() -> None:
        stop_if_asked()
        signal.raise_signal(signal.SIGTERM)
        now[0] = 103.9
        signal.raise_signal(signal.SIGTERM)  # a second one does not begin to wait anew
        stop_if_asked(waited_s=4.0)
        now[0] = 104.0
        assert asked()
        stop_if_asked(waited_s=4.0)
        now[0] = 0.0

    with pytest.raises(Stopped) as caught, handled(), held_back():
        waits()
    assert caught.value.number == signal.SIGTERM
    assert now == [104.0]


def test_a_signal_that_waits_stops_at_the_end_of_the_outermost_block() -> None:
    seen = []

    def waits() -> None:
        with held_back():
            with held_back():
                signal.raise_signal(signal.SIGTERM)
            seen.append(asked())
        seen.append("it goes on")

    with pytest.raises(Stopped), handled():
        waits()
    assert seen == [True]


def test_an_error_is_not_hidden_by_a_signal_that_waits() -> None:
    def fails() -> None:
        signal.raise_signal(signal.SIGTERM)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), handled(), held_back():
        fails()
