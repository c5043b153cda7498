from __future__ import annotations

import os

import pytest

from comp.config.launched import Launched, launched, launcher_settings, launcher_variables
from comp.errors import ConfigError

TORCHRUN = {"WORLD_SIZE": "4", "RANK": "3", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"}


def test_the_variables_of_torchrun_say_which_process_this_is() -> None:
    assert launched(TORCHRUN) == Launched(rank=3, size=4, local_rank=1, local_size=2)


@pytest.mark.parametrize("variables", [{}, {"WORLD_SIZE": "1", "RANK": "0"}, {"LOCAL_RANK": "0"}])
def test_one_process_is_alone(variables: dict[str, str]) -> None:
    assert launched(variables) is None


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"WORLD_SIZE": "2"}, r"do not fit together \(WORLD_SIZE=2, RANK=missing"),
        (TORCHRUN | {"RANK": "4"}, "do not fit together"),
        (TORCHRUN | {"RANK": "first"}, "RANK=first"),
        ({"OMPI_COMM_WORLD_SIZE": "2"}, "mpirun started several processes"),
        (TORCHRUN | {"ACCELERATE_USE_FSDP": "true"}, "another way of training than DDP"),
        ({"WORLD_SIZE": "1", "ACCELERATE_USE_DEEPSPEED": "true"}, "another way of training"),
        (
            {"ACCELERATE_USE_CPU": "True", "MASTER_ADDR": "127.0.0.1"},
            "starts one process on the CPU",
        ),
    ],
)
def test_other_launchers_and_odd_variables_are_refused(
    variables: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        launched(variables)


def test_settings_of_a_launcher_have_the_keys_of_comp() -> None:
    defaults = {"MIXED_PRECISION": "no", "USE_CPU": "False", "DYNAMO_BACKEND": "NO"}
    asked = {"MIXED_PRECISION": "BF16", "USE_CPU": "True", "DYNAMO_BACKEND": "INDUCTOR"}
    found = [
        launcher_settings({f"ACCELERATE_{name}": value for name, value in given.items()})
        for given in ({}, defaults, asked)
    ]
    assert found == [{}, {}, {"precision": "bf16", "device": "cpu", "compile": "true"}]


def test_variables_are_set_for_a_block_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")
    monkeypatch.delenv("RANK", raising=False)
    with launcher_variables({"RANK": "1"}):
        assert "WORLD_SIZE" not in os.environ
        assert "ACCELERATE_MIXED_PRECISION" not in os.environ
        assert os.environ["RANK"] == "1"
    assert os.environ["WORLD_SIZE"] == "2"
    assert os.environ["ACCELERATE_MIXED_PRECISION"] == "bf16"
    assert "RANK" not in os.environ
