"""A desk with a ready bundle, whose Kaggle is a local server."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from kaggle_server import Contest, KaggleServer
from notebook_desk import SHORT_SILENCE, SHORT_WAITS, SLUG, NotebookDesk


@pytest.fixture
def server() -> Iterator[KaggleServer]:
    with KaggleServer() as made:
        made.contests[SLUG] = Contest(polls=0, leaderboard=[("a", "0.01"), ("b", "0.5")])
        made.sessions.queued, made.sessions.running = 0, 1
        yield made


@pytest.fixture
def desk(
    server: KaggleServer, pages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> NotebookDesk:
    """A desk for commands, and for calls in this process."""
    desk = NotebookDesk(server, tmp_path, pages)
    for name, value in server.environment(desk.home).items():
        monkeypatch.setenv(name, value)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (SHORT_WAITS | SHORT_SILENCE).items():
        module, _, constant = name.rpartition(".")
        monkeypatch.setattr(import_module(module), constant, value)
    return desk
