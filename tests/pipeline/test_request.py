"""Requests: the layers of a configuration, and what a run repeats."""

from __future__ import annotations

from pathlib import Path

import pytest

from comp.contract import registry
from comp.errors import ConfigError, RunError
from comp.files import write_json
from comp.pipeline.request import RunRequest, config_keys, new_request, user_keys
from comp.workspace import Workspace

RECORD = {
    "competition": "chest-xray",
    "config": {"seed": 7, "backbone": "resnet18"},
    "folds": [1],
    "data": "/some/where",
    "synthetic": False,
    "plan": {"1": 30},
}


def request(keys: dict[str, object], tmp_path: Path, repeat: str | None = None) -> RunRequest:
    return new_request(registry.get("chest-xray"), Workspace.at(tmp_path), keys, repeat=repeat)


@pytest.mark.parametrize(
    ("keys", "replaced"),
    [
        ({}, True),
        ({"seed": 3}, True),
        ({"backbone": "resnet18"}, False),
        ({"pretrained": True}, False),
        ({"weights": "w.pt"}, False),
    ],
)
def test_synthetic_defaults_apply_unless_the_network_is_chosen(
    keys: dict[str, object], replaced: bool, tmp_path: Path
) -> None:
    made = request(keys, tmp_path)
    own = made.competition.synthetic_defaults
    assert own["pretrained"] is False
    assert made.config(synthetic=False).pretrained is True
    assert (made.config(synthetic=True).pretrained is False) == replaced


def test_keys_may_have_their_old_names_in_either_layer() -> None:
    assert config_keys({"optim": {"wait": 3}}, {"optim.plateau_patience": 4}) == {
        "optim": {"plateau_patience": 4}
    }
    assert config_keys({"optim": {"plateau_patience": 4}}, {"optim.wait": 3}) == {
        "optim": {"plateau_patience": 3}
    }


def test_a_flag_without_a_value_changes_nothing() -> None:
    keys = {"budget": "1m", "optim": {"lr": 0.1}}
    assert user_keys(keys, seed=None, budget=None) == keys
    assert user_keys(keys, max_steps=4) == keys | {"budget": None, "max_steps": 4}
    assert user_keys(keys, max_steps=4, budget="2m") == keys | {"budget": "2m", "max_steps": 4}


def test_pretrained_and_weights_are_one_choice(tmp_path: Path) -> None:
    assert user_keys({}, weights=tmp_path / "w.pt") == {
        "weights": tmp_path / "w.pt",
        "pretrained": True,
    }
    assert user_keys({"weights": "w.pt"}, pretrained=False) == {
        "weights": None,
        "pretrained": False,
    }
    with pytest.raises(ConfigError, match="exclude each other"):
        user_keys({}, weights=tmp_path / "w.pt", pretrained=False)


def test_a_repeat_keeps_what_the_user_does_not_give(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "chest-xray" / "r1"
    folder.mkdir(parents=True)
    write_json(folder / "run.json", RECORD)
    made = request({}, tmp_path, "r1")
    assert (made.config(synthetic=False).seed, made.data) == (7, Path("/some/where"))
    assert (list(made.folds), made.plan) == ([1], {1: 30})
    made = request({"seed": 8, "folds": 3, "epochs": 2}, tmp_path, "r1")
    assert made.config(synthetic=False).seed == 8
    assert (list(made.folds), made.plan) == ([], {})


def test_a_run_of_another_competition_is_not_repeated(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "denoising" / "r1"
    folder.mkdir(parents=True)
    write_json(folder / "run.json", RECORD | {"competition": "denoising"})
    with pytest.raises(RunError, match="run r1 is of denoising, not of chest-xray"):
        request({}, tmp_path, "r1")


@pytest.mark.parametrize(
    ("config", "sets"), [("optim.lr=1", None), (None, "optim.lr=1"), (3, None), (None, ["a=1"])]
)
def test_keys_that_are_no_dictionary_are_refused(config: object, sets: object) -> None:
    with pytest.raises(ConfigError, match=r"give a dictionary such as \{\"optim.lr\": 1\}"):
        config_keys(config, sets)  # type: ignore[arg-type]
