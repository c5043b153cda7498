"""An examination on the terminal."""

from __future__ import annotations

import pytest

from comp.doctor.check import Check
from comp.doctor.terminal import DoctorReporter

FAULT = Check("torch", "problem", "no [cuda] " + "long " * 30, "pip install torch")


def test_plain_lines_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with DoctorReporter() as reporter:
        reporter.check_started("torch")
        reporter.show(FAULT)
        reporter.show(Check("six", "ok", "1.17"))
        reporter.end(1, 2)
    problem, remedy, ok, total = capsys.readouterr().out.splitlines()
    assert problem == f"problem  torch           {FAULT.found}".rstrip() + " "
    assert remedy.strip() == "-> pip install torch"
    assert ok == "ok       six             1.17"
    assert total == "1 problem, 2 notes"


def test_columns_that_wrap_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    with DoctorReporter() as reporter:
        reporter.check_started("torch")
        reporter.show(FAULT)
        reporter.end(0, 1)
    text = capsys.readouterr().out
    assert "no [cuda] long" in text
    assert "no problems, 1 note" in text
    assert text.count("\n") > 4
