"""A tiny run of two classes, and the session of its page."""

from __future__ import annotations

from pathlib import Path

import demo_runs
import pytest

from comp.demo.session import Session
from comp.workspace import Workspace


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Workspace]:
    return demo_runs.cats_and_dogs(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="session")
def session(demo_run: tuple[str, Workspace], tmp_path_factory: pytest.TempPathFactory) -> Session:
    run_id, workspace = demo_run
    return Session.open(run_id, workspace, tmp_path_factory.mktemp("scratch"), "cpu")


@pytest.fixture(scope="session")
def photo(session: Session) -> Path:
    """The first example."""
    return Path(str(session.examples[0][0].image))
