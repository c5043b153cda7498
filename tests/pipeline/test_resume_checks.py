"""What a run that resumes is asked."""

from __future__ import annotations

import pytest

from comp.config.schema import resolve
from comp.errors import ConfigError
from comp.pipeline.resume_checks import resumed_config
from comp.trackers import installed
from competitions.cats_dogs import COMPETITION as CATS


def test_a_tracker_that_is_missing_here_stops_no_run_unless_the_user_asks_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = resolve("cats-dogs", [{"track": {"to": ["mlflow"]}}], CATS.options)
    record = {"competition": "cats-dogs", "config": config.model_dump(mode="json")}
    monkeypatch.setattr(installed, "is_installed", lambda _: False)
    assert resumed_config(record, {}).track.to == ["mlflow"]
    with pytest.raises(ConfigError, match="mlflow, which is not installed"):
        resumed_config(record, {"track": {"to": ["mlflow"]}})
