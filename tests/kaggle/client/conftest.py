"""The fake Kaggle, and the real client connected to it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from kaggle_server import KaggleServer

from comp.kaggle.client.deadline import Deadline
from comp.kaggle.client.session import Kaggle, connect


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KaggleServer]:
    """A Kaggle to which the client of this process speaks."""
    with KaggleServer() as running:
        variables = running.environment(tmp_path / "home")
        for name in set(os.environ) - set(variables):
            monkeypatch.delenv(name)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def kaggle(server: KaggleServer) -> Iterator[Kaggle]:
    """The real client."""
    with connect(Deadline(300)) as made:
        yield made


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that would have been made."""
    slept: list[float] = []
    monkeypatch.setattr(Deadline, "sleep", lambda _self, seconds: slept.append(seconds))
    return slept


@pytest.fixture(scope="session")
def kaggles_client() -> str:
    """The source of Kaggle's own client, for canaries; its import would look for credentials."""
    spec = find_spec("kaggle")
    assert spec
    assert spec.origin
    return (Path(spec.origin).parent / "api" / "kaggle_api_extended.py").read_text(encoding="utf-8")
