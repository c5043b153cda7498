"""Numbers that a run finds: how the configuration reads, keeps and writes them."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from comp.config.auto import AutoRate, AutoSize, is_auto
from comp.config.explain import explain
from comp.config.schema import resolve
from comp.errors import ConfigError

AUTO = {"optim": {"lr": "auto"}, "loader": {"batch_size": "auto"}}


def test_auto_stays_auto_in_what_is_written_and_is_a_number_before_it_is_found() -> None:
    config = resolve("toy", [AUTO])
    assert isinstance(config.optim.lr, AutoRate)
    assert isinstance(config.loader.batch_size, AutoSize)
    assert (config.optim.lr, config.loader.batch_size) == (1e-3, 32)
    for again in (
        resolve("toy", [config.model_dump(mode="json")]),
        resolve("toy", [config.model_dump()]),
        pickle.loads(pickle.dumps(config)),  # noqa: S301  its own bytes
    ):
        assert is_auto(again.optim.lr)
        assert is_auto(again.loader.batch_size)
        assert again.model_dump(mode="json") == config.model_dump(mode="json")
    shown = {entry.key: entry.value for entry in explain("toy", [("command line", AUTO)])}
    assert (shown["optim.lr"], shown["loader.batch_size"]) == ("auto", "auto")


def test_a_number_stays_a_plain_number() -> None:
    config = resolve("toy", [{"optim": {"lr": 1}, "loader": {"batch_size": 7}}])
    assert type(config.optim.lr) is float
    assert type(config.loader.batch_size) is int
    assert config.model_dump(mode="json")["optim"]["lr"] == 1.0
    assert not is_auto(config.optim.lr)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"optim": {"lr": 0}}, "optim.lr = 0: input should be greater than 0"),
        ({"optim": {"lr": "Auto"}}, "optim.lr = 'Auto': give a number or auto"),
        ({"loader": {"batch_size": "atuo"}}, "batch_size = 'atuo': give a number or auto"),
        ({"loader": {"batch_size": 0}}, "greater than or equal to 1"),
        ({"loader": {"batch_size": 2.5}}, "loader.batch_size = 2.5: input should be a valid int"),
    ],
)
def test_other_values_are_refused_as_before(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        resolve("toy", [keys])
