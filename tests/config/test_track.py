"""The section `track`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from comp.config.schema import resolve
from comp.config.track import TrackConfig
from comp.errors import ConfigError


def track(**keys: Any) -> TrackConfig:
    return resolve("toy", [{"track": keys}]).track


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (None, []),
        ("wandb", ["wandb"]),
        ("wandb,mlflow", ["wandb", "mlflow"]),
        (["trackio", "trackio"], ["trackio"]),
    ],
)
def test_trackers_are_one_or_several(given: object, names: list[str]) -> None:
    assert track(to=given).to == names


def test_nothing_is_tracked_by_default() -> None:
    assert resolve("toy", []).track.to == []


def test_an_unknown_tracker_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"track.to.0 = 'wandbb': did you mean 'wandb'\? use"):
        track(to="wandbb")


def test_a_file_of_sqlite_gets_an_absolute_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert track(mlflow_uri="sqlite:///a/my.db").mlflow_uri == f"sqlite:///{tmp_path}/a/my.db"
    for uri in ("sqlite:////a/my.db", "http://host:5000", "databricks"):
        assert track(mlflow_uri=uri).mlflow_uri == uri


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"mlflow_uri": "http://me:secret@host"}, "run.json would contain the password"),
        ({"project": "a/b"}, "give a name without"),
        ({"project": " "}, "give a name without"),
        ({"limit": "soon"}, "write a duration"),
        ({"limit": 0}, "greater than 0"),
        ({"wandb_mode": "disabled"}, "use 'online' or 'offline'"),
    ],
)
def test_what_no_tracker_can_use_is_refused(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        track(**keys)
