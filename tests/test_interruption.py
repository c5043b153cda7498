"""Signals that wait, and how long."""

from __future__ import annotations

import signal
import time

import pytest

from comp.interruption import Stopped, asked, handled, held_back, stop_if_asked


def test_a_signal_may_wait_for_some_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    with pytest.raises(Stopped) as caught, handled(), held_back():
        stop_if_asked()
        signal.raise_signal(signal.SIGTERM)
        now = 103.9
        signal.raise_signal(signal.SIGTERM)  # a second one does not begin to wait anew
        stop_if_asked(waited_s=4.0)
        now = 104.0
        assert asked()
        stop_if_asked(waited_s=4.0)
        pytest.fail("it waits on")
    assert caught.value.number == signal.SIGTERM
