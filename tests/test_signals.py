"""Signals that wait, and how long."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from comp.signals import (
    Stopped,
    defer_signals,
    first_stopped,
    handle_signals,
    stop_at_once,
    stop_if_requested,
    stop_requested,
)


def test_a_signal_may_wait_for_some_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def waits() -> None:
        stop_if_requested()
        signal.raise_signal(signal.SIGTERM)
        now[0] = 103.9
        signal.raise_signal(signal.SIGTERM)  # a second one does not begin to wait anew
        stop_if_requested(waited_s=4.0)
        now[0] = 104.0
        assert stop_requested()
        stop_if_requested(waited_s=4.0)
        now[0] = 0.0

    with pytest.raises(Stopped) as caught, handle_signals(), defer_signals():
        waits()
    assert caught.value.number == signal.SIGTERM
    assert now == [104.0]


def test_a_signal_that_waits_stops_at_the_end_of_the_outermost_block() -> None:
    seen = []

    def waits() -> None:
        with defer_signals():
            with defer_signals():
                signal.raise_signal(signal.SIGTERM)
            seen.append(stop_requested())
        seen.append("it goes on")

    with pytest.raises(Stopped), handle_signals():
        waits()
    assert seen == [True]


def test_an_error_is_not_hidden_by_a_signal_that_waits() -> None:
    def fails() -> None:
        signal.raise_signal(signal.SIGTERM)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), handle_signals(), defer_signals():
        fails()


def test_nothing_is_deferred_where_nothing_is_saved() -> None:
    seen = []

    def stops() -> None:
        with stop_at_once(), defer_signals():
            signal.raise_signal(signal.SIGTERM)
            seen.append("continued")

    with pytest.raises(Stopped), handle_signals():
        stops()
    assert seen == []

    def is_deferred() -> None:
        signal.raise_signal(signal.SIGTERM)
        seen.append("deferred again")

    with pytest.raises(Stopped), handle_signals(), defer_signals():
        is_deferred()
    assert seen == ["deferred again"]


def test_the_first_of_two_signals_knows_what_was_stopped() -> None:
    def stops(run: Path | None) -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        except Stopped as first:
            first.run = run
            signal.raise_signal(signal.SIGINT)

    for run in (Path("runs/r1"), None):
        with pytest.raises(Stopped) as caught, handle_signals():
            stops(run)
        second = caught.value
        assert (second.number, second.run) == (signal.SIGINT, None)
        assert first_stopped(second).run == run
        assert (first_stopped(second) is second) == (run is None)
