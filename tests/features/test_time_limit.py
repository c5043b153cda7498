"""Features that would take too much of a budget are given up after a trial."""

from __future__ import annotations

import math
from contextlib import suppress

import pytest
from whole_run import competition_of, tiny_config

from comp.config.schema import RunConfig
from comp.features.prepared import PreparedFeatures
from comp.features.time_limit import TRIAL_S, TooSlowError, limited, too_slow

PLUGIN = """
from comp.tasks.classification import image_classification

COMPETITION = image_classification(
    classes=("cat", "dog"), name="pets", title="Pets", kaggle="competitions/pets", metric="auc"
)
"""


def config_of(monkeypatch: pytest.MonkeyPatch, *layers: dict[str, object]) -> RunConfig:
    return tiny_config(competition_of(PLUGIN, monkeypatch), {"max_steps": None}, *layers)


def work(config: RunConfig, seconds_of_image: float, total: int = 1_000) -> int:
    """Count images that each take so many seconds; returns how many were done."""
    now, seen = 0.0, []
    count = limited(lambda done, _: seen.append(done), config, clock=lambda: now)
    with suppress(TooSlowError):
        for done in range(10, total + 1, 10):
            now += 10 * seconds_of_image
            count(done, total)
    return int(seen[-1])


def test_slow_features_end_after_a_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_of(monkeypatch, {"budget": "100s"})
    assert work(config, 0.04) == 1_000
    steps = math.ceil(TRIAL_S / 0.6 - 1e-9)
    assert work(config, 0.06) == 10 + 10 * steps


def test_without_a_budget_or_if_the_user_wants_them_nothing_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert work(config_of(monkeypatch, {}), 9.0) == 1_000
    wanted = config_of(monkeypatch, {"budget": "100s"}, {"features": {"cache": True}})
    assert work(wanted, 9.0) == 1_000
    assert too_slow(1e6, wanted) == ""
    assert "60 s of the budget of 100 s" in too_slow(60, config_of(monkeypatch, {"budget": "100s"}))


def test_what_was_given_up_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_of(monkeypatch, {"budget": "100s"})
    assert PreparedFeatures().recorded(config) is config
    given_up = PreparedFeatures(note="no cache", given_up=True)
    assert given_up.recorded(config).features.cache is False
