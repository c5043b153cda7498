"""What is shown of the log of a failed session."""

from __future__ import annotations

from comp.notebook.log import LINES, LONGEST, last_traceback

START = "Traceback (most recent call last):"


def test_the_last_of_several_tracebacks_is_shown() -> None:
    log = f"a\n{START}\n  one\nValueError: 1\nb\n{START}\n  two\nKeyError: 2\nended\n"
    assert last_traceback(log) == f"{START}\n  two\nKeyError: 2\nended"


def test_without_a_traceback_the_last_lines_are_shown() -> None:
    log = "\n".join(str(number) for number in range(50)) + "\n\n"
    assert last_traceback(log).splitlines() == [str(number) for number in range(50 - LINES, 50)]
    assert last_traceback("") == ""


def test_an_endless_log_is_cut() -> None:
    assert len(last_traceback(START + "\nx" * 1000).splitlines()) == LONGEST
