"""Opens a page in the browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from comp.cli.opening import SCREENS, open_page


@pytest.mark.parametrize(("screen", "opens"), [(True, True), (True, False), (False, True)])
def test_what_cannot_open_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, screen: bool, opens: bool
) -> None:
    opened: list[str] = []
    notes: list[str] = []
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("webbrowser.open", lambda uri: opened.append(uri) or opens)
    for name in SCREENS:
        monkeypatch.delenv(name, raising=False)
    if screen:
        monkeypatch.setenv("DISPLAY", ":0")
    open_page(tmp_path / "a b.html", notes.append)
    assert opened == ([(tmp_path / "a b.html").as_uri()] if screen else [])
    assert bool(notes) != (screen and opens)
