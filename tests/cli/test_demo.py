"""`comp demo`: mistakes in one line, and no heavy import for the help."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from comp.cli import main


def call(monkeypatch: pytest.MonkeyPatch, *args: str) -> int:
    monkeypatch.setattr(sys, "argv", ["comp", "demo", *args])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("20010101", "--host", "0.0.0.0"), "can be reached by other machines"),
        (("20010101", "--port", "0"), "--port"),
        (("20010101",), "20010101"),
    ],
)
def test_mistakes_are_one_line(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    args: tuple[str, ...],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, *args) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert list(tmp_path.iterdir()) == []
