"""The note on keys of a user that do nothing, for tables and images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from comp.config.nesting import merge, nested
from comp.config.schema import resolve
from comp.contract import registry
from comp.pipeline.unused_keys import unused_note


def note_of(name: str, given: Mapping[str, Any], **other: Any) -> str:
    competition, keys = registry.get(name), {}
    for key, value in given.items():
        keys = merge(keys, nested(key, value))
    layers = [competition.defaults, competition.synthetic_defaults, other]
    config = resolve(name, [*layers, keys], competition.options)
    return unused_note(competition, config, keys, layers)


@pytest.mark.parametrize(
    ("name", "given", "note"),
    [
        (
            "housing",
            {"model": "gbdt", "optim.lr": 0.1, "max_steps": 10, "mlp.width": 64, "loss.gamma": 3},
            "max_steps, loss.gamma, optim.lr and mlp.width do nothing: model = gbdt",
        ),
        (
            "cats-dogs",
            {"loss.gamma": 3, "epochs": 2, "max_steps": 4},
            "epochs does nothing: max_steps sets the length; "
            "loss.gamma does nothing: loss.name = bce",
        ),
        (
            "cats-dogs",
            {"loader.augment": False, "augment.vertical": True},
            "augment.vertical does nothing: loader.augment = false",
        ),
        (
            "denoising",
            {"image.size": 64, "dropout": 0.5},
            "dropout and image.size do nothing: this competition does not read it",
        ),
        (
            "cats-dogs",
            {"model": "linear", "optim.lr": 0.1},
            "optim.lr does nothing: model = linear",
        ),
    ],
)
def test_each_given_key_that_does_nothing_is_named(
    name: str, given: dict[str, Any], note: str
) -> None:
    assert note_of(name, given) == note


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("housing", {"model": "mlp", "optim.lr": 0.1, "max_steps": 3, "mlp.width": 64}),
        ("housing", {"model": ["gbdt", "mlp"], "optim.lr": 0.1, "gbdt.iterations": 7}),
        ("housing", {"model": "gbdt", "budget": 60.0, "max_steps": None, "columns.rare": 7}),
        ("cats-dogs", {"loss.name": "focal", "loss.gamma": 3, "head.pool": "max"}),
        ("cats-dogs", {"backbone": "test_vit", "image.size": 64, "augment.vertical": True}),
        ("cats-dogs", {"model": "linear", "backbone": "test_vit", "precision": "bf16"}),
        ("denoising", {"options.crop": 32, "predict.tile": 128, "optim.lr": 0.1}),
        ("salt", {"loss.name": "focal", "loss.gamma": 3, "backbone": "test_vit"}),
        ("salt", {"folds_csv": "f.csv", "external": ["x"], "external_folds": True, "fold_seed": 3}),
    ],
)
def test_keys_that_are_read_are_never_named(name: str, given: dict[str, Any]) -> None:
    assert note_of(name, given) == ""


def test_a_value_that_changes_nothing_is_not_named() -> None:
    assert note_of("housing", {"model": "gbdt", "optim.lr": 0.5}, optim={"lr": 0.5}) == ""
    assert note_of("housing", {"model": "gbdt"}, optim={"lr": 0.5}) == ""
