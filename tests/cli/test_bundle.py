"""`comp bundle`: a folder, its summary and its JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from bundled import Bundled, bundled
from typer.testing import CliRunner, Result

from comp.cli.app import build_app
from comp.errors import ConfigError, RunError

__all__ = ["bundled"]


@pytest.fixture
def known(bundled: Callable[[str], Bundled], monkeypatch: pytest.MonkeyPatch) -> Bundled:
    """A run in the working folder."""
    found = bundled("photos")
    monkeypatch.chdir(found.workspace.out)
    monkeypatch.setenv("COLUMNS", "160")
    return found


def call(*words: str) -> Result:
    """`comp bundle` with some words."""
    return CliRunner().invoke(build_app(), ["bundle", *words])


def test_a_bundle_of_the_start_of_an_id(known: Bundled, tmp_path: Path) -> None:
    done = call(known.run_id[:-2], "--out", str(tmp_path / "b"), "--json")
    assert done.exit_code == 0, done.output
    card = json.loads(done.stdout.splitlines()[-1])
    assert card["run_id"] == known.run_id
    assert card["folder"] == str(tmp_path / "b")
    assert card["rehearsal"] is None
    assert (tmp_path / "b" / "predict.py").is_file()
    again = call(known.run_id, "--out", str(tmp_path / "b"))
    assert isinstance(again.exception, RunError)
    assert "--force" in str(again.exception)
    done = call(known.run_id, "--out", str(tmp_path / "b"), "--force", "--half")
    assert done.exit_code == 0, done.output
    assert "in half precision" in done.stdout


def test_a_folder_of_a_bundle_is_only_rehearsed(
    known: Bundled, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = call(str(known.folder))
    assert isinstance(done.exception, ConfigError)
    assert "--rehearse" in str(done.exception)
    seen: list[Path] = []
    monkeypatch.setattr("comp.bundle.rehearse.rehearse", lambda folder, *_: seen.append(folder))
    assert call(str(known.folder), "--rehearse").exit_code == 0
    assert seen == [known.folder]


def test_no_such_run(known: Bundled) -> None:
    done = call("1999")
    assert isinstance(done.exception, RunError)
    assert "no run '1999'" in str(done.exception)
