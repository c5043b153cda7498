"""Trackers that are not installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from comp.config.track import TRACKERS
from comp.errors import ConfigError
from comp.trackers import installed
from comp.trackers.installed import check_installed, is_installed


def test_all_trackers_are_installed_for_the_tests() -> None:
    assert installed.installed() == list(TRACKERS)
    check_installed(TRACKERS)


def test_a_missing_tracker_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "is_installed", {"wandb": True}.get)
    with pytest.raises(ConfigError) as error:
        check_installed(["wandb", "mlflow", "trackio"])
    assert str(error.value) == (
        "track.to has mlflow, trackio, which are not installed: pip install mlflow-skinny "
        "sqlalchemy alembic trackio, or leave it out of track.to"
    )


def test_a_folder_with_the_name_of_a_tracker_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """W&B writes a folder `wandb` into the working folder."""
    (tmp_path / "nowhere_installed").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(installed.NEEDED, "wandb", ("nowhere_installed",))
    assert not is_installed("wandb")
