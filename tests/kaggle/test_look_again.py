"""What is looked for on Kaggle before a request is sent again."""

from __future__ import annotations

import pytest
from short_limits import FakeClock

from comp.errors import PendingError
from comp.kaggle import look_again as module
from comp.kaggle.client.deadline import Deadline
from comp.kaggle.look_again import look_again


class Said:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def step(self, words: str) -> None:
        self.lines.append(words)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_S", 0.3)
    monkeypatch.setattr(module, "EVERY_S", 0.05)
    clock = FakeClock()
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(Deadline, "sleep", lambda _deadline, seconds: clock.sleep(seconds))


def test_what_arrives_late_is_found() -> None:
    answers = iter([None, None, 7])
    said = Said()
    assert look_again(lambda: next(answers), Deadline(300), said) == 7
    assert len(said.lines) == 1


def test_what_never_arrives_may_become_two_which_is_said() -> None:
    asked, said = [], Said()
    assert look_again(lambda: asked.append(1), Deadline(300), said) is None
    assert len(asked) in (7, 8)  # six pauses, and perhaps a rest of one
    assert "if the first arrives after all, both count" in said.lines[-1]


def test_a_deadline_that_is_too_near_sends_nothing() -> None:
    with pytest.raises(PendingError, match="raise it with --timeout"):
        look_again(lambda: None, Deadline(0.1), Said())
