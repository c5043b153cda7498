"""The configuration: its layers, its faults, and its way to JSON and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from comp.config.durations import parse_duration
from comp.config.nesting import merge
from comp.config.schema import RENAMED, RunConfig, keys, rename_keys, resolve
from comp.config.section import Section
from comp.errors import ConfigError


class Own(Section):
    """Options of an imagined competition."""

    crop: int = Field(64, ge=32, description="side of a crop")
    paper: str | None = Field(None, description="what stands behind")


def built(values: Mapping[str, Any]) -> RunConfig:
    return resolve("x", [values], Own)


def faults_of(values: Mapping[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        built(values)
    return str(caught.value)


def test_defaults_without_any_layer():
    config = resolve("x", [])

    assert config.competition == "x"
    assert (config.folds, config.seed, config.max_steps, config.budget) == (5, 0, None, None)
    assert config.optim.lr == 1e-3


def test_the_later_layer_wins_key_by_key():
    plugin = {"epochs": 3, "seed": 1, "optim": {"lr": 0.5, "clip_norm": 1.0}}
    file = {"seed": 2, "optim": {"lr": 0.25}, "options": {"crop": 40}}
    flags = {"seed": 3, "options": {"paper": "lined"}}

    config = resolve("x", [plugin, file, flags], Own)

    assert (config.epochs, config.seed) == (3, 3)
    assert (config.optim.lr, config.optim.clip_norm, config.optim.name) == (0.25, 1.0, "adamw")
    assert config.options == Own(crop=40, paper="lined")


def test_a_later_none_takes_a_value_back():
    config = resolve("x", [{"optim": {"clip_norm": 1.0}}, {"optim": {"clip_norm": None}}])

    assert config.optim.clip_norm is None


def test_layers_are_not_changed():
    first: dict[str, Any] = {"optim": {"lr": 0.5}, "competition": "y", "options": {"crop": 40}}
    before = json.dumps(first)

    config = resolve("x", [first, {"optim": {"lr": 0.25}}], Own)

    assert json.dumps(first) == before
    assert config.competition == "x"


def test_merge_replaces_whatever_is_not_a_section_on_both_sides():
    assert merge({"a": {"b": 1}, "c": 2}, {"a": 3, "c": {"d": 4}}) == {"a": 3, "c": {"d": 4}}
    assert merge({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}}) == {"a": {"b": 1, "c": 3}}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("30m", 1800),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("1.5h", 5400),
        ("2d", 172800),
        (" 10 S ", 10),
        ("1d2h3m4s", 86400 + 7200 + 180 + 4),
    ],
)
def test_durations(text: str, seconds: float):
    assert parse_duration(text) == seconds
    assert built({"budget": text}).budget == seconds


@pytest.mark.parametrize("number", [90, 0.5])
def test_durations_in_numbers_are_seconds(number: float):
    assert built({"budget": number}).budget == number


@pytest.mark.parametrize(
    "text", ["", "soon", "-5m", "5 weeks", "1h30x", "h", "5m!", "1:30", "1,5h"]
)
def test_bad_durations_are_refused_with_an_example(text: str):
    message = faults_of({"budget": text})

    assert f"budget = {text!r}" in message
    assert "90s, 30m or 1h30m" in message


@pytest.mark.parametrize("value", [0, "0s", -1, True, [1]])
def test_budget_must_be_a_time_above_zero(value: object):
    assert "budget = " in faults_of({"budget": value})


@pytest.mark.parametrize("text", ["1 000", "30 30"])
def test_durations_of_two_numbers_without_a_unit_are_refused(text: str):
    assert "budget = " in faults_of({"budget": text})


@given(
    st.integers(0, 50),
    st.integers(0, 23),
    st.integers(0, 59),
    st.integers(1, 59),
)
def test_durations_add_up(days: int, hours: int, minutes: int, seconds: int):
    text = f"{days}d{hours}h{minutes}m{seconds}s"

    assert parse_duration(text) == ((days * 24 + hours) * 60 + minutes) * 60 + seconds


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"folds": "five"}, "folds = 'five': input should be a valid integer"),
        ({"folds": "5"}, "folds = '5': input should be a valid integer"),
        ({"folds": 2.5}, "folds = 2.5:"),
        ({"folds": True}, "folds = True:"),
        ({"folds": 1}, "folds = 1: input should be greater than or equal to 2"),
        ({"seed": -1}, "seed = -1:"),
        ({"seed": 2**32}, "seed = 4294967296:"),
        ({"loader": {"workers": -1}}, "loader.workers = -1:"),
        ({"loader": {"augment": 1}}, "loader.augment = 1:"),
        ({"loader": {"augment": "yes"}}, "loader.augment = 'yes': write true or false"),
        ({"loader": 3}, "loader = 3:"),
        ({"optim": {"lr": 0}}, "optim.lr = 0:"),
        ({"optim": {"lr": float("nan")}}, "optim.lr = nan:"),
        ({"optim": {"warmup": 1.0}}, "optim.warmup = 1.0:"),
        ({"predict": {"tta": "rot90"}}, "predict.tta = 'rot90': use 'auto', 'none'"),
        ({"precision": "fp64"}, "precision = 'fp64':"),
        ({"device": None}, "device = None:"),
        ({"weights": 3}, "weights = 3:"),
        ({"options": {"crop": 16}}, "options.crop = 16:"),
        ({"options": {"crop": "big"}}, "options.crop = 'big':"),
    ],
)
def test_wrong_types_and_values_are_named_with_what_was_found(values: dict[str, Any], found: str):
    message = faults_of(values)

    assert message.startswith("1 fault in the configuration: ")
    assert found in message


@pytest.mark.parametrize(
    "values", [{"optim": {"lr": float("inf")}}, {"budget": float("inf")}], ids=["lr", "budget"]
)
def test_infinity_is_refused(values: dict[str, Any]):
    assert "inf" in faults_of(values)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"foldz": 3}, "unknown key 'foldz' (did you mean 'folds'?)"),
        ({"optim": {"lrr": 0.1}}, "unknown key 'optim.lrr' (did you mean 'optim.lr'?)"),
        ({"lr": 1}, "unknown key 'lr' (did you mean 'optim.lr' or 'gbdt.lr'?)"),
        (
            {"batch_size": 3},
            "unknown key 'batch_size' (did you mean 'loader.batch_size' or 'predict.batch_size'?)",
        ),
        ({"loader": {"lr": 1}}, "unknown key 'loader.lr' (did you mean 'optim.lr' or 'gbdt.lr'?)"),
        (
            {"options": {"lr": 1}},
            "unknown key 'options.lr' (did you mean 'optim.lr' or 'gbdt.lr'?)",
        ),
        ({"crop": 64}, "unknown key 'crop' (did you mean 'options.crop'?)"),
        ({"wait": 2}, "unknown key 'wait' (did you mean 'optim.plateau_patience'?)"),
        ({"optm": {"lr": 0.1}}, "unknown key 'optm' (did you mean 'optim'?)"),
        ({"options": {"crap": 64}}, "unknown key 'options.crap' (did you mean 'options.crop'?)"),
        ({"options": {"corp": 64}}, "unknown key 'options.corp' (did you mean 'options.crop'?)"),
    ],
)
def test_unknown_keys_come_with_the_nearest(values: dict[str, Any], words: str):
    assert words in faults_of(values)


def test_unknown_key_near_nothing_has_no_suggestion():
    message = faults_of({"qqqqqqqq": 3})

    assert "unknown key 'qqqqqqqq'" in message
    assert "did you mean" not in message


def test_all_faults_come_at_once():
    message = faults_of(
        {
            "folds": "five",
            "foldz": 3,
            "loader": {"workers": -1},
            "budget": "soon",
            "options": {"crop": 16, "corp": 64},
        }
    )

    assert message.startswith("6 faults in the configuration: ")
    for part in ("folds = 'five'", "'foldz'", "loader.workers = -1", "budget = 'soon'"):
        assert part in message
    assert "options.crop = 16" in message
    assert "unknown key 'options.corp'" in message


def test_options_of_a_competition_without_any_are_unknown_keys():
    with pytest.raises(ConfigError, match=r"unknown key 'options\.crop'"):
        resolve("x", [{"options": {"crop": 64}}])


def test_budget_and_max_steps_exclude_each_other():
    assert "budget and max_steps both set the length of training: give only one" in faults_of(
        {"budget": "5m", "max_steps": 10}
    )


def test_budget_and_max_steps_are_refused_without_printing_the_configuration():
    assert faults_of({"budget": "5m", "max_steps": 10}) == (
        "1 fault in the configuration: "
        "budget and max_steps both set the length of training: give only one"
    )


def test_options_that_are_no_section_are_named():
    assert "options = 3:" in faults_of({"options": 3})


def test_config_is_frozen_at_every_level():
    config = built({})

    for part, name in ((config, "folds"), (config.optim, "lr"), (config.options, "crop")):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(part, name, 33)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"budget": "1h30m"},
        {
            "max_steps": 7,
            "weights": "some/where.safetensors",
            "seed": 4,
            "optim": {"ema": 0.9, "clip_norm": 0.5},
            "predict": {"tta": "hflip", "tile": 128},
            "options": {"crop": 96, "paper": "lined"},
        },
    ],
    ids=["defaults", "budget", "much"],
)
def test_round_trip_through_json(values: dict[str, Any]):
    config = built(values)
    text = json.dumps(config.model_dump(mode="json"))

    again = resolve("x", [json.loads(text)], Own)

    assert again == config
    assert type(again.options) is Own
    assert isinstance(again.weights, Path) or again.weights is None


def test_every_field_has_a_description_of_one_line():
    sections = [RunConfig, *section_types(RunConfig)]
    assert len(sections) == 21
    for section in sections:
        for name, field in section.model_fields.items():
            if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
                continue
            text = field.description or ""
            assert text, f"{section.__name__}.{name}"
            assert "\n" not in text
            assert not text.endswith(".")


def section_types(model: type[Section]) -> list[type[Section]]:
    kinds = [field.annotation for field in model.model_fields.values()]
    return [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Section)]


def test_keys_name_the_nested_ones_too():
    found = keys(RunConfig)

    assert {"folds", "optim", "optim.lr", "loader.batch_size", "predict.tta", "options"} <= {*found}
    assert len(found) == len(set(found))


def test_every_old_name_leads_to_a_known_key():
    assert RENAMED
    assert set(RENAMED.values()) <= set(keys(RunConfig))
    assert set(RENAMED) & set(keys(RunConfig)) == set()


def test_an_old_key_is_read_in_every_layer_and_the_later_layer_wins():
    old, new = {"optim": {"wait": 3, "lr": 0.5}}, {"optim": {"plateau_patience": 4}}

    assert resolve("x", [old]).optim.plateau_patience == 3
    assert resolve("x", [old]).optim.lr == 0.5
    assert resolve("x", [old, new]).optim.plateau_patience == 4
    assert resolve("x", [new, old]).optim.plateau_patience == 3
    assert old == {"optim": {"wait": 3, "lr": 0.5}}


def test_a_key_by_both_names_in_one_layer_is_refused():
    message = faults_of({"optim": {"wait": 3, "plateau_patience": 3}})

    assert message == (
        "optim.wait is now called optim.plateau_patience: give only optim.plateau_patience"
    )


def test_rename_keys_names_the_old_keys():
    assert rename_keys({"optim": {"wait": None}}) == (
        {"optim": {"plateau_patience": None}},
        ["optim.wait"],
    )
    for layer in ({}, {"optim": 3}, {"optim": {"lr": 1}}, {"optim": None}):
        assert rename_keys(layer) == (layer, [])


@pytest.mark.parametrize(
    ("given", "kept"), [("auto", "auto"), (None, "auto"), (50, 50.0), (0, 0.0)]
)
def test_the_room_for_cached_images(given: object, kept: object) -> None:
    assert resolve("x", [{"image": {"cache_gb": given}}]).image.cache_gb == kept


@pytest.mark.parametrize("given", [-1, True, "much", float("nan")])
def test_no_room_for_cached_images(given: object) -> None:
    with pytest.raises(ConfigError, match=r"image\.cache_gb.*auto, or a number of GB"):
        resolve("x", [{"image": {"cache_gb": given}}])
